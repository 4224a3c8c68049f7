"""Requests as the servers of language models take them: adapted to what one refuses.

Servers that speak OpenAI's protocol differ in what they take. What one refuses, with a reason that
is known here, is changed, and the request is sent again; that is remembered for the endpoint, so
that each refusal happens once.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

logger = logging.getLogger("duologue.agent.llm")

ENDPOINTS_REMEMBERED: Final = 256
REFUSALS: Final = frozenset({400, 422})
"""HTTP statuses of a request that the server understood, and does not take."""

Request = dict[str, Any]


@dataclass(frozen=True)
class Adaptation:
    """One way to change a request.

    Attributes:
        name: for the log: what the server does not take.
        words: all of these, or one of each group, stand in the reason that it gives.
        change: the request without it; None if there is nothing to change.
    """

    name: str
    words: tuple[tuple[str, ...], ...]
    change: Callable[[Request], Request | None]

    def fits(self, reason: str) -> bool:
        """Whether a server's reason is about this."""
        return all(any(word in reason for word in group) for group in self.words)


class Endpoint:
    """What is known of one model at one address."""

    def __init__(self, address: str, model: str) -> None:
        self._shown = f"{model} at {address}"
        self._adaptations: list[Adaptation] = []

    def adapted(self, request: Mapping[str, Any]) -> Request:
        """A request as this endpoint takes it, as far as that is known."""
        known = dict(request)
        for adaptation in self._adaptations:
            known = adaptation.change(known) or known
        return known

    def learn(self, request: Mapping[str, Any], reason: str) -> bool:
        """Learn from a refusal; False if there is nothing that could be changed."""
        words = reason.lower()
        for adaptation in ADAPTATIONS:
            if adaptation in self._adaptations or not adaptation.fits(words):
                continue
            if adaptation.change(dict(request)) is not None:
                self._adaptations.append(adaptation)
                logger.warning(
                    "%s does not take %s; requests go without from now on: %s",
                    self._shown,
                    adaptation.name,
                    reason[:200],
                )
                return True
        return False


@functools.lru_cache(ENDPOINTS_REMEMBERED)
def endpoint(address: str, model: str) -> Endpoint:
    """The one of this address and model, for as long as the process lives."""
    return Endpoint(address, model)


def _with_newer_limit(request: Request) -> Request | None:
    body = dict(request.get("extra_body") or {})
    if "max_tokens" not in body:
        return None
    body["max_completion_tokens"] = body.pop("max_tokens")
    return request | {"extra_body": body}


def _without(*names: str) -> Callable[[Request], Request | None]:
    def change(request: Request) -> Request | None:
        body = request.get("extra_body") or {}
        if not any(name in request or name in body for name in names):
            return None
        changed = {name: value for name, value in request.items() if name not in names}
        if body:
            changed["extra_body"] = {k: value for k, value in body.items() if k not in names}
        return changed

    return change


def _without_strict_tools(request: Request) -> Request | None:
    tools = request.get("tools")
    if not isinstance(tools, list) or not any(
        "strict" in tool.get("function", {}) for tool in tools
    ):
        return None
    return request | {
        "tools": [
            tool | {"function": {k: v for k, v in tool["function"].items() if k != "strict"}}
            for tool in tools
        ]
    }


def _with_one_system_message(request: Request) -> Request | None:
    """What is said to the model further down goes to the end of what it is told first."""
    messages = list(request.get("messages") or [])
    later = [one for one in messages[1:] if one.get("role") in _INSTRUCTING]
    if not later:
        return None
    others = [one for one in messages[1:] if one.get("role") not in _INSTRUCTING]
    texts = [text for text in map(_text_of, later) if text]
    first = messages[0]
    if first.get("role") in _INSTRUCTING:
        texts = [_text_of(first), *texts]
        first = {"role": "system"} | first
    else:
        others = [first, *others]
        first = {"role": "system"}
    return request | {"messages": [first | {"content": "\n\n".join(texts)}, *others]}


def _text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content if isinstance(part, Mapping))


_INSTRUCTING: Final = ("system", "developer")

ADAPTATIONS: Final = (
    Adaptation(
        "max_tokens (but max_completion_tokens)",
        (("max_tokens", "max_completion_tokens"),),
        _with_newer_limit,
    ),
    Adaptation("temperature", (("temperature",),), _without("temperature")),
    Adaptation("parallel_tool_calls", (("parallel_tool_calls",),), _without("parallel_tool_calls")),
    Adaptation(
        "stream_options", (("stream_options", "include_usage"),), _without("stream_options")
    ),
    Adaptation("strict tools", (("strict",),), _without_strict_tools),
    Adaptation(
        "a system message after the first",
        (("system", "developer"), ("message", "role", "prompt", "alternat", "template")),
        _with_one_system_message,
    ),
)
"""In the order in which they are tried."""
