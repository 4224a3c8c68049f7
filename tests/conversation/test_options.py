from __future__ import annotations

from typing import Any

import pytest

from duologue.audio.chunker import MAX_CHUNK_MS, MIN_CHUNK_MS
from duologue.connection.credentials import ApiKey
from duologue.connection.endpoints import version
from duologue.connection.signed_urls import SignedUrlRequest
from duologue.conversation.options import plan_session
from duologue.dialogue.tools import ClientTools
from duologue.protocol.client_messages import SourceInfo

CIRCLE: dict[str, Any] = {}
CIRCLE["again"] = CIRCLE


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DUOLOGUE_ORIGIN", "DUOLOGUE_API_KEY", "ELEVENLABS_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def override_of(*, text_only: bool = False, **options: Any) -> Any:
    plan = plan_session({"agent_id": "a", **options}, text_only=text_only)
    return plan.initiation.conversation_config_override


def test_an_agent_id_is_enough() -> None:
    plan = plan_session({"agent_id": "a"}, text_only=False)
    assert plan.url.startswith("wss://api.elevenlabs.io/v1/convai/conversation?agent_id=a&")
    assert plan.connect_timeout_s == 10.0
    assert plan.input_chunk_duration_ms == 20
    assert plan.initiation.source_info == SourceInfo(source="duologue", version=version())


def test_the_origin_comes_from_the_option_then_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DUOLOGUE_ORIGIN", "http://127.0.0.1:1")
    assert plan_session({"agent_id": "a"}, text_only=True).url.startswith("ws://127.0.0.1:1/")
    options = {"agent_id": "a", "origin": "https://agents.example"}
    assert plan_session(options, text_only=True).url.startswith("wss://agents.example/")


def test_a_region_is_one_of_elevenlabs_servers() -> None:
    plan = plan_session({"agent_id": "a", "region": "eu-residency", "api_key": "k"}, text_only=True)
    assert plan.url.startswith("wss://api.eu.residency.elevenlabs.io/v1/convai/conversation?")
    assert plan.signed_url_request is not None
    assert plan.signed_url_request.url.startswith("https://api.eu.residency.elevenlabs.io/")


def test_a_signed_url_has_its_server_in_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_ORIGIN", "http://127.0.0.1:1")
    plan = plan_session({"signed_url": "wss://signed.example/?s=1"}, text_only=True)
    assert plan.url.startswith("wss://signed.example/?s=1&")


def test_secrets_are_not_in_the_repr_of_a_plan() -> None:
    options = {"signed_url": "wss://h/?s=secret", "authorization": "secret"}
    assert "secret" not in repr(plan_session(options, text_only=True))


def test_without_a_key_no_signed_url_is_asked_for() -> None:
    assert plan_session({"agent_id": "a"}, text_only=True).signed_url_request is None


def test_with_a_key_the_signed_url_is_asked_for_at_the_same_server() -> None:
    options = {"agent_id": "a", "api_key": "k", "origin": "wss://h", "environment": "staging"}
    assert plan_session(options, text_only=True).signed_url_request == SignedUrlRequest(
        origin="wss://h", agent_id="a", key=ApiKey("k", "api_key"), environment="staging"
    )


def test_a_key_from_the_environment_is_used_where_it_belongs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "k")
    request = plan_session({"agent_id": "a"}, text_only=True).signed_url_request
    assert request is not None
    assert request.key == ApiKey("k", "ELEVENLABS_API_KEY")
    elsewhere = {"agent_id": "a", "origin": "wss://h"}
    assert plan_session(elsewhere, text_only=True).signed_url_request is None
    signed = {"signed_url": "wss://h/?s=1"}
    assert plan_session(signed, text_only=True).signed_url_request is None


def test_a_key_is_not_in_the_repr_of_a_plan() -> None:
    options = {"agent_id": "a", "api_key": "secret"}
    assert "secret" not in repr(plan_session(options, text_only=True))


def test_nothing_is_overridden_unless_it_is_asked_for() -> None:
    assert override_of() is None
    assert override_of(overrides={}) is None
    assert override_of(overrides={"agent": {}}) is None


def test_overrides_are_sent_as_they_are() -> None:
    overrides = {"agent": {"prompt": {"prompt": "Be brief."}, "first_message": ""}, "tts": {}}
    assert override_of(overrides=overrides) == {"agent": overrides["agent"]}


def test_a_written_conversation_says_so() -> None:
    assert override_of(text_only=True) == {"conversation": {"text_only": True}}
    assert override_of(
        text_only=True, overrides={"conversation": {"client_events": ["ping"], "text_only": True}}
    ) == {"conversation": {"client_events": ["ping"], "text_only": True}}


def test_the_callers_own_overrides_stay_untouched() -> None:
    overrides: dict[str, Any] = {"conversation": {"client_events": []}}
    override_of(text_only=True, overrides=overrides)
    assert overrides == {"conversation": {"client_events": []}}


def test_what_goes_to_the_agent_is_in_the_initiation() -> None:
    options = {
        "agent_id": "a",
        "dynamic_variables": {"name": "Zoë", "age": 7},
        "custom_llm_extra_body": {"temperature": 0},
        "user_id": "u",
    }
    initiation = plan_session(options, text_only=False).initiation
    assert initiation.dynamic_variables == {"name": "Zoë", "age": 7}
    assert initiation.custom_llm_extra_body == {"temperature": 0}
    assert initiation.user_id == "u"


def test_none_counts_as_left_out() -> None:
    names = ("signed_url", "origin", "overrides", "connect_timeout", "on_message", "microphone")
    plan = plan_session({"agent_id": "a", **dict.fromkeys(names)}, text_only=False)
    assert plan == plan_session({"agent_id": "a"}, text_only=False)


