"""What a server refuses is changed once, and remembered for it."""

from __future__ import annotations

from typing import Any

import pytest
from livekit.agents import APIConnectOptions, APIStatusError, function_tool, llm

from duologue.agent.speech.thinking.adapting import ADAPTATIONS, Endpoint
from duologue.agent.speech.thinking.language_model import build_llm
from tests.agent.picky_model import Refusal, picky_model

ONCE = APIConnectOptions(max_retry=0, timeout=5)


@function_tool
async def look_up(word: str) -> str:
    """Look a word up."""
    return word


async def ask(base_url: str) -> str:
    """Ask with everything that a server may refuse."""
    model = build_llm(base_url, "m", temperature=0.5, max_tokens=50)
    chat = llm.ChatContext.empty()
    chat.add_message(role="system", content="Be brief.")
    chat.add_message(role="user", content="Hello.")
    chat.add_message(role="system", content="It rains.")
    try:
        async with model.chat(
            chat_ctx=chat, tools=[look_up], parallel_tool_calls=True, conn_options=ONCE
        ) as reply:
            return "".join(
                [chunk.delta.content or "" async for chunk in reply if chunk.delta is not None]
            )
    finally:
        await model.aclose()


def refuses(name: str, reason: str) -> Refusal:
    return lambda request: reason if name in request else None


def refuses_later_system(request: dict[str, Any]) -> str | None:
    roles = [message["role"] for message in request["messages"]]
    return "System message must be at the beginning." if "system" in roles[1:] else None


def refuses_temperature(request: dict[str, Any]) -> str | None:
    if request.get("temperature", 1) == 1:
        return None
    return "Unsupported value: 'temperature' does not support 0.5 with this model. Only 1 is."


def refuses_strict(request: dict[str, Any]) -> str | None:
    tools = request.get("tools", [])
    return "tools.0.function.strict: extra inputs" if "strict" in tools[0]["function"] else None


MAX_TOKENS = refuses(
    "max_tokens",
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
    "'max_completion_tokens' instead.",
)
PARALLEL = refuses("parallel_tool_calls", "Unknown parameter: 'parallel_tool_calls'.")
STREAM_OPTIONS = refuses("stream_options", "stream_options: Extra inputs are not permitted")
ALL = (
    MAX_TOKENS,
    refuses_temperature,
    PARALLEL,
    STREAM_OPTIONS,
    refuses_strict,
    refuses_later_system,
)


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("refusal", ALL)
async def test_a_refusal_is_met_once_and_remembered(
    refusal: Refusal, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with picky_model(refuses=[refusal], status=status) as model:
        assert await ask(model.base_url) == "It is noon."
        assert len(model.requests) == 2
        assert await ask(model.base_url) == "It is noon."
        assert len(model.requests) == 3
        assert model.requests[1] == model.requests[2]
    [told] = [message for message in caplog.messages if "does not take" in message]
    assert model.base_url in told


async def test_a_server_may_refuse_everything() -> None:
    async with picky_model(refuses=ALL) as model:
        assert await ask(model.base_url) == "It is noon."
        request = model.requests[-1]
        assert len(model.requests) == len(ALL) + 1
    assert request["max_completion_tokens"] == 50
    assert not {"max_tokens", "temperature", "parallel_tool_calls"} & set(request)
    assert request["messages"] == [
        {"role": "system", "content": "Be brief.\n\nIt rains."},
        {"role": "user", "content": "Hello."},
    ]


async def test_what_one_server_refuses_another_gets() -> None:
    async with picky_model(refuses=[MAX_TOKENS]) as picky, picky_model() as other:
        await ask(picky.base_url)
        await ask(other.base_url)
        assert other.requests[0]["max_tokens"] == 50


async def test_a_refusal_that_nothing_helps_against_is_an_error() -> None:
    for reason in ("no such model", "temperature is too human", "max_tokens is too large"):
        async with picky_model(refuses=[lambda request, reason=reason: reason]) as model:
            with pytest.raises(APIStatusError, match=reason):
                await ask(model.base_url)
            assert len(model.requests) <= 2


async def test_without_a_temperature_none_is_sent() -> None:
    async with picky_model() as model:
        client = build_llm(model.base_url, "m")
        chat = llm.ChatContext.empty()
        chat.add_message(role="user", content="Hello.")
        async with client.chat(chat_ctx=chat, conn_options=ONCE) as reply:
            assert [chunk async for chunk in reply]
        await client.aclose()
        assert "temperature" not in model.requests[0]


def test_an_endpoint_learns_only_what_changes_something() -> None:
    endpoint = Endpoint("http://h", "m")
    assert not endpoint.learn({"messages": []}, "temperature, max_tokens, system message")
    assert endpoint.learn({"temperature": 0}, "bad temperature")
    assert not endpoint.learn({"temperature": 0}, "bad temperature")
    assert endpoint.adapted({"temperature": 0, "model": "m"}) == {"model": "m"}


def test_no_change_touches_the_request_it_is_given() -> None:
    request: dict[str, Any] = {
        "messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}],
        "extra_body": {"max_tokens": 1, "temperature": 1},
        "tools": [{"type": "function", "function": {"name": "f", "strict": True}}],
    }
    before = repr(request)
    for adaptation in ADAPTATIONS:
        adaptation.change(request)
    assert repr(request) == before
