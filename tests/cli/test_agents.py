"""The agents and models of the commands that run agents."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from duologue.agent.settings import AgentSettings
from duologue.agent.speech import models
from duologue.agent.speech.stack import LanguageModelEndpoint
from duologue.cli.agents import definitions_of, models_of, start_logging
from duologue.errors import AgentDefinitionError


@pytest.fixture
def ensured() -> Iterator[list[str]]:
    """The names of the models that would have been fetched."""
    names: list[str] = []

    def ensure(wanted: list[models.Model], report: object) -> None:
        names.extend(model.name for model in wanted)

    with patch("duologue.agent.speech.models.ensure", ensure):
        yield names


def test_without_a_file_there_is_the_agent_that_is_built_in() -> None:
    assert list(definitions_of(AgentSettings())) == ["default"]


def test_agents_come_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "cook.yaml").write_text("name: Cook\n")
    assert list(definitions_of(AgentSettings(definitions_path=tmp_path))) == ["cook"]


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AgentDefinitionError):
        definitions_of(AgentSettings(definitions_path=tmp_path / "nobody.yaml"))


def test_settings_without_effect_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "concierge.yaml"
    path.write_text("conversation_config: {tts: {voice_id: v, speed: 1.1}}\n")
    definitions_of(AgentSettings(definitions_path=path))
    told = capsys.readouterr().err
    assert "concierge sets what has no effect here: conversation_config.tts.voice_id." in told


@pytest.mark.parametrize("llm_base_url", [None, "http://127.0.0.1:1/v1"])
def test_tools_that_the_bundled_model_cannot_call_are_named(
    llm_base_url: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "concierge.yaml"
    llm_model = "m" if llm_base_url else None
    tools = "[{type: client, name: look_up}]"
    path.write_text(f"conversation_config: {{agent: {{prompt: {{tools: {tools}}}}}}}\n")
    definitions_of(
        AgentSettings(definitions_path=path, llm_base_url=llm_base_url, llm_model=llm_model)
    )
    told = capsys.readouterr().err
    assert ("bundled language model cannot call (look_up)" in told) is (llm_base_url is None)


@pytest.mark.parametrize(("words", "told"), [(100, False), (3000, True)])
def test_a_prompt_that_the_bundled_model_cannot_take_is_told(
    words: int, told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "concierge.yaml"
    prompt = "be kind " * words
    path.write_text(f"conversation_config: {{agent: {{prompt: {{prompt: {prompt}}}}}}}\n")
    definitions_of(AgentSettings(definitions_path=path))
    assert ("has a prompt of some" in capsys.readouterr().err) is told


def test_all_bundled_models_are_fetched(ensured: list[str]) -> None:
    found = models_of(AgentSettings())
    assert set(ensured) == {model.name for model in models.BUNDLED_MODELS}
    assert isinstance(found.language_model, Path)
    assert found.language_model.suffix == ".gguf"
    assert found.piper.suffix == ".onnx"


def test_a_language_model_of_ones_own_takes_the_place_of_the_bundled_one(
    ensured: list[str],
) -> None:
    settings = AgentSettings(llm_base_url="http://mine/v1", llm_model="mine", llm_api_key="key")
    expected = LanguageModelEndpoint("http://mine/v1", "mine", "key")
    assert models_of(settings).language_model == expected
    assert models.SMOLLM2_135M_INSTRUCT.name not in ensured


def test_the_level_of_the_log_is_for_our_own_messages() -> None:
    root, own = logging.getLogger(), logging.getLogger("duologue")
    handlers, levels = root.handlers[:], (root.level, own.level)
    try:
        start_logging("debug")
        assert own.level == logging.DEBUG
        assert root.level == logging.WARNING
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        own.setLevel(levels[1])
