"""Generated from `duologue.conversation.text` by `make blocking`; not to be edited."""

from __future__ import annotations

from typing import Literal

from duologue.blocking.generated.conversation.session import BaseConversation
from duologue.conversation.sound.counters import AudioCounters
from duologue.conversation.text import TextConversation as AsyncioTextConversation


class TextConversation(BaseConversation):
    """A conversation in writing: no microphone, no speaker."""

    _conversation: AsyncioTextConversation

    @property
    def type(self) -> Literal["text"]:
        """Always `"text"`."""
        return self._in_loop(lambda: self._conversation.type)

    @property
    def heard_text(self) -> str:
        """Always empty: nothing is spoken."""
        return self._in_loop(lambda: self._conversation.heard_text)

    @property
    def audio_counters(self) -> AudioCounters:
        """All of them are 0: there is no sound."""
        return self._in_loop(lambda: self._conversation.audio_counters)

    def get_input_volume(self) -> float:
        """Always 0: there is no sound."""
        return self._in_loop(self._conversation.get_input_volume)

    def get_output_volume(self) -> float:
        """Always 0: there is no sound."""
        return self._in_loop(self._conversation.get_output_volume)

    def get_input_byte_frequency_data(self) -> bytes:
        """Always empty: there is no sound."""
        return self._in_loop(self._conversation.get_input_byte_frequency_data)

    def get_output_byte_frequency_data(self) -> bytes:
        """Always empty: there is no sound."""
        return self._in_loop(self._conversation.get_output_byte_frequency_data)
