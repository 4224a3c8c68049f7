"""A self-hosted orchestrator: a server of one's own that runs an agent, and is told which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict

import msgspec

from duologue.conversation.options.reading import Options, check_json, mapping, members, text
from duologue.protocol.client_messages import EnclaveSetup


class PostCallWebhook(TypedDict, total=False):
    """Where an orchestrator delivers something after a conversation.

    With the secret, a secret of at least 16 characters, it signs what it delivers.
    """

    url: Required[str]
    hmac_secret: str


class Orchestrator(TypedDict, total=False):
    """Where an orchestrator is, and what it is to run.

    - `url`: its WebSocket URL, which is used as it is.
    - `agent_config`: the agent's whole definition, as ElevenLabs' platform exports it.
    - `agent_config_overrides`: parts of definitions that are laid over it, in order.
    - `tools`: definitions of its tools, as exported.
    - `prompt_knowledge_base`: takes the place of the knowledge base in its instructions.
    - `bedrock_inference_profile`: such as "global"; the orchestrator takes "us" by itself.
    - `post_call_transcription_webhook`, `post_call_audio_webhook`: get the transcript and the
      sound after the end.
    """

    url: Required[str]
    agent_config: Mapping[str, Any]
    agent_config_overrides: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]]
    prompt_knowledge_base: Sequence[str]
    bedrock_inference_profile: str
    post_call_transcription_webhook: PostCallWebhook
    post_call_audio_webhook: PostCallWebhook


def orchestrator_url(options: Options) -> str:
    """The URL of the orchestrator. Whether it can be one is not looked at here.

    Raises:
        TypeError: it is no string.
        ValueError: there is none.
    """
    given = mapping(options, "orchestrator")
    if given.get("url") is None:
        raise ValueError(
            "orchestrator has no 'url'; pass the orchestrator's WebSocket URL there, "
            "such as 'wss://host/path'"
        )
    return text({"orchestrator['url']": given["url"]}, "orchestrator['url']")


def enclave_setup(options: Options) -> EnclaveSetup | None:
    """What an orchestrator is told before the initiation; None if there is no orchestrator.

    Raises:
        TypeError: a value of the wrong kind, or one that JSON cannot hold.
        ValueError: a name that does not exist, a webhook without URL, or a text that JSON cannot
            hold.
    """
    if "orchestrator" not in options:
        return None
    given = members("orchestrator", mapping(options, "orchestrator"), Orchestrator)
    setup = EnclaveSetup(
        agent_config_dict=given.get("agent_config"),
        override_agent_config_list=given.get("agent_config_overrides"),
        tools_config_list=given.get("tools"),
        prompt_knowledge_base=given.get("prompt_knowledge_base"),
        bedrock_inference_profile=given.get("bedrock_inference_profile", msgspec.UNSET),
        post_call_transcription_webhook=_webhook(given, "post_call_transcription_webhook"),
        post_call_audio_webhook=_webhook(given, "post_call_audio_webhook"),
    )
    check_json("orchestrator", setup)
    return setup


def _webhook(given: Options, name: str) -> dict[str, Any] | msgspec.UnsetType:
    if name not in given:
        return msgspec.UNSET
    where = f"orchestrator[{name!r}]"
    webhook = members(where, mapping({where: given[name]}, where), PostCallWebhook)
    if "url" not in webhook:
        raise ValueError(f"{where} has no 'url'; pass the address to which it is to deliver")
    return webhook
