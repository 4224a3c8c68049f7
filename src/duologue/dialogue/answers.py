"""When the agent's current answer is over: whole, and heard to its end.

No event says so reliably. Some servers send `agent_response_complete`, not after every answer; the
text of an answer may come before its sound, after it, in several messages, or not at all; and a
tool may run in the middle of it. So an answer is over when the server says so and it has been
heard, or when nothing more has come for a while that is long enough for what is known of it.
"""

from __future__ import annotations

from typing import Final

TEXT_SETTLES_MS: Final = 300.0
"""A written answer may come in several messages, one for each paragraph, at once."""

SOUND_SETTLES_MS: Final = 600.0
"""The text is whole and all sound was heard: a voice that keeps its pace has no longer gaps."""

WITHOUT_TEXT_MS: Final = 2000.0
"""All sound was heard, and no whole text has come: a model that thinks between two sentences."""

WITHOUT_SOUND_MS: Final = 5000.0
"""The text of a spoken answer is there, and its sound is still to come."""

AFTER_TOOL_MS: Final = 5000.0
"""A tool has answered: a model most often has something to say to that."""


class Answers:
    """Follows one answer after the other; all times are of one clock, in ms.

    Args:
        text_only: whether answers are only read.
    """

    def __init__(self, *, text_only: bool) -> None:
        self._text_only = text_only
        self._is_expected = False
        self._goes_on = False
        self._is_whole = False
        self._is_complete = False
        self._has_sound = False
        self._is_after_tool = False
        self._plays = False
        self._played_when_asked = False
        self._tools: set[str] = set()
        self._latest_ms = 0.0
        self._stale_id: int | None = None
        self.latest_id: int | None = None

    def asked(self, now_ms: float) -> None:
        """The user has said or written something: an answer is expected."""
        over_at_ms = self.over_at_ms()
        is_over = over_at_ms is not None and over_at_ms <= now_ms
        self._stale_id = None if is_over else self.latest_id
        self._is_expected = True
        self._played_when_asked = self._plays
        self._goes_on = self._is_after_tool = False
        self._latest_ms = now_ms

    def text(self, event_id: int | None, now_ms: float, *, is_whole: bool) -> None:
        """Text of an answer came; `is_whole` if nothing of it is missing."""
        if self._came(event_id, now_ms):
            self._is_whole = self._is_whole or is_whole

    def sound(self, event_id: int | None, now_ms: float) -> None:
        """Sound of an answer came, and is played."""
        self._plays = True
        if event_id is None and self._is_expected and self._played_when_asked:
            self._latest_ms = now_ms
            return  # it cannot be said whether it is the answer, or what was said before
        if self._came(event_id, now_ms):
            self._has_sound = True

    def played_out(self, now_ms: float) -> None:
        """All that was queued has been heard."""
        self._plays = self._played_when_asked = False
        self._latest_ms = now_ms

    def interrupted(self, now_ms: float) -> None:
        """The answer is not to be heard any more."""
        self._plays = self._goes_on = self._played_when_asked = False
        self._latest_ms = now_ms

    def tool_called(self, tool_call_id: str, now_ms: float) -> None:
        """A tool runs, and the answer waits for it."""
        self._tools.add(tool_call_id)
        self._is_expected = False
        self._goes_on = True
        self._latest_ms = now_ms

    def tool_answered(self, tool_call_id: str | None, now_ms: float) -> None:
        """A tool has ended; the model most often goes on."""
        if tool_call_id is not None and tool_call_id in self._tools:
            self._tools.discard(tool_call_id)
            self._goes_on = self._is_after_tool = True
            self._latest_ms = now_ms

    def complete(self, event_id: object, now_ms: float) -> None:
        """The server says that the answer is over."""
        if self._is_expected or (
            isinstance(event_id, int) and self.latest_id is not None and event_id < self.latest_id
        ):
            return  # that was an earlier one
        self._is_complete = True
        self._latest_ms = now_ms

    def over_at_ms(self) -> float | None:
        """From when on the answer is over if nothing more comes; None if something is to come.

        A moment in the past says that it is over, or that there is none.
        """
        if self._tools or self._plays or self._is_expected:
            return None
        if not self._goes_on or self._is_complete:
            return self._latest_ms
        if self._is_after_tool:
            return self._latest_ms + AFTER_TOOL_MS
        if self._text_only:
            return self._latest_ms + TEXT_SETTLES_MS if self._is_whole else None
        if not self._has_sound:
            return self._latest_ms + WITHOUT_SOUND_MS
        return self._latest_ms + (SOUND_SETTLES_MS if self._is_whole else WITHOUT_TEXT_MS)

    def _came(self, event_id: int | None, now_ms: float) -> bool:
        """Take note of a piece of an answer; False if it is none of the current one."""
        if self._is_stale(event_id):
            return False
        if self._is_expected or not self._goes_on or self._is_later(event_id):
            self._is_whole = self._is_complete = self._has_sound = False
        if event_id is not None:
            self.latest_id = event_id
        self._is_expected = self._is_after_tool = False
        self._goes_on = True
        self._latest_ms = now_ms
        return True

    def _is_stale(self, event_id: int | None) -> bool:
        """True of what still comes of the answer that was going on when the user asked again."""
        if not self._is_expected or event_id is None or self._stale_id is None:
            return False
        return event_id <= self._stale_id

    def _is_later(self, event_id: int | None) -> bool:
        return event_id is not None and self.latest_id is not None and event_id > self.latest_id
