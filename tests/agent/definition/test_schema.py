import pytest
from pydantic import ValidationError

from duologue.agent.definition.schema import (
    CLIENT_EVENT_NAMES,
    CLIENT_EVENTS_BY_DEFAULT,
    DEFAULT_DEFINITION,
    AgentDefinition,
    Asr,
    ClientTool,
    ConversationLimits,
    CustomLlm,
    DynamicVariable,
    DynamicVariables,
    Prompt,
    Tts,
    Turn,
)

TOOL = {"type": "client", "name": "get_time"}
MODEL = {"url": "http://127.0.0.1:11434/v1", "model_id": "tiny"}


def test_an_agent_needs_only_an_id() -> None:
    config = AgentDefinition(agent_id="a").conversation_config
    assert config.agent.first_message == ""
    assert config.agent.language == "en"
    assert config.asr.user_input_audio_format == "pcm_16000"
    assert config.tts.agent_output_audio_format == "pcm_16000"
    assert config.conversation.max_duration_seconds == 600
    assert config.conversation.client_events == CLIENT_EVENTS_BY_DEFAULT
    assert config.turn.silence_end_call_timeout == -1


def test_a_definition_cannot_be_changed() -> None:
    key = "name"
    with pytest.raises(ValidationError, match="frozen"):
        setattr(DEFAULT_DEFINITION, key, "other")


def test_the_default_agent_greets_and_keeps_its_answers_short() -> None:
    config = DEFAULT_DEFINITION.conversation_config
    assert DEFAULT_DEFINITION.agent_id == "default"
    assert config.agent.first_message
    assert 0 < config.agent.prompt.max_tokens <= 80
    assert {"agent_response_correction", "vad_score"} <= set(config.conversation.client_events)


def test_default_events_are_events_of_the_protocol() -> None:
    assert set(CLIENT_EVENTS_BY_DEFAULT) < set(CLIENT_EVENT_NAMES)


@pytest.mark.parametrize(
    "name",
    ["pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "pcm_48000", "ulaw_8000"],
)
def test_the_seven_audio_formats_are_taken(name: str) -> None:
    assert Tts(agent_output_audio_format=name).agent_output_audio_format == name
    assert Asr(user_input_audio_format=name).user_input_audio_format == name


def test_another_audio_format_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValidationError, match="did you mean pcm_16000"):
        Tts(agent_output_audio_format="pcm_1600")


@pytest.mark.parametrize("speed", [0.7, 1, 5])
def test_the_contracts_speeds_are_taken(speed: float) -> None:
    assert Tts(speed=speed).speed == speed


@pytest.mark.parametrize("speed", [0.69, 5.01, float("nan"), float("inf"), "1"])
def test_other_speeds_are_refused(speed: object) -> None:
    with pytest.raises(ValidationError):
        Tts.model_validate({"speed": speed})


@pytest.mark.parametrize("seconds", [0, -2, float("inf")])
def test_a_timeout_is_positive_or_never(seconds: float) -> None:
    assert Turn(turn_timeout=-1, silence_end_call_timeout=0.5).turn_timeout == -1
    with pytest.raises(ValidationError):
        Turn(turn_timeout=seconds)


def test_an_unknown_client_event_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValidationError, match="did you mean vad_score"):
        ConversationLimits(client_events=("vad_scor",))


def test_an_api_key_is_never_shown() -> None:
    model = CustomLlm.model_validate(
        {**MODEL, "api_key": "hush-1", "request_headers": {"X-Key": "hush-2"}}
    )
    assert model.api_key is not None
    assert model.api_key.get_secret_value() == "hush-1"
    assert model.request_headers["X-Key"].get_secret_value() == "hush-2"
    assert "hush" not in f"{model!r} {model} {model.model_dump_json()}"


def test_a_wrong_secret_is_not_shown_in_the_error() -> None:
    with pytest.raises(ValidationError) as told:
        CustomLlm.model_validate({**MODEL, "api_key": ["hush"]})
    assert "hush" not in str(told.value)


def test_an_api_key_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", "hush")
    model = CustomLlm.model_validate({**MODEL, "api_key": {"env": "MODEL_KEY"}})
    assert model.api_key is not None
    assert model.api_key.get_secret_value() == "hush"


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL_KEY", raising=False)
    with pytest.raises(ValidationError, match="environment variable MODEL_KEY is not set"):
        CustomLlm.model_validate({**MODEL, "api_key": {"env": "MODEL_KEY"}})


def test_a_tool_without_parameters_takes_none() -> None:
    tool = ClientTool.model_validate(TOOL)
    assert tool.parameters == {"type": "object", "properties": {}}
    assert not tool.expects_response
    assert tool.response_timeout_secs == 20


@pytest.mark.parametrize(
    "wrong",
    [{"type": "webhook"}, {"name": "get time"}, {"parameters": {"type": "string"}}],
)
def test_a_tool_that_our_agent_cannot_call_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ClientTool.model_validate(TOOL | wrong)


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="get_time came twice"):
        Prompt.model_validate({"tools": [TOOL, TOOL]})


def test_dynamic_variables_keep_their_types() -> None:
    values: dict[str, DynamicVariable] = {"a": "Ada", "b": 36, "c": 1.6, "d": True}
    kept = DynamicVariables(dynamic_variable_placeholders=values).dynamic_variable_placeholders
    assert kept == values
    assert [type(value) for value in kept.values()] == [str, int, float, bool]


def test_a_list_is_no_dynamic_variable() -> None:
    with pytest.raises(ValidationError, match="expected a text, a number, true or false"):
        DynamicVariables.model_validate({"dynamic_variable_placeholders": {"name": ["Ada"]}})
