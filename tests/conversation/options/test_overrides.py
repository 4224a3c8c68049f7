from __future__ import annotations

from typing import Any

import pytest

from duologue.conversation.options.overrides import config_override


def sent(overrides: Any = None, *, text_only: bool = False) -> Any:
    options = {} if overrides is None else {"overrides": overrides}
    return config_override(options, text_only=text_only)


@pytest.mark.parametrize(
    "overrides",
    [None, {}, {"agent": {}}, {"asr": {}, "tts": {}}, {"agent": None}, {"asr": {"keywords": None}}],
)
def test_nothing_is_overridden_unless_it_is_asked_for(overrides: Any) -> None:
    assert sent(overrides) is None


@pytest.mark.parametrize(
    "overrides",
    [
        {"agent": {"prompt": {"prompt": "Be brief.", "llm": "m", "temperature": 0}}},
        {"agent": {"prompt": {}}},
        {"agent": {"first_message": "", "language": ""}},
        {"agent": {"native_mcp_server_ids": ["m"]}},
        {"tts": {"voice_id": "v", "speed": 1, "stability": 0, "similarity_boost": 0.5}},
        {"asr": {"keywords": []}},
        {"conversation": {"client_events": ["audio", "vad_score"]}},
    ],
)
def test_overrides_are_sent_as_they_are(overrides: Any) -> None:
    assert sent(overrides) == overrides


def test_of_an_override_only_what_is_set_is_sent() -> None:
    overrides = {"agent": {"first_message": "Hi.", "language": None}, "tts": {}}
    assert sent(overrides) == {"agent": {"first_message": "Hi."}}


def test_a_written_conversation_says_so() -> None:
    assert sent(text_only=True) == {"conversation": {"text_only": True}}
    assert sent(
        {"conversation": {"client_events": ["ping"], "text_only": True}}, text_only=True
    ) == {"conversation": {"client_events": ["ping"], "text_only": True}}


def test_the_callers_own_overrides_stay_untouched() -> None:
    overrides: dict[str, Any] = {"conversation": {"client_events": []}}
    sent(overrides, text_only=True)
    assert overrides == {"conversation": {"client_events": []}}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"agnet": {}}, "overrides has no 'agnet'; did you mean 'agent'?"),
        (
            {"agent": {"firstMessage": "Hi."}},
            r"overrides\['agent'\] has no 'firstMessage'; did you mean 'first_message'?",
        ),
        ({"tts": {"voice": "v"}}, r"overrides\['tts'\] has no 'voice'; did you mean 'voice_id'?"),
        ({"asr": {"words": []}}, r"has no 'words'; did you mean 'keywords'?"),
        ({"conversation": {"events": []}}, "has no 'events'; .*client_events"),
        (
            {"conversation": {"text_only": True}},
            "text_only=False and .*=True contradict each other: set `text_only` alone",
        ),
    ],
)
def test_what_cannot_be_overridden_is_told(overrides: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sent(overrides)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "overrides must be a mapping, not list"),
        ({"agent": "a"}, r"overrides\['agent'\] must be a mapping, not str"),
        ({"agent": {"prompt": "Be brief."}}, "must be a mapping such as {'prompt': 'Be brief.'}"),
        ({"asr": {"keywords": "one"}}, r"overrides\['asr'\]\['keywords'\] must be a list"),
        ({"conversation": {"client_events": "audio"}}, "must be a list of strings, not str"),
        ({"conversation": {"text_only": "no"}}, "text_only must be True or False"),
        ({"agent": {"native_mcp_server_ids": "m"}}, "must be a list of strings, not str"),
    ],
)
def test_an_override_of_the_wrong_kind_is_told(overrides: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        sent(overrides)
