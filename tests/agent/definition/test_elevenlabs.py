"""What ElevenLabs' tools write is read; what nobody knows is a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from duologue.agent.definition.elevenlabs import Split, keys_at, kinds_below
from duologue.agent.definition.files import load_definition, read_definitions
from duologue.agent.definition.schema import AgentDefinition
from duologue.errors import AgentDefinitionError


def split(**content: Any) -> Split:
    return Split(content, AgentDefinition)


def prompt(**content: Any) -> Split:
    return split(conversation_config={"agent": {"prompt": content}})


def test_what_we_act_on_stays_and_what_they_know_is_named() -> None:
    found = split(
        name="A",
        tags=["x"],
        conversation_config={
            "agent": {"first_message": "Hi.", "disable_first_message_interruptions": True},
            "vad": {"background_voice_detection": True},
        },
        platform_settings={"auth": {"enable_auth": True, "allowlist": [{"hostname": "h"}]}},
    )
    assert found.content == {
        "name": "A",
        "conversation_config": {"agent": {"first_message": "Hi."}},
        "platform_settings": {"auth": {"enable_auth": True}},
    }
    assert found.without_effect == [
        "tags",
        "conversation_config.agent.disable_first_message_interruptions",
        "conversation_config.vad",
        "platform_settings.auth.allowlist",
    ]
    assert found.unknown == []


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_what_is_not_set_is_not_named(nothing: Any) -> None:
    found = split(tags=nothing, conversation_config={"language_presets": nothing})
    assert found.without_effect == []


def test_null_is_what_is_not_set() -> None:
    found = prompt(custom_llm=None, max_tokens=None, prompt="Be brief.")
    assert found.content["conversation_config"]["agent"]["prompt"] == {"prompt": "Be brief."}


def test_what_nobody_knows_is_a_mistake_wherever_it_is() -> None:
    found = split(
        nmae="A", platform_settings={"widget": {"varient": "full", "avatar": {"tpye": "orb"}}}
    )
    assert found.content["nmae"] == "A"
    assert found.unknown == [
        ("platform_settings", "widget", "varient"),
        ("platform_settings", "widget", "avatar", "tpye"),
    ]


def test_names_of_ones_own_are_no_keys() -> None:
    found = split(
        conversation_config={
            "agent": {"dynamic_variables": {"dynamic_variable_placeholders": {"nmae": "you"}}},
            "language_presets": {"de": {"overrides": {"agent": {"language": "de"}}}},
        }
    )
    assert found.unknown == []
    agent = found.content["conversation_config"]["agent"]
    assert agent["dynamic_variables"]["dynamic_variable_placeholders"] == {"nmae": "you"}


def test_tools_of_other_types_are_left_out() -> None:
    found = prompt(
        tools=[
            {"type": "webhook", "name": "book"},
            {"type": "client", "name": "show", "parameters": None, "dynamic_variables": {"a": 1}},
            {"type": "system", "name": "end_call"},
        ]
    )
    tools = found.content["conversation_config"]["agent"]["prompt"]["tools"]
    assert tools == [{"type": "client", "name": "show"}]
    named = " ".join(found.without_effect)
    assert "tools[0] (type 'webhook')" in named
    assert "tools[2] (type 'system')" in named


def test_a_tool_of_a_type_that_nobody_has_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    tools = [{"type": "cleint", "name": "show"}]
    path.write_text(json.dumps({"conversation_config": {"agent": {"prompt": {"tools": tools}}}}))
    with pytest.raises(AgentDefinitionError, match="one of 'client'"):
        load_definition(path)


def test_secrets_that_only_their_servers_know_are_left_out() -> None:
    found = prompt(
        custom_llm={
            "url": "http://h/v1",
            "model_id": "m",
            "api_key": {"secret_id": "s"},
            "request_headers": {"a": {"secret_id": "s"}, "b": {"variable_name": "b"}, "c": "d"},
        }
    )
    custom_llm = found.content["conversation_config"]["agent"]["prompt"]["custom_llm"]
    assert custom_llm == {
        "url": "http://h/v1",
        "model_id": "m",
        "request_headers": {"b": {"variable_name": "b"}, "c": "d"},
    }
    where = "conversation_config.agent.prompt.custom_llm"
    assert found.without_effect == [f"{where}.api_key", f"{where}.request_headers.a"]


def test_their_keys_are_known_at_every_place() -> None:
    assert {"conversation_config", "platform_settings", "workflow"} <= set(keys_at(()))
    assert "knowledge_base" in keys_at(("conversation_config", "agent", "prompt"))
    assert keys_at(("conversation_config", "nowhere")) == []
    assert kinds_below(["*"], "anything") == ["*"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"nmae": "A"}, "line 2: nmae is not a known key; did you mean name?"),
        ({"platform_settings": {"widgte": {}}}, "did you mean widget?"),
        ({"platform_settings": {"widget": {"varient": "full"}}}, "did you mean variant?"),
    ],
    ids=str,
)
def test_the_nearest_key_is_named_whoever_has_it(
    content: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content, indent="\t"))
    with pytest.raises(AgentDefinitionError) as error:
        load_definition(path)
    assert sentence in str(error.value)


def project(folder: Path, *agents: dict[str, Any]) -> Path:
    (folder / "agent_configs").mkdir()
    (folder / "agents.json").write_text(json.dumps({"agents": agents}))
    (folder / "tools.json").write_text('{"tools": []}')
    for name in ("one", "two"):
        config = {"name": name, "conversation_config": {"tts": {"model_id": "eleven_flash_v2"}}}
        (folder / "agent_configs" / f"{name}.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("named", ["", "agents.json"])
def test_a_project_names_its_files_and_ids(named: str, tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        {"config": "agent_configs/one.json", "id": "agent_1"},
        {"config": "agent_configs/two.json"},
    )
    found = read_definitions(folder / named)
    assert {name: one.definition.name for name, one in found.items()} == {
        "agent_1": "one",
        "two": "two",
    }
    assert found["agent_1"].without_effect == ("conversation_config.tts.model_id",)


@pytest.mark.parametrize(
    ("agents", "sentence"),
    [
        ([], "names no agent"),
        ([{"id": "agent_1"}], r"agents\[0\] needs a `config`"),
        ([{"config": "agent_configs/three.json"}], r"three\.json does not exist"),
    ],
    ids=str,
)
def test_a_project_that_is_wrong_is_told(
    agents: list[dict[str, Any]], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(AgentDefinitionError, match=sentence):
        read_definitions(project(tmp_path, *agents))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"name": "A",}', "line 1: this is not JSON"),
        ('{"name": "A", "name": "B"}', "name comes twice"),
        ("[]", "expected an object"),
        ("[" * 100_000, "nested too deeply|not JSON"),
        ('{\n "name": 5}', "line 2: name: expected a text"),
        ('\ufeff{"name": 5}', "line 1: name: expected a text"),
    ],
    ids=lambda it: it[:20],
)
def test_json_that_is_wrong_is_told(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AgentDefinitionError, match=sentence):
        load_definition(path)
