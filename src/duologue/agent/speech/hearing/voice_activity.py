"""Voice activity: one Silero stream a call, which the recogniser and the wire listen to too.

`livekit-agents` runs the detector and keeps what it finds to itself. This file is the only one
that uses names which that library does not promise to keep (`_VADStream`, `_opts`, `_streams`);
they are those of livekit-agents 1.8, which `pyproject.toml` pins below 1.9.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

from livekit.agents import inference, vad
from livekit.agents.inference.vad import _VADOptions, _VADStream

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

WINDOW_S = 0.032
"""What the detector looks at: 512 samples at 16 kHz."""
WINDOWS_PER_SCORE = 8
"""One score each 256 ms: as many as a display needs."""


@dataclass(frozen=True)
class VoiceActivity:
    """What one window of 32 ms told.

    Attributes:
        probability: that this window holds a voice, 0 to 1.
        is_speaking: whether the user counts as speaking, this window not yet considered.
        speech_s: for how long voiced windows have followed one another, up to this one.
        silence_s: for how long windows without voice have, up to this one.
    """

    probability: float
    is_speaking: bool
    speech_s: float
    silence_s: float


Listener = Callable[[VoiceActivity], None]


class CallVoiceActivity(inference.VAD):
    """The voice activity detector of one call.

    Args:
        min_speech_s: how long a voice must sound to count as speech.
        min_silence_s: how long it must be silent to count as the end of speech.
        activation_threshold: the probability at which a window counts as voiced.
        deactivation_threshold: while speaking, the probability under which it no longer does.
        listeners: called on the event loop with every window, before the session sees it.
    """

    def __init__(
        self,
        *,
        min_speech_s: float,
        min_silence_s: float,
        activation_threshold: float,
        deactivation_threshold: float,
        listeners: tuple[Listener, ...] = (),
    ) -> None:
        super().__init__(
            model="silero",
            min_speech_duration=min_speech_s,
            min_silence_duration=min_silence_s,
            activation_threshold=activation_threshold,
            deactivation_threshold=deactivation_threshold,
            executor=InlineExecutor(),
        )
        self._listeners = listeners

    def stream(self) -> vad.VADStream:
        stream = _ListenedStream(self, replace(self._opts), self._listeners)
        self._streams.add(stream)
        return stream


class _ListenedStream(_VADStream):
    def __init__(
        self, parent: inference.VAD, options: _VADOptions, listeners: tuple[Listener, ...]
    ) -> None:
        super().__init__(parent, options, executor=InlineExecutor())
        self._listeners = listeners
        self._voiced_s = 0.0

    async def __anext__(self) -> vad.VADEvent:
        event = await super().__anext__()
        if event.type is vad.VADEventType.INFERENCE_DONE:
            activity = self._activity(event)
            event.speech_duration = self._voiced_so_far_s(activity)
            for listener in self._listeners:
                listener(activity)
        return event

    def _activity(self, event: vad.VADEvent) -> VoiceActivity:
        # The event's sums do not hold its own window yet; a listener that acts on silence
        # would be one window late.
        is_voiced = event.probability >= self._opts.activation_threshold or (
            event.speaking and event.probability > self._opts.deactivation_threshold
        )
        return VoiceActivity(
            probability=event.probability,
            is_speaking=event.speaking,
            speech_s=event.raw_accumulated_speech + WINDOW_S if is_voiced else 0.0,
            silence_s=0.0 if is_voiced else event.raw_accumulated_silence + WINDOW_S,
        )

    def _voiced_so_far_s(self, activity: VoiceActivity) -> float:
        """For how long the speech so far was voiced, for the session to compare with what
        interrupts the agent. By itself the session gets the time since the speech began: two
        voiced windows, such as a scrap of an echo, would interrupt once enough silence follows.
        """
        if activity.speech_s:
            self._voiced_s += WINDOW_S
        elif not activity.is_speaking:
            self._voiced_s = 0.0
        return self._voiced_s if activity.is_speaking else 0.0


class InlineExecutor(Executor):
    """Runs each call at once, in the thread that submits it.

    The detector needs 22 µs a window; handing that to a thread costs ten times as much.
    """

    def submit(
        self,
        function: Callable[Parameters, Result],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Future[Result]:
        future: Future[Result] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class ScoreReporter:
    """A listener that reports the highest probability of every quarter of a second.

    Args:
        report: called with the probability, 0 to 1.
    """

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report
        self._windows = 0
        self._highest = 0.0

    def __call__(self, activity: VoiceActivity) -> None:
        self._windows += 1
        self._highest = max(self._highest, activity.probability)
        if self._windows == WINDOWS_PER_SCORE:
            self._report(self._highest)
            self._windows = 0
            self._highest = 0.0
