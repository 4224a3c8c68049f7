from pathlib import Path

import pytest

from duologue.agent.definition.files import load_definition, load_definitions
from duologue.errors import AgentDefinitionError

WHOLE = """\
agent_id: helper
name: The helper
conversation_config:
  agent:
    first_message: Hello {{name}}!
    language: en
    prompt:
      prompt: You help.
      llm: tiny
      temperature: 0.5
      max_tokens: 100
      custom_llm:
        url: https://models.example/v1
        model_id: tiny
        api_key: {env: MODEL_KEY}
        request_headers: {X-Team: voice}
      tools:
        - type: client
          name: get_time
          description: Tells the time.
          parameters:
            type: object
            properties: {zone: {type: string}}
            required: [zone]
          expects_response: true
          response_timeout_secs: 5
    dynamic_variables:
      dynamic_variable_placeholders: {name: you}
  asr: {user_input_audio_format: ulaw_8000, keywords: [Duologue]}
  tts: {voice_id: joe, speed: 1.2, agent_output_audio_format: pcm_24000}
  turn: {turn_timeout: 5, turn_eagerness: eager, silence_end_call_timeout: 30}
  conversation: {text_only: false, max_duration_seconds: 60, client_events: [audio, ping]}
platform_settings:
  auth: {enable_auth: true}
"""


def write(folder: Path, text: str, name: str = "agent.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def refusal(path: Path) -> str:
    with pytest.raises(AgentDefinitionError) as told:
        load_definitions(path)
    return str(told.value)


def test_a_file_with_every_key_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", "hush")
    definition = load_definition(write(tmp_path, WHOLE))
    config = definition.conversation_config
    assert definition.agent_id == "helper"
    assert definition.platform_settings.auth.enable_auth
    assert config.agent.prompt.custom_llm is not None
    assert config.agent.prompt.custom_llm.url == "https://models.example/v1"
    assert config.agent.prompt.tools[0].parameters["required"] == ["zone"]
    assert config.asr.keywords == ("Duologue",)
    assert config.turn.turn_eagerness == "eager"
    assert config.conversation.client_events == ("audio", "ping")


def test_without_an_id_the_files_name_is_the_id(tmp_path: Path) -> None:
    assert load_definition(write(tmp_path, "name: x", "shop.yaml")).agent_id == "shop"


def test_a_folder_gives_its_agents_by_id(tmp_path: Path) -> None:
    write(tmp_path, "name: One", "one.yaml")
    write(tmp_path, "agent_id: second", "two.yml")
    write(tmp_path, "not an agent", "notes.txt")
    assert set(load_definitions(tmp_path)) == {"one", "second"}


def test_a_single_file_gives_one_agent(tmp_path: Path) -> None:
    assert set(load_definitions(write(tmp_path, "agent_id: x"))) == {"x"}


def test_a_wrong_key_is_told_with_file_line_path_and_the_nearest(tmp_path: Path) -> None:
    file = write(tmp_path, "conversation_config:\n  agent:\n    frist_message: Hi\n")
    assert refusal(file) == (
        f"{file}, line 3: conversation_config.agent.frist_message is not a known key; "
        "did you mean first_message?"
    )


def test_all_mistakes_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "nmae: x\nconversation_config:\n  tts:\n    speed: 9\n"
        "  asr:\n    keywords:\n    - a\n    - 1\n",
    )
    lines = refusal(file).splitlines()
    assert [line.split(": ")[0].removeprefix(f"{file}, ") for line in lines] == [
        "line 1",
        "line 4",
        "line 8",
    ]


def test_a_missing_key_is_told_at_the_line_of_its_parent(tmp_path: Path) -> None:
    text = "conversation_config:\n  agent:\n    prompt:\n      tools:\n      - {name: a}\n"
    assert "line 5: conversation_config.agent.prompt.tools[0].type is missing" in refusal(
        write(tmp_path, text)
    )


def test_a_key_that_comes_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    file = write(tmp_path, "name: a\nconversation_config:\n  tts: {}\n  asr: {}\n  tts: {}\n")
    assert refusal(file) == (
        f"{file}, line 5: conversation_config.tts came already on line 3; expected each key once"
    )


def test_what_is_not_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    file = write(tmp_path, "name: a\nconversation_config: [1, 2\nplatform_settings: {}\n")
    assert refusal(file).startswith(f"{file}, line 3: this is not YAML: ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty: expected an agent's definition"),
        ("# only a comment\n", "is empty"),
        ("- a\n", "line 1: expected a mapping with keys such as conversation_config at the top"),
        ("just words\n", "but a single value came"),
        ("name: a\n---\nname: b\n", "expected a single document"),
        ("name: \x00\n", "is not YAML"),
        ("[" * 5000, "is not YAML"),
        ("name: 2024-13-45\n", "is not YAML"),
        ("name: !!python/object:os.system x\n", "could not determine a constructor"),
        ("name: &a [*a]\n", "name: expected a text, but a list came"),
        ("agent_id: ''\n", "agent_id: expected a text of at least 1 characters"),
    ],
)
def test_a_file_that_is_no_definition_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    told = refusal(write(tmp_path, text))
    assert sentence in told
    assert "agent.yaml" in told


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "agent.yaml"
    file.write_bytes(b"name: \xff\xfe")
    assert "is not a text in UTF-8" in refusal(file)


def test_a_file_that_does_not_exist_is_told(tmp_path: Path) -> None:
    assert "does not exist: expected an agent's file" in refusal(tmp_path / "none.yaml")


def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "name: x")

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    assert refusal(file) == f"{file} cannot be read: Permission denied"


def test_a_folder_without_agents_is_told(tmp_path: Path) -> None:
    assert "has no agent: expected at least one .yaml or .json file" in refusal(tmp_path)


def test_two_files_with_one_id_are_told(tmp_path: Path) -> None:
    write(tmp_path, "agent_id: same", "a.yaml")
    write(tmp_path, "agent_id: same", "b.yaml")
    assert refusal(tmp_path) == (
        f"{tmp_path / 'b.yaml'}: agent_id 'same' is already that of {tmp_path / 'a.yaml'}"
    )


def test_the_mistakes_of_all_files_are_told(tmp_path: Path) -> None:
    write(tmp_path, "x: 1", "a.yaml")
    write(tmp_path, "", "b.yaml")
    told = refusal(tmp_path)
    assert "a.yaml, line 1: x is not a known key" in told
    assert "b.yaml is empty" in told
