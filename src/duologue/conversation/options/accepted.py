"""The options that a caller may pass to `start_session`."""

from __future__ import annotations

import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from duologue.audio.endpoints import Sink, Source
from duologue.connection.http.endpoints import Region
from duologue.conversation.options.initiation import ToolMockConfig
from duologue.conversation.options.orchestrator import Orchestrator
from duologue.conversation.options.overrides import Overrides
from duologue.conversation.options.transport import ConnectionType, WebRtcOptions
from duologue.conversation.telling.callbacks import Callbacks
from duologue.dialogue.tools.registry import ClientTool
from duologue.protocol.server_events import McpToolCallEvent

if TYPE_CHECKING:
    from duologue.conversation.text import TextConversation
    from duologue.conversation.voice import VoiceConversation


class CommonOptions(Callbacks, total=False):
    """The options of every session, callbacks included.

    Exactly one of `agent_id`, `signed_url` or `conversation_token` (a private agent, from a back
    end) and `orchestrator` is needed. An option that is None counts as left out, and so does an
    empty `user_id`, `environment` or `livekit_url`.

    - `api_key`: the server's key, for programs that run where a key may be: with it the signed URL
      or, for WebRTC, the token of a private `agent_id` is fetched first. Without it
      `DUOLOGUE_API_KEY` is taken for the server in `DUOLOGUE_ORIGIN`, `ELEVENLABS_API_KEY` for
      ElevenLabs' own; if the server knows no such key or agent, the agent is then taken for a
      public one. No key goes over plain ws or http, except to this machine.
    - `orchestrator`: a self-hosted orchestrator, and what it is to run. Nothing else says where it
      is or who may use it, and no key is looked for.
    - `origin`: the address of the server, as ws, wss, http or https; without it that in
      `DUOLOGUE_ORIGIN`, or else ElevenLabs' own. A signed URL has its server in itself.
    - `region`: ElevenLabs' server there: us, global, eu-residency, in-residency or sg-residency.
      Neither an origin nor a signed URL goes with it.
    - `environment`: the server's environment of that name.
    - `branch_id`, `version_id`: which branch and which version of the agent.
    - `participant_name`: the user's name in a WebRTC room.
    - `include_conversation_id`: whether the signed URL that is fetched names the conversation, and
      is good for one only.
    - `debug_events_request`: whether the server that gives a signed URL or a token is asked for
      events for debugging; `on_debug` gets them.
    - `authorization`: a token for the server, sent as the subprotocol `bearer.<authorization>`.
    - `connection_type`: the transport, "websocket" or "webrtc". By default what belongs to one of
      them asks for it. Where nothing does, voice goes over WebRTC, or over WebSocket if the server
      says that it has no WebRTC, and text over WebSocket.
    - `conversation_token`: lets into the WebRTC room of one conversation.
    - `livekit_url`: the LiveKit server with the room, as ws or wss; by default that which the
      server names, or else that which belongs to ElevenLabs' own server.
    - `web_rtc`: how a WebRTC connection finds its way.
    - `ssl_context`: how TLS is done with the server, for a certificate authority of your own for
      instance. An address without TLS does not go with it. With WebRTC it holds for requests to
      the server; LiveKit's own connection goes by the system's authorities.
    - `overrides`: what differs from the agent's definition.
    - `dynamic_variables`: values for the placeholders in the agent's definition.
    - `custom_llm_extra_body`: any JSON, handed on to the agent's own language model.
    - `tool_mock_config`: which of the agent's tools are not really called.
    - `user_id`: whom the agent talks to, by your own reckoning.
    - `client_tools`: functions that the agent may call, by name, or a `ClientTools`. Plain ones run
      in threads of their own, async ones in the event loop, each for at most 30 s unless its
      registry says otherwise, and none past the session's end. Parameters come as the function's
      signature asks for them; see `duologue.dialogue.tools.signature`. What a tool raises is told
      to the agent and to `on_error`; by a `ToolError` it tells the agent alone, in its own words.
    - `on_mcp_tool_approval_request`: decides whether the agent may call a tool of an MCP server:
      True approves, False denies, and whatever else it returns or raises denies, too. Unlike the
      callbacks it keeps nothing waiting: a plain function runs in a thread of its own, an async one
      in the event loop, where it is cancelled once its decision is no longer wanted, at the latest
      after the call's `approval_timeout_secs` or as the session ends. Without it, answer with
      `send_mcp_tool_approval_result`.
    - `connection_delay`: how many seconds to wait before connecting; 0 by default.
    - `connect_timeout`: how many seconds the server may take to accept and to answer the
      initiation; 10 by default. A device may take 10 s of its own to open.
    """

    agent_id: str | None
    signed_url: str | None
    conversation_token: str | None
    orchestrator: Orchestrator | None
    api_key: str | None
    origin: str | None
    region: Region | None
    environment: str | None
    branch_id: str | None
    version_id: str | None
    participant_name: str | None
    include_conversation_id: bool | None
    debug_events_request: bool | None
    authorization: str | None
    connection_type: ConnectionType | None
    livekit_url: str | None
    web_rtc: WebRtcOptions | None
    ssl_context: ssl.SSLContext | None
    overrides: Overrides | None
    dynamic_variables: Mapping[str, str | int | float | bool] | None
    custom_llm_extra_body: Any
    tool_mock_config: ToolMockConfig | None
    user_id: str | None
    client_tools: Mapping[str, Callable[..., object] | ClientTool] | None
    on_mcp_tool_approval_request: Callable[[McpToolCallEvent], bool | Awaitable[bool]] | None
    connection_delay: float | None
    connect_timeout: float | None


class TextOptions(CommonOptions, total=False):
    """The options of a conversation in writing.

    - `on_conversation_created`: gets the conversation, before any other callback that it causes.
    """

    on_conversation_created: Callable[[TextConversation], object] | None


class VoiceOptions(CommonOptions, total=False):
    """The options of a spoken conversation.

    - `microphone`, `speaker`: any source and sink of samples (see `duologue.audio.endpoints`); by
      default the system's devices.
    - `input_device_id`, `output_device_id`: which of the system's devices, by id or name. If there
      is none of that id, the default is used; `on_device_change` and a warning in the log say so.
    - `echo_cancellation`: takes the agent's voice out of the microphone's sound, where that hears
      the speaker. On for devices by default, as in a browser; off for a source of your own.
    - `noise_suppression`: takes out what is steady, such as a fan. By default as the echo
      cancellation.
    - `auto_gain_control`: brings quiet speakers up and loud ones down; off by default, because it
      brings up what is left of an echo as well.
    - `record`: the path of a WAV file for the sound of both sides, the user on the left and the
      agent on the right, as it is sent and heard. It grows as the conversation goes on.
    - `input_chunk_duration_ms`: how much sound goes at once, 5 to 1000; 20 by default.
    - `use_wake_lock`: whether the screen stays on during the conversation, True by default. It
      takes the package `wakepy` (extra `wake`); where that is missing, or the system refuses, the
      conversation goes on without.
    - `on_conversation_created`: gets the conversation, before any other callback that it causes.
    """

    on_conversation_created: Callable[[VoiceConversation], object] | None
    microphone: Source | None
    speaker: Sink | None
    input_device_id: str | None
    output_device_id: str | None
    input_chunk_duration_ms: int | None
    echo_cancellation: bool | None
    noise_suppression: bool | None
    auto_gain_control: bool | None
    record: str | os.PathLike[str] | None
    use_wake_lock: bool | None
