from __future__ import annotations

from typing import Any

import pytest

from duologue.dialogue.tools.registry import ClientTool, ClientTools, checked_tools


def get_weather(city: str, days: int = 1) -> str:
    return f"{city} {days}"


def test_a_registry_keeps_functions_by_their_names() -> None:
    tools = ClientTools()
    assert tools.tool()(get_weather) is get_weather

    @tools.tool(name="time", timeout=5)
    def get_time() -> str:
        return "noon"

    assert get_time() == "noon"
    assert {name: tool.timeout_s for name, tool in tools.items()} == {"get_weather": 30, "time": 5}
    assert [tool.name for tool in tools.values()] == list(tools)
    assert len(tools) == 2


def test_a_name_is_registered_once() -> None:
    tools = ClientTools()
    tools.tool()(get_weather)
    with pytest.raises(ValueError, match="named 'get_weather' already"):
        tools.tool()(get_weather)


def test_a_registry_can_be_joined_with_more() -> None:
    tools = ClientTools()
    tools.tool(timeout=2)(get_weather)
    joined = checked_tools({**tools, "other": print})
    assert {name: tool.timeout_s for name, tool in joined.items()} == {
        "get_weather": 2,
        "other": 30,
    }


@pytest.mark.parametrize(
    ("name", "function", "timeout", "exception", "sentence"),
    [
        ("weather", "sunny", 1, TypeError, "'weather' must be a function, not str"),
        ("weather", None, 1, TypeError, "'weather' must be a function, not NoneType"),
        (7, print, 1, TypeError, "name must be a string, not 7"),
        ("", print, 1, ValueError, "name is empty"),
        ("weather", print, "5", TypeError, "number of seconds, not str"),
        ("weather", print, True, TypeError, "number of seconds, not bool"),
        ("weather", print, 0, ValueError, "positive number of seconds, not 0"),
        ("weather", print, float("inf"), ValueError, "not inf"),
        ("weather", print, float("nan"), ValueError, "not nan"),
        ("weather", lambda a, b, /: None, 1, TypeError, "'weather' cannot be offered: .*'a'"),
    ],
)
def test_what_is_no_tool_is_refused(
    name: Any, function: Any, timeout: Any, exception: type[Exception], sentence: str
) -> None:
    with pytest.raises(exception, match=sentence):
        ClientTool.of(name, function, timeout)
