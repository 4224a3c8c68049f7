"""Uploading a file to a conversation: taken from wherever it is, without holding the loop up."""

from __future__ import annotations

import asyncio
import os
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from duologue.connection.http.request import checked_timeout_s
from duologue.connection.http.uploads import Upload, send_upload
from duologue.conversation.threads import in_thread
from duologue.errors import UploadError

DEFAULT_TIMEOUT_S: Final = 60.0
"""A few megabytes over a slow line."""

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""The largest file taken, because a file is in memory while it is sent. What servers take is less:
they are made for images and PDFs."""

PART_BYTES: Final = 1024 * 1024
"""How much is read at once."""

UploadableFile = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, the content itself, or a file opened in binary mode."""


class Uploads(ABC):
    """The upload of files to a conversation."""

    _upload_origin: str | None
    _ssl_context: ssl.SSLContext | None

    @property
    @abstractmethod
    def id(self) -> str:
        """The server's id of this conversation."""

    async def upload_file(
        self,
        file: UploadableFile,
        *,
        name: str | None = None,
        media_type: str | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> str:
        """Upload a file, and return its id for `send_multimodal_message(file_ids=[…])`.

        ElevenLabs takes images and PDFs. It may be done at any time after the start, even after
        the end. Cancelling releases everything.

        Args:
            file: a path, the content as bytes, or a file opened in binary mode, which is read
                from where it stands to its end and is not closed; 64 MiB at most.
            name: the file name to send; without it the file's own, or `upload.` and the type.
            media_type: what the file is, such as "application/pdf"; without it what the name says,
                or else "image/png".
            timeout: how many seconds reading and sending may take.

        Raises:
            TypeError: a value of the wrong kind, such as a file opened in text mode.
            ValueError: `media_type` is none, `timeout` is not positive, or the file is closed.
            UploadError: the file cannot be read, or is too large, or no file may leave this
                session; nothing has been sent.
            RequestRefused: the server answered with an error.
            RequestFailed: the server cannot be reached, takes too long, or gives no id.
        """
        if self._upload_origin is None:
            raise UploadError(
                "no file can be uploaded in this session: its messages go through an orchestrator "
                "of your own, and a file would leave your network; hand it over there"
            )
        _check_text("name", name)
        _check_text("media_type", media_type)
        timeout_s = checked_timeout_s(timeout)
        clock_s = asyncio.get_running_loop().time
        deadline_s = clock_s() + timeout_s
        upload = await _prepared(_reader(file), name, media_type, timeout_s)
        return await send_upload(
            upload,
            origin=self._upload_origin,
            conversation_id=self.id,
            timeout_s=round(deadline_s - clock_s(), 2),  # an error shows it to a person
            ssl_context=self._ssl_context,
        )


Reader = Callable[[], tuple[bytes, str | None]]
"""Gives the content of a file and its own name, if it has one; may block."""


async def _prepared(
    read: Reader, name: str | None, media_type: str | None, timeout_s: float
) -> Upload:
    """Read a file in a thread of its own: it may be on a slow disk, or be a pipe that hangs."""

    def prepare() -> Upload:
        content, own_name = read()
        return Upload.of(content, name=name or own_name, media_type=media_type)

    try:
        async with asyncio.timeout(timeout_s):
            return await in_thread(prepare, "duologue upload")
    except TimeoutError:
        raise UploadError(
            f"the file could not be read within {timeout_s:g} s; see where it is, or allow more"
        ) from None
    except OSError as error:
        raise UploadError(f"the file cannot be read: {error}") from error


def _reader(file: object) -> Reader:
    if isinstance(file, bytes | bytearray | memoryview):
        content = _limited(bytes(file))
        return lambda: (content, None)
    if isinstance(file, str | os.PathLike):
        path = os.fsdecode(file)
        return lambda: _from_path(path)
    if callable(getattr(file, "read", None)):
        return lambda: (_from_file(file), _own_name(file))
    raise TypeError(
        f"file must be a path, bytes, or a file opened in binary mode, not {type(file).__name__}"
    )


def _from_path(path: str) -> tuple[bytes, str]:
    with open(path, "rb") as file:
        return _from_file(file), os.path.basename(path)


def _from_file(file: Any) -> bytes:
    """What is left of a file; a little more than the largest is read of one that is too large."""
    content = bytearray()
    while len(content) <= MAX_FILE_BYTES:
        part = file.read(PART_BYTES)
        if not isinstance(part, bytes):
            raise TypeError(
                f"file gives {type(part).__name__} instead of bytes; open it in binary mode ('rb')"
            )
        if not part:
            break
        content += part
    return _limited(bytes(content))


def _limited(content: bytes) -> bytes:
    if len(content) > MAX_FILE_BYTES:
        raise UploadError(
            f"the file is too large: at most {MAX_FILE_BYTES // 2**20} MiB can be uploaded"
        )
    return content


def _own_name(file: object) -> str | None:
    """The name of an open file; those without one on disk have a number, or one like `<stdin>`."""
    name = getattr(file, "name", None)
    if not isinstance(name, str) or name.startswith("<"):
        return None
    return os.path.basename(name)


def _check_text(option: str, value: object) -> None:
    if not isinstance(value, str | None):
        raise TypeError(f"{option} must be a string, not {type(value).__name__}")
