"""The keys of a server: who may ask it for signed URLs, kept as hashes in a file."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from duologue.agent.file_lock import locked
from duologue.errors import KeyFileError

KEYS_FILE_VARIABLE: Final = "DUOLOGUE_KEYS_FILE"

KEY_PREFIX: Final = "duologue_"
"""By this, a person and a scanner for leaked secrets know what it is."""

KEY_BYTES: Final = 32

LONGEST_NAME: Final = 60

LOCK_LIMIT_S: Final = 5.0
"""How long a change waits for another command that changes the same file."""


def keys_file() -> Path:
    """The file of this machine's keys: `DUOLOGUE_KEYS_FILE`, else one in the user's settings."""
    chosen = os.environ.get(KEYS_FILE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_config_dir("duologue", appauthor=False)) / "keys.json"


class ServerKey(msgspec.Struct, frozen=True):
    """One key, as the file has it.

    Attributes:
        name: by which a person knows and revokes it.
        created_at: when, in UTC.
        sha256: the key's hash in hexadecimal digits. A hash that is slow on purpose protects
            passwords, which can be guessed; a key of 256 random bits cannot, so it would only make
            every request slow.
    """

    name: str
    created_at: datetime
    sha256: str


class _Content(msgspec.Struct, frozen=True):
    keys: list[ServerKey] = []


class KeyFile:
    """The keys in one file. Every call reads it anew, so a revoked key is refused at once.

    Args:
        path: the file; without it there are no keys, and the first one makes it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def path(self) -> Path:
        """Where the keys are kept."""
        return self._path

    def entries(self) -> list[ServerKey]:
        """All keys, oldest first.

        Raises:
            KeyFileError: the file cannot be read, or is no file of keys.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Content).keys
        except FileNotFoundError:
            return []
        except OSError as error:
            raise KeyFileError(
                f"the keys in {self._path} cannot be read: {error.strerror or error}"
            ) from error
        except msgspec.MsgspecError as error:
            raise KeyFileError(
                f"{self._path} is no file of keys ({error}); move it away, and make new keys with "
                "`duologue keys create`"
            ) from error

    def create(self, name: str) -> str:
        """Add a key and give it, as nothing can give it again.

        Raises:
            KeyFileError: the name is empty, too long or taken, or the file cannot be written.
        """
        if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
            raise KeyFileError(
                f"a key cannot be named {name[:LONGEST_NAME]!r}; "
                f"expected 1 to {LONGEST_NAME} printable characters"
            )
        key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
        with self._changing():
            keys = self.entries()
            if any(known.name == name for known in keys):
                raise KeyFileError(
                    f"there is a key named {name!r} already; choose another name, or take that key "
                    "away with `duologue keys revoke`"
                )
            created_at = datetime.now(UTC).replace(microsecond=0)
            self._write([*keys, ServerKey(name, created_at, _hash(key))])
        return key

    def revoke(self, name: str) -> None:
        """Take a key away.

        Raises:
            KeyFileError: there is none of this name, or the file cannot be written.
        """
        with self._changing():
            keys = self.entries()
            kept = [key for key in keys if key.name != name]
            if len(kept) == len(keys):
                raise KeyFileError(
                    f"there is no key named {name!r}; `duologue keys list` shows those there are"
                )
            self._write(kept)

    def has(self, key: str) -> bool:
        """Whether a key is one of these, in a time that does not tell how near it came.

        Raises:
            KeyFileError: the file cannot be read, or is no file of keys.
        """
        hashed = _hash(key)
        matches = [hmac.compare_digest(hashed, known.sha256) for known in self.entries()]
        return any(matches)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Let one process at a time read, change and write the file."""
        folder = self._path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with locked(folder, limit_seconds=LOCK_LIMIT_S, on_wait=lambda: None):
                yield
        except OSError as error:  # TimeoutError is one
            raise KeyFileError(
                f"the keys in {self._path} cannot be changed: {error.strerror or error}; "
                f"{KEYS_FILE_VARIABLE} names another file"
            ) from error

    def _write(self, keys: list[ServerKey]) -> None:
        """Replace the file at once: who reads it meanwhile sees the old one or the new one."""
        content = msgspec.json.format(msgspec.json.encode(_Content(keys)))
        # The system makes temporary files for their owner alone (mode 0600).
        descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".keys-")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(self._path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
