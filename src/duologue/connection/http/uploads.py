"""Sending a file to the server of a conversation, so that messages can refer to it."""

from __future__ import annotations

import io
import mimetypes
import re
import ssl
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

import aiohttp
import msgspec

from duologue.connection.http.endpoints import conversation_part_url, server_of
from duologue.connection.http.request import ask
from duologue.errors import RequestFailed

DEFAULT_MEDIA_TYPE: Final = "image/png"
"""What a file is taken for of which nothing is known, as by ElevenLabs' JavaScript client."""

_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+ *(;[\x20-\x7e]*)?", re.ASCII)

_UNFIT_FOR_A_NAME: Final = re.compile(r'[\x00-\x1f\x7f"]')


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as it is sent.

    Attributes:
        name: its file name.
        media_type: what it is, such as "application/pdf".
        content: all of it.
    """

    name: str
    media_type: str
    content: bytes = field(repr=False)

    @classmethod
    def of(cls, content: bytes, *, name: str | None, media_type: str | None) -> Upload:
        """A file of which name and type may be unknown.

        Without a type, that of the name's ending is taken, or else `image/png`; without a name,
        `upload.` and the type's own name, such as `upload.svg` for `image/svg+xml`. May read the
        system's table of types from disk.

        Raises:
            ValueError: `media_type` is none.
        """
        if media_type and not _MEDIA_TYPE.fullmatch(media_type):
            raise ValueError(
                f"media_type={media_type!r} is no type; expected one like 'application/pdf'"
            )
        media_type = media_type or _type_by_name(name or "") or DEFAULT_MEDIA_TYPE
        return cls(name=name or _name_by_type(media_type), media_type=media_type, content=content)


async def send_upload(
    upload: Upload,
    *,
    origin: str,
    conversation_id: str,
    timeout_s: float,
    ssl_context: ssl.SSLContext | None = None,
) -> str:
    """Send a file, and return the id that the server gives it. Cancelling releases everything.

    Raises:
        RequestRefused: the server answered with an error.
        RequestFailed: the server cannot be reached, takes too long, or gives no id.
    """
    # The quoting of form fields is the browsers', as servers know it from the JavaScript client;
    # aiohttp's own would percent-encode every letter beyond ASCII.
    form = aiohttp.FormData(quote_fields=False)
    form.add_field(
        "file",
        io.BytesIO(upload.content),  # a stream, since bytes are written in one go
        filename=_quoted(upload.name),
        content_type=upload.media_type,
    )
    answer = await ask(
        "POST",
        conversation_part_url(origin, conversation_id, "files"),
        purpose=f"take the file {upload.name!r}",
        timeout_s=timeout_s,
        body=form,
        ssl_context=ssl_context,
    )
    return _file_id(answer, origin)


class _Answer(msgspec.Struct):
    file_id: str


def _file_id(answer: bytes, origin: str) -> str:
    try:
        file_id = msgspec.json.decode(answer, type=_Answer).file_id
    except ValueError:  # msgspec's errors are ValueErrors, too
        file_id = ""
    if not file_id:
        raise RequestFailed(
            f"{server_of(origin)} took the file but answered without an id of it (`file_id`), so "
            "no message can refer to it; is it an agent's server?"
        )
    return file_id


def _type_by_name(name: str) -> str | None:
    # The ending alone is looked up: the table takes other names for URLs, and an archive's for
    # what is inside.
    return mimetypes.guess_type(f"file{PurePath(name).suffix}")[0]


def _name_by_type(media_type: str) -> str:
    subtype = media_type.partition(";")[0].partition("/")[2]
    return f"upload.{subtype.partition('+')[0].strip()}"


def _quoted(name: str) -> str:
    """A name as it may stand in a header."""
    quoted = _UNFIT_FOR_A_NAME.sub(lambda match: f"%{ord(match[0]):02X}", name)
    return quoted.encode(errors="replace").decode()  # names on disk may be no text
