"""Turning what the user says into text, one utterance at a time.

The session sends every frame and asks for the text at the end of a turn. Recognition does not
wait for that: it starts a guess as soon as the user has been silent for a moment, and throws the
guess away if the user goes on. When the turn does end, the text is there or nearly so.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Never, Protocol

import numpy as np
import numpy.typing as npt
from livekit import rtc
from livekit.agents import APIConnectOptions, LanguageCode, stt, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer

from duologue.agent.speech.hearing.utterance import SAMPLE_RATE_HZ, Utterance
from duologue.agent.speech.hearing.voice_activity import VoiceActivity
from duologue.errors import ModelError

logger = logging.getLogger("duologue.agent.recognition")

GUESS_AFTER_S = 0.06
"""Two windows of silence: sooner, the guess would start in the closure of every "t"."""
RESUMED_AFTER_S = 0.06
"""Voice shorter than this after a pause is a click or a breath, not the sentence going on."""
MAX_UTTERANCES_WAITING = 8

LANGUAGE = LanguageCode("en")


class Transcriber(Protocol):
    """What turns speech into text. Any number of calls may share one."""

    async def transcribe(self, samples: npt.NDArray[np.int16]) -> str:
        """Return the text of mono speech at 16 kHz, or "" where there is none.

        It must end within a limit of its own, and may be cancelled at any time.

        Raises:
            ModelError: it could not.
        """
        ...


class SpeechRecognizer(stt.STT[Never]):
    """The recogniser of one call.

    Args:
        transcriber: what recognises; shared by all calls.
        guesses: whether to recognise during a pause already, at the price of doing so in vain
            when the user goes on.
    """

    def __init__(self, transcriber: Transcriber, *, guesses: bool = True) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=False,
                manual_flush=True,
                offline_recognize=False,
            )
        )
        self._transcriber = transcriber
        self._guesses = guesses
        self._current: _UtteranceStream | None = None

    def hear(self, activity: VoiceActivity) -> None:
        """Learn what the voice activity detector of the same call found in a window."""
        if self._current is not None:
            self._current.hear(activity)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        self._current = _UtteranceStream(
            self, self._transcriber, conn_options, guesses=self._guesses
        )
        return self._current

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        raise NotImplementedError("this recogniser works on streams only")


class _UtteranceStream(stt.RecognizeStream):
    def __init__(
        self,
        recognizer: SpeechRecognizer,
        transcriber: Transcriber,
        conn_options: APIConnectOptions,
        *,
        guesses: bool,
    ) -> None:
        super().__init__(stt=recognizer, conn_options=conn_options, sample_rate=SAMPLE_RATE_HZ)
        self._transcriber = transcriber
        self._guesses = guesses
        self._utterance = Utterance()
        self._guess: asyncio.Task[str] | None = None
        self._asked: asyncio.Queue[asyncio.Task[str] | None] = asyncio.Queue(MAX_UTTERANCES_WAITING)

    def hear(self, activity: VoiceActivity) -> None:
        self._utterance.observe(is_speaking=activity.is_speaking, silence_s=activity.silence_s)
        if not self._guesses:
            return
        if activity.speech_s > RESUMED_AFTER_S:
            self._drop_guess()
        is_pause = activity.is_speaking and activity.silence_s >= GUESS_AFTER_S
        if is_pause and self._guess is None:
            self._guess = self._start_recognising()
            self._guess.add_done_callback(self._announce_guess)

    async def _run(self) -> None:
        listening = asyncio.create_task(self._listen())
        answering = asyncio.create_task(self._answer())
        try:
            await asyncio.gather(listening, answering)
        finally:
            self._drop_guess()
            await utils.aio.cancel_and_wait(listening, answering)
            self._drop_asked()

    async def _listen(self) -> None:
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                self._utterance.append(np.frombuffer(item.data, dtype=np.int16))
            else:
                self._ask(self._end_utterance())
        self._ask(None)

    async def _answer(self) -> None:
        while (recognising := await self._asked.get()) is not None:
            self._report(stt.SpeechEventType.FINAL_TRANSCRIPT, await recognising)

    def _end_utterance(self) -> asyncio.Task[str]:
        recognising = self._guess or self._start_recognising()
        self._guess = None
        self._utterance.clear()
        return recognising

    def _ask(self, recognising: asyncio.Task[str] | None) -> None:
        try:
            self._asked.put_nowait(recognising)
        except asyncio.QueueFull as error:
            raise ModelError(
                f"speech recognition is {MAX_UTTERANCES_WAITING} utterances behind the speaker; "
                "hold fewer conversations at once, or give the model more cores"
            ) from error

    def _start_recognising(self) -> asyncio.Task[str]:
        return asyncio.create_task(self._recognise(self._utterance.speech()))

    async def _recognise(self, samples: npt.NDArray[np.int16]) -> str:
        if len(samples) == 0:
            return ""
        return await self._transcriber.transcribe(samples)

    def _announce_guess(self, guess: asyncio.Task[str]) -> None:
        # The session lets the language model start on it; it takes that back by itself if the
        # turn goes on. A failed guess is reported when the turn ends and the text is asked for.
        is_current = guess is self._guess and not guess.cancelled()
        if is_current and guess.exception() is None and guess.result():
            self._report(stt.SpeechEventType.PREFLIGHT_TRANSCRIPT, guess.result())

    def _report(self, kind: stt.SpeechEventType, text: str) -> None:
        logger.debug("%s: %s", kind.value, text)
        self._event_ch.send_nowait(
            stt.SpeechEvent(type=kind, alternatives=[stt.SpeechData(language=LANGUAGE, text=text)])
        )

    def _drop_guess(self) -> None:
        if self._guess is not None:
            _drop(self._guess)
            self._guess = None

    def _drop_asked(self) -> None:
        while not self._asked.empty():
            recognising = self._asked.get_nowait()
            if recognising is not None:
                _drop(recognising)


def _drop(task: asyncio.Task[str]) -> None:
    """Stop a recognition nobody waits for; whether it failed is of no interest either."""
    task.cancel()
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
