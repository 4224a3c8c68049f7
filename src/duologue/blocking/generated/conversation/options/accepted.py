"""Generated from `duologue.conversation.options.accepted` by `make blocking`; not to be edited."""

from __future__ import annotations

import os
from collections.abc import Callable

from duologue.audio.endpoints import Sink, Source
from duologue.blocking.generated.conversation.text import TextConversation
from duologue.blocking.generated.conversation.voice import VoiceConversation
from duologue.conversation.options.accepted import CommonOptions


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
