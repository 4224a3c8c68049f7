from __future__ import annotations

from typing import Any

import pytest

from duologue.conversation.options import plan_session
from duologue.dialogue.tools.registry import ClientTools
from duologue.protocol.client_messages import ConversationInitiation, EnclaveSetup


def test_an_agent_id_is_enough() -> None:
    plan = plan_session({"agent_id": "a"}, text_only=False)
    assert plan.connect_timeout_s == 10.0
    assert plan.connection_delay_s == 0.0
    assert plan.origin == "wss://api.elevenlabs.io"
    assert [type(message) for message in plan.opening] == [ConversationInitiation]


def test_an_orchestrator_is_told_what_to_run_first() -> None:
    plan = plan_session({"orchestrator": {"url": "wss://h"}}, text_only=True)
    assert [type(message) for message in plan.opening] == [EnclaveSetup, ConversationInitiation]
    assert plan.origin is None


def test_none_counts_as_left_out() -> None:
    names = (
        *("signed_url", "origin", "overrides", "connect_timeout", "on_message", "microphone"),
        *("orchestrator", "ssl_context", "tool_mock_config", "conversation_token", "web_rtc"),
        *("use_wake_lock", "connection_delay", "input_device_id", "connection_type"),
        *("client_tools", "dynamic_variables", "custom_llm_extra_body", "user_id"),
    )
    plan = plan_session({"agent_id": "a", **dict.fromkeys(names)}, text_only=False)
    assert plan == plan_session({"agent_id": "a"}, text_only=False)


@pytest.mark.parametrize("name", ["user_id", "environment", "livekit_url"])
def test_some_count_as_left_out_if_they_are_empty(name: str) -> None:
    plan = plan_session({"agent_id": "a", name: ""}, text_only=False)
    assert plan == plan_session({"agent_id": "a"}, text_only=False)


def test_only_callbacks_count_as_callbacks() -> None:
    plan = plan_session({"agent_id": "a", "on_message": print}, text_only=True)
    assert plan.callbacks == {"on_message": print}


def test_the_connection_may_be_delayed_or_not() -> None:
    for delay_s in (0, 0.5, 3):
        options = {"agent_id": "a", "connection_delay": delay_s}
        assert plan_session(options, text_only=True).connection_delay_s == delay_s


@pytest.mark.parametrize(
    "secret",
    [
        {"agent_id": "a", "api_key": "secret"},
        {"agent_id": "a", "authorization": "secret"},
        {"signed_url": "wss://h/?s=secret"},
        {"orchestrator": {"url": "wss://h/?token=secret"}},
        {
            "orchestrator": {
                "url": "wss://h",
                "post_call_audio_webhook": {"url": "https://h", "hmac_secret": "secret"},
            }
        },
        {"agent_id": "a", "origin": "wss://me:secret@h"},
    ],
)
def test_secrets_are_not_in_the_repr_of_a_plan(secret: dict[str, Any]) -> None:
    assert "secret" not in repr(plan_session(secret, text_only=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either agent_id .* signed_url .* or orchestrator .* is needed"),
        ({"agent_id": "a", "connect_timeout": 0}, "connect_timeout must be a positive number"),
        ({"agent_id": "a", "connect_timeout": float("nan")}, "positive number"),
        ({"agent_id": "a", "connect_timeout": float("inf")}, "positive number"),
        ({"agent_id": "a", "connection_delay": -1}, "connection_delay must be .* from 0 on"),
        ({"agent_id": "a", "connection_delay": float("nan")}, "from 0 on, not nan"),
        ({"agent_id": "a", "connection_delay": float("inf")}, "from 0 on, not inf"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_session(options, text_only=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agent": "a"}, "no option 'agent'; did you mean 'agent_id'?"),
        ({"agentId": "a"}, "no option 'agentId'; did you mean 'agent_id'?"),
        ({"xyz": "a"}, "no option 'xyz'$"),
        ({"agent_id": "a", "connect_timeout": "10"}, "number of seconds, not str"),
        ({"agent_id": "a", "connect_timeout": True}, "number of seconds, not bool"),
        ({"agent_id": "a", "connection_delay": "1"}, "connection_delay must be a number"),
        ({"agent_id": "a", "connection_delay": {"ios": 1}}, "number of seconds, not dict"),
        ({"agent_id": "a", "on_message": "print"}, "on_message must be a function, not str"),
        (
            {"agent_id": "a", "on_mcp_tool_approval_request": True},
            "on_mcp_tool_approval_request must be a function, not bool",
        ),
        ({"agent_id": "a", "on_connect": True}, "on_connect must be a function, not bool"),
        ({"agent_id": "a", "on_device_change": 1}, "on_device_change must be a function, not int"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        plan_session(options, text_only=False)


@pytest.mark.parametrize("text_only", [True, False])
@pytest.mark.parametrize(
    "name",
    [
        *("prefer_headphones_for_ios_devices", "preferHeadphonesForIosDevices"),
        *("worklet_paths", "workletPaths", "libsamplerate_path", "libsampleratePath"),
        *("sample_rate", "sampleRate", "format"),
    ],
)
def test_what_has_no_meaning_outside_a_browser_is_no_option(name: str, text_only: bool) -> None:
    with pytest.raises(TypeError, match=rf"start_session\(\) has no option '{name}'"):
        plan_session({"agent_id": "a", name: "default"}, text_only=text_only)


@pytest.mark.parametrize(
    "name",
    [
        *("microphone", "speaker", "input_device_id", "output_device_id"),
        *("input_chunk_duration_ms", "use_wake_lock"),
    ],
)
def test_a_written_conversation_has_no_options_of_sound(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} and text_only=True contradict each other"):
        plan_session({"agent_id": "a", name: 20}, text_only=True)


@pytest.mark.parametrize("text_only", ["no", 1, []])
def test_a_conversation_is_in_writing_or_not(text_only: Any) -> None:
    with pytest.raises(TypeError, match="text_only must be True or False"):
        plan_session({"agent_id": "a"}, text_only=text_only)


def test_without_a_word_about_it_a_conversation_is_spoken() -> None:
    left_out: Any = None
    assert not plan_session({"agent_id": "a"}, text_only=left_out).text_only


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
