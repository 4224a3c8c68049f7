"""How long each part of a turn took, so that our own part can be told from the models'.

A turn goes from the end of the user's speech to the first sound (or, where nothing is spoken, the
first text) of the answer. Of that, waiting for silence, recognition, the language model and the
synthesiser are not ours; the steps between them are.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

logger = logging.getLogger("duologue.agent.turns")


@dataclass(frozen=True)
class TurnTiming:
    """One turn, in milliseconds after the user's last sound, or after the arrival of a text.

    Attributes:
        speech_end_noticed_ms: the voice activity detector reported silence.
        transcript_ms: the final transcript was there.
        turn_decided_ms: the user's turn was taken to be over.
        llm_asked_ms: the language model was called.
        llm_first_token_ms: it gave its first words.
        first_frame_ms: the synthesiser gave its first sound, or None in text-only.
        first_sent_ms: the first sound, or text, was sent.
    """

    speech_end_noticed_ms: float | None
    transcript_ms: float | None
    turn_decided_ms: float
    llm_asked_ms: float
    llm_first_token_ms: float
    first_frame_ms: float | None
    first_sent_ms: float

    @property
    def own_ms(self) -> float:
        """Our own part: from the decision to the model's call, and from its result to the wire.

        A step that was done ahead of the decision (preemptive generation) costs nothing.
        """
        to_model_ms = max(0.0, self.llm_asked_ms - self.turn_decided_ms)
        ready_ms = self.llm_first_token_ms if self.first_frame_ms is None else self.first_frame_ms
        to_wire_ms = self.first_sent_ms - max(ready_ms, self.turn_decided_ms)
        return to_model_ms + max(0.0, to_wire_ms)

    def __str__(self) -> str:
        parts = (
            ("speech end noticed", self.speech_end_noticed_ms),
            ("transcript", self.transcript_ms),
            ("turn decided", self.turn_decided_ms),
            ("language model asked", self.llm_asked_ms),
            ("first token", self.llm_first_token_ms),
            ("first frame", self.first_frame_ms),
            ("first sent", self.first_sent_ms),
            ("own", self.own_ms),
        )
        return ", ".join(f"{name} {value:.0f} ms" for name, value in parts if value is not None)


class TurnClock:
    """Takes the marks of a turn as they happen and logs each turn once.

    Args:
        conversation_id: named in the log.
    """

    def __init__(self, conversation_id: str) -> None:
        self._conversation_id = conversation_id
        self._began_s: float | None = None
        self._marks: dict[str, float] = {}

    def speech_ended(self) -> None:
        """The voice activity detector reports silence."""
        self._mark("speech_end_noticed")

    def transcribed(self) -> None:
        """The final transcript is there."""
        self._mark("transcript")

    def turn_decided(self, stopped_at: float, delay_s: float) -> None:
        """The user's turn is over.

        Args:
            stopped_at: when the user fell silent, as `time.time()` tells.
            delay_s: how much later the decision fell.
        """
        self._began_s = time.monotonic() - (time.time() - stopped_at)
        self._marks["turn_decided"] = self._began_s + delay_s

    def text_arrived(self) -> None:
        """The user's turn is a text, which has come now."""
        self._marks.clear()
        self._began_s = time.monotonic()
        self._mark("turn_decided")

    def llm_asked(self) -> None:
        """The language model is called; a call ahead of the decision may be made again."""
        self._mark("llm_asked")
        self._marks.pop("llm_first_token", None)
        self._marks.pop("first_frame", None)

    def llm_answered(self) -> None:
        """The language model gives its first words."""
        self._marks.setdefault("llm_first_token", time.monotonic())

    def synthesised(self) -> None:
        """The synthesiser gives its first sound."""
        self._marks.setdefault("first_frame", time.monotonic())

    def first_sent(self) -> TurnTiming | None:
        """The first sound or text goes out: the turn, if it is one, is complete and logged."""
        began_s, marks = self._began_s, self._marks
        if began_s is None or not {"turn_decided", "llm_asked", "llm_first_token"} <= marks.keys():
            return None
        self._mark("first_sent")
        after_ms = {name: (at_s - began_s) * 1000 for name, at_s in marks.items()}
        timing = TurnTiming(
            speech_end_noticed_ms=after_ms.get("speech_end_noticed"),
            transcript_ms=after_ms.get("transcript"),
            turn_decided_ms=after_ms["turn_decided"],
            llm_asked_ms=after_ms["llm_asked"],
            llm_first_token_ms=after_ms["llm_first_token"],
            first_frame_ms=after_ms.get("first_frame"),
            first_sent_ms=after_ms["first_sent"],
        )
        self._began_s = None
        self._marks = {}
        logger.info("%s: %s", self._conversation_id, timing)
        return timing

    def _mark(self, name: str) -> None:
        self._marks[name] = time.monotonic()
