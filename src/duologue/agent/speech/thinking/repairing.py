"""The answers of language models as the engine needs them.

Servers give calls of tools no id, null, or the same one twice, and cut a character that JSON writes
as a pair of surrogates into halves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Protocol
from uuid import uuid4


class Stream(Protocol):
    """An answer that comes in chunks, as the protocol's client gives it."""

    def __aiter__(self) -> AsyncIterator[Any]: ...

    async def __aenter__(self) -> Any: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class CallIds:
    """Gives each call of a tool an id of its own; one for a whole conversation."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def unique(self, given: str | None) -> str:
        """The id that was given, if it is one and was not given before."""
        call_id = given if given and given not in self._seen else f"call_{uuid4().hex}"
        self._seen.add(call_id)
        return call_id


class WholeCharacters:
    """Joins halves of surrogate pairs from one piece of a text to the next.

    A half without the other becomes U+FFFD.
    """

    def __init__(self) -> None:
        self._half = ""

    def joined(self, text: str, *, is_last: bool = False) -> str:
        """As much of the text as is whole, with the half that waited."""
        text, self._half = self._half + text, ""
        if text and not is_last and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return whole(text)


def whole(text: str) -> str:
    """A text with pairs of surrogates joined, and halves replaced by U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class RepairedStream:
    """An answer, repaired chunk by chunk.

    Args:
        stream: as it comes.
        ids: of the conversation.
    """

    def __init__(self, stream: Stream, ids: CallIds) -> None:
        self._stream = stream
        self._ids = ids
        self._characters = WholeCharacters()

    async def __aenter__(self) -> RepairedStream:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stream.__aexit__(kind, error, traceback)

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for chunk in self._stream:
            for choice in chunk.choices or ():
                self._repair(choice)
            yield chunk

    def _repair(self, choice: Any) -> None:
        delta = choice.delta
        if delta is None:
            return
        is_last = choice.finish_reason is not None
        if isinstance(delta.content, str) or is_last:
            text = self._characters.joined(delta.content or "", is_last=is_last)
            delta.content = text if text or delta.content is not None else None
        for position, call in enumerate(delta.tool_calls or ()):
            if call.function is None:
                continue
            if call.function.name:
                call.id = self._ids.unique(call.id)
                call.function.name = whole(call.function.name)
            if call.index is None:
                call.index = position
            if call.function.arguments:
                call.function.arguments = whole(call.function.arguments)
        if is_last and choice.finish_reason not in ("stop", "tool_calls"):
            choice.finish_reason = "stop"  # or a call that it ends would be forgotten
