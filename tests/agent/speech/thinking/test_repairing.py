from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.agent.speech.thinking.repairing import CallIds, WholeCharacters, whole
from tests.agent.harness import conversing, define
from tests.agent.picky_model import RemoteModelSpeech, picky_model, tool_call
from tests.agent.tool_calling import LIGHT

AGENT = define(text_only=True, tools=[LIGHT])


def test_an_id_is_kept_if_it_is_one_and_new() -> None:
    ids = CallIds()
    assert ids.unique("a") == "a"
    others = [ids.unique(given) for given in ("a", "", None, "a")]
    assert len({"a", *others}) == 5
    assert all(others)


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["It is ", "noon."], "It is noon."),
        (["\ud83d\ude00"], "\U0001f600"),
        (["a\ud83d", "\ude00b"], "a\U0001f600b"),
        (["a\ud83d", "b"], "a\ufffdb"),
        (["\ude00a"], "\ufffda"),
        (["a\ud83d"], "a\ufffd"),
        (["\ud83d", "\ud83d", "\ude00"], "\ufffd\U0001f600"),
    ],
    ids=ascii,
)
def test_halves_are_joined_or_replaced(pieces: list[str], text: str) -> None:
    characters = WholeCharacters()
    joined = [characters.joined(piece) for piece in pieces]
    assert "".join(joined) + characters.joined("", is_last=True) == text


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_comes_can_be_written_afterwards(text: str) -> None:
    assert whole(whole(text)) == whole(text)
    whole(text).encode()


@pytest.mark.parametrize("call_id", ["", None, "same"])
async def test_a_tool_runs_and_is_answered_whatever_id_its_calls_have(call_id: str | None) -> None:
    answers = [
        [tool_call(call_id)],
        [tool_call(call_id)],
        [{"content": "It is on."}],
    ]
    async with (
        picky_model(answers=answers) as model,
        conversing(RemoteModelSpeech(model), AGENT) as client,
    ):
        await client.initiate()
        await client.send(type="user_message", text="Light!")
        ids = []
        for count in (1, 2):
            call = await client.expect("client_tool_call", count=count)
            ids.append(call["tool_call_id"])
            result = {"type": "client_tool_result", "tool_call_id": call["tool_call_id"]}
            await client.send(**result, result="on", is_error=False)
        answer = await client.expect("agent_response")
        assert answer["agent_response"] == "It is on."
        assert len(set(ids)) == 2
        assert all(ids)
        results = [one for one in model.requests[-1]["messages"] if one["role"] == "tool"]
        assert [one["tool_call_id"] for one in results] == ids


@pytest.mark.parametrize("finish_reason", ["stop", "tool_calls", "function_call", "length"])
async def test_a_call_counts_however_the_answer_ends(finish_reason: str) -> None:
    async with (
        picky_model(answers=[[tool_call("c")]], finish_reason=finish_reason) as model,
        conversing(RemoteModelSpeech(model), AGENT) as client,
    ):
        await client.initiate()
        await client.send(type="user_message", text="Light!")
        assert (await client.expect("client_tool_call"))["tool_name"] == "light"


async def test_half_a_character_costs_no_answer() -> None:
    async with (
        picky_model(answers=[[{"content": "Fine \ud83d"}, {"content": "."}]]) as model,
        conversing(RemoteModelSpeech(model), AGENT) as client,
    ):
        await client.initiate()
        await client.send(type="user_message", text="How are you?")
        assert (await client.expect("agent_response"))["agent_response"] == "Fine \ufffd."


@pytest.mark.parametrize("deltas", [[], [{"content": ""}], [{"content": None}], [{"content": " "}]])
async def test_an_empty_answer_is_told_and_the_conversation_goes_on(
    deltas: list[dict[str, object]], caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        picky_model(answers=[deltas, [{"content": "Yes?"}]]) as model,
        conversing(RemoteModelSpeech(model), AGENT) as client,
    ):
        await client.initiate()
        await client.send(type="user_message", text="Hello?")
        error = await client.expect("error")
        assert (error["code"], error["error_type"]) == (1002, "llm_error")
        assert error["message"] == "The language model gave an empty answer"
        await client.send(type="user_message", text="Hello?")
        assert (await client.expect("agent_response"))["agent_response"] == "Yes?"
    assert "empty answer" in caplog.text


async def test_a_prompt_of_the_clients_that_does_not_fit_ends_the_call_clearly() -> None:
    async with picky_model() as model:
        speech = RemoteModelSpeech(model, context_tokens=100)
        async with conversing(speech, define(prompt="Be {{how}}.", text_only=True)) as client:
            await client.initiate(dynamic_variables={"how": "brief and kind " * 100})
            error = await client.expect("error")
            assert "tokens, and the language model can take 75" in error["message"]
            assert error["code"] == 1008
        async with conversing(speech, define(prompt="Be {{how}}.", text_only=True)) as client:
            await client.initiate(dynamic_variables={"how": "brief"})
            await client.send(type="user_message", text="Hello.")
            await client.expect("agent_response")
