"""The options of a spoken conversation's sound."""

from __future__ import annotations

import os
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Final

from duologue.audio.endpoints import Sink, Source
from duologue.conversation.options.reading import Options, contradiction, flag, optional_text


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What is done with the sound on its way.

    Attributes:
        echo_cancellation, noise_suppression, auto_gain_control: what the user's sound goes through.
        record: the WAV file for the sound of both sides; None for no recording.
    """

    echo_cancellation: bool = False
    noise_suppression: bool = False
    auto_gain_control: bool = False
    record: Path | None = None

    @property
    def processes(self) -> bool:
        """Whether the user's sound is to be processed at all."""
        return self.echo_cancellation or self.noise_suppression or self.auto_gain_control


UNTREATED: Final = Treatment()
"""Sound that goes its way as it is."""


@dataclass(frozen=True, kw_only=True)
class SoundPlan:
    """Through what a conversation is to be heard; a written one makes nothing of it.

    Attributes:
        microphone, speaker: the caller's own, or None for the system's devices.
        input_device_id, output_device_id: which of the system's devices; None for the default.
        input_chunk_duration_ms: how much sound goes at once; None for what fits the connection.
        use_wake_lock: whether the screen stays on meanwhile.
        treatment: what is done with the sound on its way.
    """

    microphone: Source | None
    speaker: Sink | None
    input_device_id: str | None
    output_device_id: str | None
    input_chunk_duration_ms: int | None
    use_wake_lock: bool
    treatment: Treatment


def sound_plan(options: Options) -> SoundPlan:
    """The options of sound, checked.

    Raises:
        TypeError: a value of the wrong kind.
        ValueError: options that contradict one another, or are out of range.
    """
    for device_id, endpoint in (("input_device_id", "microphone"), ("output_device_id", "speaker")):
        if device_id in options and endpoint in options:
            raise contradiction(
                device_id,
                endpoint,
                f"the id is that of a device of the system, which {endpoint} takes the place of; "
                "leave one of them out",
            )
    return SoundPlan(
        microphone=_endpoint(options, "microphone"),
        speaker=_endpoint(options, "speaker"),
        input_device_id=optional_text(options, "input_device_id"),
        output_device_id=optional_text(options, "output_device_id"),
        input_chunk_duration_ms=_chunk_duration_ms(options),
        use_wake_lock=flag(options, "use_wake_lock", True),
        treatment=_treatment(options),
    )


def _treatment(options: Options) -> Treatment:
    """As a browser treats a microphone; a source of the caller's own stays as it is.

    Gain control is off where nobody asks for it, other than in a browser: it brings up what is
    left of an echo, by 15 dB as measured, and recognisers hardly need it: it changes nothing in
    the words of voices as they are, and at -30 dB 8 % of them are wrong instead of 11 %. Noise
    suppression takes 12 dB more out of an echo, and costs no words.
    """
    is_device = "microphone" not in options
    return Treatment(
        echo_cancellation=flag(options, "echo_cancellation", is_device),
        noise_suppression=flag(options, "noise_suppression", is_device),
        auto_gain_control=flag(options, "auto_gain_control", False),
        record=_record(options),
    )


def _record(options: Options) -> Path | None:
    value: Any = options.get("record")
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"record must be the path of a WAV file, not {type(value).__name__}")
    path = Path(os.fsdecode(value))
    if not path.name:
        raise ValueError("record is empty; expected the path of a WAV file, such as 'call.wav'")
    return path


def _endpoint(options: Options, name: str) -> Any:
    value = options.get(name)
    if value is not None and not all(
        hasattr(value, attribute) for attribute in ("sample_rate_hz", "start", "stop")
    ):
        raise TypeError(
            f"{name} must have `sample_rate_hz`, `start` and `stop`, as {type(value).__name__} "
            "has not; see `duologue.audio` for ready ones"
        )
    if value is not None:
        _check_rate(f"{name}.sample_rate_hz", value.sample_rate_hz)
    return value


def _check_rate(name: str, value: object) -> None:
    if not isinstance(value, Integral):  # numpy's whole numbers are, too
        raise TypeError(f"{name} must be a whole number of Hz, not {type(value).__name__}")
    if int(value) < 1:
        raise ValueError(f"{name} must be a positive number of Hz, not {value}")


def _chunk_duration_ms(options: Options) -> int | None:
    if "input_chunk_duration_ms" not in options:
        return None
    value = options["input_chunk_duration_ms"]
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(
            "input_chunk_duration_ms must be a whole number of milliseconds, "
            f"not {type(value).__name__}"
        )
    if not 5 <= value <= 1000:
        raise ValueError(f"input_chunk_duration_ms must be from 5 to 1000, not {value}")
    return value
