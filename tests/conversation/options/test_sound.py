from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duologue.audio.chunker import MAX_CHUNK_MS, MIN_CHUNK_MS
from duologue.conversation.options.sound import SoundPlan, Treatment, sound_plan
from tests.conversation.fakes import ManualSink, ManualSource


def with_rate(rate_hz: Any) -> ManualSource:
    return ManualSource(rate_hz)


def test_without_options_the_systems_default_devices_are_meant() -> None:
    assert sound_plan({}) == SoundPlan(
        microphone=None,
        speaker=None,
        input_device_id=None,
        output_device_id=None,
        input_chunk_duration_ms=None,
        use_wake_lock=True,
        treatment=Treatment(echo_cancellation=True, noise_suppression=True),
    )


def test_a_source_of_ones_own_is_not_processed_unless_that_is_asked_for() -> None:
    assert sound_plan({"microphone": ManualSource()}).treatment == Treatment()
    asked = sound_plan({"microphone": ManualSource(), "echo_cancellation": True}).treatment
    assert asked == Treatment(echo_cancellation=True)


def test_a_device_is_not_processed_if_nobody_wants_it() -> None:
    treatment = sound_plan({"echo_cancellation": False, "noise_suppression": False}).treatment
    assert not treatment.processes


@pytest.mark.parametrize("path", ["calls/call.wav", Path("calls/call.wav")])
def test_a_recording_is_a_path(path: object) -> None:
    assert sound_plan({"record": path}).treatment.record == Path("calls/call.wav")


def test_what_is_no_path_cannot_be_recorded_to() -> None:
    with pytest.raises(TypeError, match="record must be the path of a WAV file, not bool"):
        sound_plan({"record": True})
    with pytest.raises(ValueError, match="record is empty"):
        sound_plan({"record": ""})


def test_devices_of_the_system_and_ones_own_may_be_mixed() -> None:
    speaker = ManualSink()
    plan = sound_plan({"input_device_id": "usb", "speaker": speaker, "use_wake_lock": False})
    assert (plan.input_device_id, plan.speaker) == ("usb", speaker)
    assert not plan.use_wake_lock


def test_the_limits_of_a_chunk_are_those_of_the_chunker() -> None:
    for duration_ms in (MIN_CHUNK_MS, MAX_CHUNK_MS):
        options = {"input_chunk_duration_ms": duration_ms}
        assert sound_plan(options).input_chunk_duration_ms == duration_ms
    for duration_ms in (MIN_CHUNK_MS - 1, MAX_CHUNK_MS + 1):
        with pytest.raises(ValueError, match="must be from 5 to 1000"):
            sound_plan({"input_chunk_duration_ms": duration_ms})


@pytest.mark.parametrize(
    "options",
    [
        {"input_device_id": "usb", "microphone": ManualSource()},
        {"output_device_id": "usb", "speaker": ManualSink()},
    ],
)
def test_an_id_and_ones_own_device_contradict_each_other(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{' and '.join(options)} contradict each other"):
        sound_plan(options)


def test_an_empty_id_is_none() -> None:
    with pytest.raises(ValueError, match="input_device_id is empty"):
        sound_plan({"input_device_id": ""})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_chunk_duration_ms": 20.0}, "whole number .* not float"),
        ({"microphone": "default"}, "microphone must have `sample_rate_hz`"),
        ({"speaker": object()}, "speaker must have `sample_rate_hz`"),
        ({"microphone": with_rate("16000")}, "microphone.sample_rate_hz must be a whole number"),
        ({"output_device_id": 7}, "output_device_id must be a string, not int"),
        ({"use_wake_lock": 1}, "use_wake_lock must be True or False, not int"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        sound_plan(options)


def test_a_source_has_a_rate_that_samples_can_have() -> None:
    with pytest.raises(ValueError, match=r"speaker\.sample_rate_hz must be a positive number"):
        sound_plan({"speaker": ManualSink(0)})
    sound_plan({"microphone": with_rate(np.int64(16_000))})
