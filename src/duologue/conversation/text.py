"""A written conversation."""

from __future__ import annotations

from typing import Literal

from duologue.conversation.session import BaseConversation
from duologue.conversation.sound.counters import AudioCounters


class TextConversation(BaseConversation):
    """A conversation in writing: no microphone, no speaker."""

    @property
    def type(self) -> Literal["text"]:
        """Always `"text"`."""
        return "text"

    @property
    def heard_text(self) -> str:
        """Always empty: nothing is spoken."""
        return ""

    @property
    def audio_counters(self) -> AudioCounters:
        """All of them are 0: there is no sound."""
        return AudioCounters()

    def get_input_volume(self) -> float:
        """Always 0: there is no sound."""
        return 0.0

    def get_output_volume(self) -> float:
        """Always 0: there is no sound."""
        return 0.0

    def get_input_byte_frequency_data(self) -> bytes:
        """Always empty: there is no sound."""
        return b""

    def get_output_byte_frequency_data(self) -> bytes:
        """Always empty: there is no sound."""
        return b""
