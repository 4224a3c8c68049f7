"""When a recorded question is played, and when its conversation is over. No clock, no I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

GREETING_BEGIN_LIMIT_S: Final = 5.0
"""An agent that has said nothing for so long is taken to have no greeting."""

GREETING_QUIET_S: Final = 0.5
"""A greeting is over once it was quiet for so long: sentences have shorter pauses."""

GREETING_LIMIT_S: Final = 60.0
"""The question is played after so long even if the agent is still greeting."""

ANSWER_QUIET_S: Final = 2.0
"""An answer is over once it was quiet for so long."""

ANSWER_LIMIT_S: Final = 60.0
"""So long after the end of the file, the conversation is over in any case."""


class Step(StrEnum):
    """What to do now."""

    WAIT = "wait"
    PLAY = "play"
    END = "end"


class RecordedCourse:
    """The course of a conversation in which the user is a recording.

    Args:
        now_s: the time by any clock that only goes forward; all other times are by the same.
        wait_for_greeting: play the file once the agent's greeting has been heard, not at once.
    """

    def __init__(self, now_s: float, *, wait_for_greeting: bool) -> None:
        self._began_s = now_s
        self._wait_for_greeting = wait_for_greeting
        self._last_sound_s: float | None = None
        self._is_playing_file = False
        self._file_ended_s: float | None = None
        self._interruptions = 0

    def step(
        self,
        now_s: float,
        *,
        agent_speaks: bool,
        file_ended: bool = False,
        user_finished_s: float | None = None,
        interruptions: int = 0,
    ) -> Step:
        """What to do at `now_s`.

        Args:
            agent_speaks: whether the agent is to be heard now.
            file_ended: whether the whole file has been played.
            user_finished_s: when the last speech of the file was played, once that is known.
            interruptions: how often the agent was interrupted: what it said until then, perhaps a
                little longer than the user spoke, is no answer.
        """
        if interruptions > self._interruptions:
            self._interruptions = interruptions
            self._last_sound_s = None
        if agent_speaks:
            self._last_sound_s = now_s
        if not self._is_playing_file:
            return self._before_file(now_s)
        if not file_ended:
            return Step.WAIT
        if self._file_ended_s is None:
            self._file_ended_s = now_s
        if now_s - self._file_ended_s >= ANSWER_LIMIT_S:
            return Step.END
        return Step.END if self._was_answered(now_s, user_finished_s) else Step.WAIT

    def _before_file(self, now_s: float) -> Step:
        if self._wait_for_greeting and not self._was_greeted(now_s):
            return Step.WAIT
        self._is_playing_file = True
        return Step.PLAY

    def _was_greeted(self, now_s: float) -> bool:
        waited_s = now_s - self._began_s
        if self._last_sound_s is None:
            return waited_s >= GREETING_BEGIN_LIMIT_S
        return now_s - self._last_sound_s >= GREETING_QUIET_S or waited_s >= GREETING_LIMIT_S

    def _was_answered(self, now_s: float, user_finished_s: float | None) -> bool:
        if self._last_sound_s is None or user_finished_s is None:
            return False
        was_heard = self._last_sound_s > user_finished_s
        return was_heard and now_s - self._last_sound_s >= ANSWER_QUIET_S
