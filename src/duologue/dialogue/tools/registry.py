"""The tools that a client offers to an agent, and a registry to share them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from duologue.dialogue.tools.signature import ToolSignature

F = TypeVar("F", bound=Callable[..., object])

DEFAULT_TOOL_TIMEOUT_S: Final = 30.0
"""How long a tool may take: an agent that waits longer has lost its user."""


@dataclass(frozen=True, kw_only=True)
class ClientTool:
    """A function that an agent may call.

    Attributes:
        name: by which the agent calls it.
        function: plain or async.
        signature: what the function is called with.
        timeout_s: how long it may take.
    """

    name: str
    function: Callable[..., object]
    signature: ToolSignature
    timeout_s: float

    @classmethod
    def of(
        cls,
        name: object,
        function: object,
        timeout: float = DEFAULT_TOOL_TIMEOUT_S,
    ) -> ClientTool:
        """A tool of any function, checked.

        Raises:
            TypeError: the name is no string, the function cannot be called or not with an object
                of parameters, or the timeout is no number.
            ValueError: the name is empty, or the timeout is not positive.
        """
        if not isinstance(name, str):
            raise TypeError(f"a client tool's name must be a string, not {name!r}")
        if not name:
            raise ValueError("a client tool's name is empty")
        if not callable(function):
            raise TypeError(
                f"the client tool {name!r} must be a function, not {type(function).__name__}"
            )
        try:
            signature = ToolSignature(function)
        except TypeError as error:
            raise TypeError(f"the client tool {name!r} cannot be offered: {error}") from error
        return cls(
            name=name, function=function, signature=signature, timeout_s=_seconds(name, timeout)
        )


class ClientTools(Mapping[str, ClientTool]):
    """A registry of tools, which any number of conversations may share.

    tools = ClientTools()

    @tools.tool(timeout=5)
    def get_weather(city: str, days: int = 1) -> str: ...

    Conversation.start_session(agent_id="…", client_tools=tools)

    A conversation offers the tools that are registered when it is started. Registries are
    mappings: `{**tools, "other": function}` has more.
    """

    def __init__(self) -> None:
        self._tools: dict[str, ClientTool] = {}

    def __getitem__(self, name: str) -> ClientTool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def tool(
        self, *, name: str | None = None, timeout: float = DEFAULT_TOOL_TIMEOUT_S
    ) -> Callable[[F], F]:
        """Register the function below as a tool; it stays as it is.

        Args:
            name: by which the agent calls it; by default the function's own.
            timeout: how many seconds it may take.

        Raises:
            TypeError, ValueError: as for `ClientTool.of`.
            ValueError: there is a tool of that name already.
        """

        def register(function: F) -> F:
            tool = ClientTool.of(name or getattr(function, "__name__", None), function, timeout)
            if tool.name in self._tools:
                raise ValueError(f"there is a client tool named {tool.name!r} already")
            self._tools[tool.name] = tool
            return function

        return register


def checked_tools(tools: Mapping[Any, Any]) -> dict[str, ClientTool]:
    """The tools of a mapping of names to functions or to tools.

    Raises:
        TypeError, ValueError: as for `ClientTool.of`.
    """
    return {
        name: tool if isinstance(tool, ClientTool) else ClientTool.of(name, tool)
        for name, tool in tools.items()
    }


def _seconds(name: str, timeout: object) -> float:
    if not isinstance(timeout, int | float) or isinstance(timeout, bool):
        raise TypeError(
            f"the timeout of the client tool {name!r} must be a number of seconds, "
            f"not {type(timeout).__name__}"
        )
    if not 0 < timeout < float("inf"):
        raise ValueError(
            f"the timeout of the client tool {name!r} must be a positive number of seconds, "
            f"not {timeout}"
        )
    return float(timeout)
