"""The microphone and the speaker with which a conversation begins."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from duologue.audio.endpoints import Sink, Source
from duologue.conversation.options import SoundPlan
from duologue.dialogue.values import DeviceChange
from duologue.errors import UnknownDevice
from duologue.protocol.formats import AudioFormat

logger = logging.getLogger("duologue")


@dataclass(frozen=True, kw_only=True)
class ChosenDevices:
    """Source and sink, not started yet.

    Attributes:
        changes: once they have started, which of them are others than were asked for.
    """

    source: Source
    sink: Sink
    changes: Sequence[DeviceChange] = field(default_factory=list)


def chosen_devices(
    plan: SoundPlan, input_format: AudioFormat, output_format: AudioFormat
) -> ChosenDevices:
    """The caller's own source and sink, or the system's devices, by id or by default.

    The devices are opened at the rates of the wire, so that nothing is converted here: from 48 to
    16 kHz that would take 11 to 20 ms.
    """
    changes: list[DeviceChange] = []
    source, sink = plan.microphone, plan.speaker
    if source is None or sink is None:
        # miniaudio is loaded only by those who need it.
        from duologue.audio.devices import Microphone, Speaker

        source = source or Microphone(
            plan.input_device_id,
            sample_rate_hz=input_format.sample_rate_hz,
            on_unknown=_noting("microphone", changes),
        )
        sink = sink or Speaker(
            plan.output_device_id,
            sample_rate_hz=output_format.sample_rate_hz,
            on_unknown=_noting("speaker", changes),
        )
    return ChosenDevices(source=source, sink=sink, changes=changes)


def _noting(
    kind: Literal["microphone", "speaker"], changes: list[DeviceChange]
) -> Callable[[UnknownDevice], None]:
    """What takes a note, in the thread that opens a device, that the default has to do instead."""

    def note(error: UnknownDevice) -> None:
        logger.warning("%s The default %s is used instead.", error, kind)
        changes.append(DeviceChange(kind=kind, device_id=None, reason=str(error)))

    return note