def test_only_callbacks_count_as_callbacks() -> None:
    plan = plan_session({"agent_id": "a", "on_message": print}, text_only=True)
    assert plan.callbacks == {"on_message": print}


def test_the_limits_of_a_chunk_are_those_of_the_chunker() -> None:
    for duration_ms in (MIN_CHUNK_MS, MAX_CHUNK_MS):
        options = {"agent_id": "a", "input_chunk_duration_ms": duration_ms}
        assert plan_session(options, text_only=False).input_chunk_duration_ms == duration_ms
    for duration_ms in (MIN_CHUNK_MS - 1, MAX_CHUNK_MS + 1):
        with pytest.raises(ValueError, match="must be from 5 to 1000"):
            plan_session({"agent_id": "a", "input_chunk_duration_ms": duration_ms}, text_only=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either agent_id .* or signed_url .* is needed"),
        ({"agent_id": None}, "either agent_id"),
        ({"agent_id": " "}, "agent_id is empty"),
        ({"agent_id": "a", "signed_url": "wss://h/?s=1"}, "contradict each other"),
        ({"agent_id": "a", "region": "eu"}, "no region 'eu'"),
        ({"agent_id": "a", "region": "us", "origin": "wss://h"}, "contradict each other"),
        ({"signed_url": "wss://h/?s=1", "region": "us"}, "region and signed_url contradict"),
        ({"signed_url": "wss://h/?s=1", "api_key": "k"}, "api_key and signed_url contradict"),
        ({"agent_id": "a", "api_key": "k", "origin": "ws://h"}, "never goes readably"),
        ({"agent_id": "a", "api_key": "two words"}, "api_key cannot be sent"),
        ({"agent_id": "a", "api_key": ""}, "api_key is empty"),
        ({"signed_url": "https://h/?s=1"}, "must begin with 'wss://'"),
        ({"agent_id": "a", "origin": "elsewhere"}, "'elsewhere' is not the address of a server"),
        ({"agent_id": "a", "origin": ""}, "origin is empty"),
        ({"agent_id": "a", "connect_timeout": 0}, "positive number of seconds, not 0"),
        ({"agent_id": "a", "connect_timeout": float("nan")}, "positive number"),
        ({"agent_id": "a", "connect_timeout": float("inf")}, "positive number"),
        ({"agent_id": "a", "overrides": {"agnet": {}}}, "no section 'agnet'; expected .*agent"),
        (
            {"agent_id": "a", "overrides": {"conversation": {"text_only": True}}},
            "contradict each other; set `text_only` alone",
        ),
        ({"agent_id": "a", "dynamic_variables": {"name": "\ud800"}}, "must be JSON"),
        ({"agent_id": "a", "custom_llm_extra_body": CIRCLE}, "must be JSON"),
        ({"agent_id": "a", "authorization": "Bearer x"}, "without 'Bearer' before it"),
        ({"agent_id": "a", "authorization": "a\r\nb"}, "authorization cannot be sent"),
    ],
)
def test_what_contradicts_itself_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_session(options, text_only=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agent": "a"}, "no option 'agent'"),
        ({"agent_id": 7}, "agent_id must be a string, not int"),
        ({"signed_url": b"wss://h"}, "signed_url must be a string, not bytes"),
        ({"agent_id": "a", "user_id": 7}, "user_id must be a string, not int"),
        ({"agent_id": "a", "connect_timeout": "10"}, "number of seconds, not str"),
        ({"agent_id": "a", "connect_timeout": True}, "number of seconds, not bool"),
        ({"agent_id": "a", "input_chunk_duration_ms": 20.0}, "whole number .* not float"),
        ({"agent_id": "a", "on_message": "print"}, "on_message must be a function, not str"),
        (
            {"agent_id": "a", "on_mcp_tool_approval_request": True},
            "on_mcp_tool_approval_request must be a function, not bool",
        ),
        ({"agent_id": "a", "overrides": []}, "overrides must be a mapping, not list"),
        ({"agent_id": "a", "overrides": {"agent": "a"}}, r"overrides\['agent'\] must be"),
        ({"agent_id": "a", "dynamic_variables": [1]}, "dynamic_variables must be a mapping"),
        ({"agent_id": "a", "dynamic_variables": {"a": object()}}, "must be JSON"),
        ({"agent_id": "a", "microphone": "default"}, "microphone must have `sample_rate_hz`"),
        ({"agent_id": "a", "speaker": object()}, "speaker must have `sample_rate_hz`"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        plan_session(options, text_only=False)


@pytest.mark.parametrize("name", ["microphone", "speaker", "input_chunk_duration_ms"])
def test_a_written_conversation_has_no_options_of_sound(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} and text_only=True contradict each other"):
        plan_session({"agent_id": "a", name: 20}, text_only=True)


def test_a_refused_secret_is_not_shown() -> None:
    with pytest.raises(ValueError, match="authorization") as raised:
        plan_session({"agent_id": "a", "authorization": "my secret"}, text_only=True)
    assert "my secret" not in str(raised.value)


def test_client_tools_are_functions_by_name_or_a_registry() -> None:
    tools = ClientTools()
    tools.tool(name="time", timeout=3)(lambda: "noon")
    plan = plan_session(
        {"agent_id": "a", "client_tools": {**tools, "print": print}}, text_only=True
    )
    assert {name: tool.timeout_s for name, tool in plan.client_tools.items()} == {
        "time": 3,
        "print": 30,
    }


@pytest.mark.parametrize("tools", [{"weather": "sunny"}, {7: print}, [print]])
def test_what_is_no_tool_is_refused_at_the_start(tools: object) -> None:
    with pytest.raises(TypeError):
        plan_session({"agent_id": "a", "client_tools": tools}, text_only=True)
