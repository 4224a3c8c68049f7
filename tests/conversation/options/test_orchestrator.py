from __future__ import annotations

import json
from typing import Any

import pytest

from duologue.conversation.options.orchestrator import (
    Orchestrator,
    enclave_setup,
    orchestrator_url,
)
from duologue.protocol.codec import encode_client_message

URL = "wss://orchestrator.example/convai/conversation"
UNSET = {
    "type": "enclave_setup_config",
    "agent_config_dict": None,
    "override_agent_config_list": None,
    "tools_config_list": None,
    "prompt_knowledge_base": None,
}


def wire(**orchestrator: Any) -> Any:
    setup = enclave_setup({"orchestrator": {"url": URL, **orchestrator}})
    assert setup is not None
    return json.loads(encode_client_message(setup))


def test_without_an_orchestrator_there_is_no_setup() -> None:
    assert enclave_setup({}) is None


def test_what_is_unset_is_null_or_missing() -> None:
    assert wire() == UNSET
    assert wire(tools=None, post_call_audio_webhook=None) == UNSET


def test_everything_has_its_name_on_the_wire() -> None:
    orchestrator: Orchestrator = {
        "url": URL,
        "agent_config": {"name": "a"},
        "agent_config_overrides": [{"language": "en"}],
        "tools": [{"type": "webhook"}],
        "prompt_knowledge_base": ["fact"],
        "bedrock_inference_profile": "global",
        "post_call_transcription_webhook": {
            "url": "https://h/t",
            "hmac_secret": "0123456789abcdef",
        },
        "post_call_audio_webhook": {"url": "https://h/a"},
    }
    assert wire(**orchestrator) == {
        "type": "enclave_setup_config",
        "agent_config_dict": {"name": "a"},
        "override_agent_config_list": [{"language": "en"}],
        "tools_config_list": [{"type": "webhook"}],
        "prompt_knowledge_base": ["fact"],
        "bedrock_inference_profile": "global",
        "post_call_transcription_webhook": {
            "url": "https://h/t",
            "hmac_secret": "0123456789abcdef",
        },
        "post_call_audio_webhook": {"url": "https://h/a"},
    }


def test_a_webhook_without_a_secret_has_none() -> None:
    webhook = {"url": "https://h", "hmac_secret": None}
    assert wire(post_call_audio_webhook=webhook)["post_call_audio_webhook"] == {"url": "https://h"}


def test_the_secrets_of_webhooks_are_not_in_the_repr() -> None:
    webhook = {"url": "https://h", "hmac_secret": "secret"}
    setup = enclave_setup({"orchestrator": {"url": URL, "post_call_audio_webhook": webhook}})
    assert "secret" not in repr(setup)


def test_the_url_comes_back_as_it_is() -> None:
    assert orchestrator_url({"orchestrator": {"url": f"{URL}?a=%2F"}}) == f"{URL}?a=%2F"


@pytest.mark.parametrize("orchestrator", [{}, {"url": None}, {"agent_config": {}}])
def test_an_orchestrator_has_a_url(orchestrator: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="orchestrator has no 'url'; pass"):
        orchestrator_url({"orchestrator": orchestrator})


@pytest.mark.parametrize(
    ("orchestrator", "message"),
    [
        ({"agentConfig": {}}, "orchestrator has no 'agentConfig'; did you mean 'agent_config'?"),
        (
            {"post_call_audio_webhook": {"hmacSecret": "s"}},
            r"\['post_call_audio_webhook'\] has no 'hmacSecret'; did you mean 'hmac_secret'?",
        ),
        ({"post_call_audio_webhook": {"hmac_secret": "s"}}, "has no 'url'; pass the address"),
        ({"prompt_knowledge_base": ["\ud800"]}, "orchestrator must be JSON"),
    ],
)
def test_what_cannot_be_sent_is_refused(orchestrator: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wire(**orchestrator)


@pytest.mark.parametrize(
    ("orchestrator", "message"),
    [
        ({"agent_config": {"a": object()}}, "orchestrator must be JSON"),
        ({"post_call_audio_webhook": "https://h"}, "must be a mapping, not str"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(orchestrator: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        wire(**orchestrator)


def test_an_orchestrator_is_no_url_alone() -> None:
    with pytest.raises(TypeError, match="orchestrator must be a mapping, not str"):
        orchestrator_url({"orchestrator": URL})
    with pytest.raises(TypeError, match=r"orchestrator\['url'\] must be a string, not int"):
        orchestrator_url({"orchestrator": {"url": 7}})
