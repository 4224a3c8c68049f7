"""The microphone and the speaker of a conversation."""

from __future__ import annotations

from typing import Final

from duologue.audio.endpoints import Sink, Source
from duologue.conversation.options.sound import SoundPlan
from duologue.protocol.formats import AudioFormat

PROCESSED_PERIOD_MS: Final = 10
"""How often a microphone delivers sound that is processed, which is done in frames of 10 ms. With
its usual 5 ms a chunk would be on the wire 5 ms sooner, and the call would take 1 % more of a core.
"""


def chosen_devices(
    plan: SoundPlan, input_format: AudioFormat, output_format: AudioFormat
) -> tuple[Source, Sink]:
    """The caller's own source and sink, or the system's devices, by id or by default.

    The devices are opened at the rates of the wire, so that nothing is converted here: from 48 to
    16 kHz that would take 11 to 20 ms.
    """
    source, sink = plan.microphone, plan.speaker
    if source is None or sink is None:
        # miniaudio is loaded only by those who need it.
        from duologue.audio.devices.hardware import MICROPHONE_PERIOD_MS
        from duologue.audio.devices.live import LiveMicrophone, LiveSpeaker

        source = source or LiveMicrophone(
            plan.input_device_id,
            sample_rate_hz=input_format.sample_rate_hz,
            period_ms=PROCESSED_PERIOD_MS if plan.treatment.processes else MICROPHONE_PERIOD_MS,
        )
        sink = sink or LiveSpeaker(
            plan.output_device_id, sample_rate_hz=output_format.sample_rate_hz
        )
    return source, sink
