"""The agent's text, as the language model writes it."""

from __future__ import annotations

from livekit.agents.voice.io import TextOutput

from duologue.agent.call.floor import Floor
from duologue.agent.call.translation import Translation


class Writing(TextOutput):
    """Hands text on at the speed at which it is written; it does not wait for the sound.

    Args:
        translation: takes the text.
        floor: keeps an answer from beginning while the user is busy.
    """

    def __init__(self, translation: Translation, floor: Floor) -> None:
        super().__init__(label="wire", next_in_chain=None)
        self._translation = translation
        self._floor = floor
        self._is_writing = False

    async def capture_text(self, text: str) -> None:
        if not self._is_writing:
            await self._floor.wait_free()
            self._is_writing = True
        self._translation.text_written(text)

    def flush(self) -> None:
        self._is_writing = False
        self._translation.text_complete()
