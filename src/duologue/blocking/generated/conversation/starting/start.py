"""Generated from `duologue.conversation.starting.start` by `make blocking`; not to be edited."""

from __future__ import annotations

from typing import Any, Literal, Unpack, overload

from duologue.blocking.generated.conversation.options.accepted import TextOptions, VoiceOptions
from duologue.blocking.generated.conversation.text import TextConversation
from duologue.blocking.generated.conversation.voice import VoiceConversation
from duologue.blocking.start import start
from duologue.conversation.starting.start import Conversation as AsyncioConversation


class Conversation:
    """Where conversations begin."""

    @overload
    @staticmethod
    def start_session(
        *, text_only: Literal[True], **options: Unpack[TextOptions]
    ) -> TextConversation: ...

    @overload
    @staticmethod
    def start_session(
        *, text_only: Literal[False] = False, **options: Unpack[VoiceOptions]
    ) -> VoiceConversation: ...

    @staticmethod
    def start_session(*, text_only: bool = False, **options: Any) -> Any:
        """Start a conversation with an agent.

        The options are those of `VoiceOptions`, or with `text_only=True` of `TextOptions`. They are
        checked before anything is opened. The conversation is returned when it is connected;
        `end_session` ends it, and so does leaving it as a `with` block. Ctrl-C meanwhile releases
        everything, and raises `KeyboardInterrupt` after that.

        Raises:
            TypeError: an option that does not exist, or a value of the wrong kind.
            ValueError: options that are missing, contradict one another, or are out of range.

        Callbacks are called in this order: `on_status_change` (connecting),
        `on_can_send_feedback_change` (False), `on_conversation_created`, `on_status_change`
        (connected), `on_connect`, `on_outgoing_event` (the initiation; before it, for an
        orchestrator, its setup), then what the server has sent, its metadata first if it was, and
        `on_device_change` if a device that was asked for is not there. A start that fails raises,
        and calls after the first two only `on_status_change` (disconnected).

        While it connects, it raises:
            SessionConnectionError: the server cannot be reached, refuses, ends the session while
                it starts, or does not answer within `connect_timeout`.
            SignedUrlRefused: the server gives no signed URL for the `api_key`.
            ConversationTokenRefused: the server gives no token for a conversation over WebRTC.
            UnsupportedAudioFormat: the server wants a format that is not of the protocol.
            DeviceError: the microphone or the speaker cannot be opened, or not within 10 s.
        """
        return start(AsyncioConversation.start_session, text_only=text_only, **options)
