"""Sound on this machine: its vocabulary here, and a folder for each thing that is done with it.

Samples are mono, 16 bits. Inside they are one-dimensional numpy arrays of int16; at the borders,
to sources and sinks, they are `memoryview`s of little-endian bytes (see `duologue.audio.samples`).

Importing this package loads none of numpy, samplerate or miniaudio; each is loaded with the first
name that needs it, so a text conversation never pays for sound.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duologue.audio.analyser import Analyser
    from duologue.audio.bridges.pushed_microphone import PushedMicrophone
    from duologue.audio.bridges.timed_speaker import TimedSpeaker
    from duologue.audio.capture.chunks import Capture
    from duologue.audio.chunker import Chunker
    from duologue.audio.devices.hardware import Microphone, Speaker, devices_available
    from duologue.audio.devices.listing import AudioDevice, DeviceKind, list_devices
    from duologue.audio.endpoints import Sink, Source
    from duologue.audio.files.endpoints import WavSink, WavSource
    from duologue.audio.files.reading import read_wav
    from duologue.audio.files.writing import WavWriter, write_wav
    from duologue.audio.pacing.arrays import ArraySink, ArraySource
    from duologue.audio.pacing.endpoint import PacedEndpoint
    from duologue.audio.playout.player import Playout
    from duologue.audio.resample import Resampler
    from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes
    from duologue.audio.speech_detector import SpeechDetector, last_voiced_frame_end_ms
    from duologue.protocol.formats import AudioFormat

__all__ = [
    "Analyser",
    "ArraySink",
    "ArraySource",
    "AudioDevice",
    "AudioFormat",
    "Capture",
    "Chunker",
    "DeviceKind",
    "Microphone",
    "PacedEndpoint",
    "Playout",
    "PushedMicrophone",
    "Resampler",
    "Samples",
    "Sink",
    "Source",
    "Speaker",
    "SpeechDetector",
    "TimedSpeaker",
    "WavSink",
    "WavSource",
    "WavWriter",
    "bytes_from_samples",
    "devices_available",
    "last_voiced_frame_end_ms",
    "list_devices",
    "read_wav",
    "samples_from_bytes",
    "write_wav",
]

_MODULE_OF_NAME = {
    "Analyser": "analyser",
    "ArraySink": "pacing.arrays",
    "ArraySource": "pacing.arrays",
    "AudioFormat": ".protocol.formats",
    "AudioDevice": "devices.listing",
    "Capture": "capture.chunks",
    "Chunker": "chunker",
    "DeviceKind": "devices.listing",
    "Microphone": "devices.hardware",
    "PacedEndpoint": "pacing.endpoint",
    "Playout": "playout.player",
    "PushedMicrophone": "bridges.pushed_microphone",
    "Resampler": "resample",
    "Samples": "samples",
    "Sink": "endpoints",
    "Source": "endpoints",
    "Speaker": "devices.hardware",
    "SpeechDetector": "speech_detector",
    "TimedSpeaker": "bridges.timed_speaker",
    "WavSink": "files.endpoints",
    "WavSource": "files.endpoints",
    "WavWriter": "files.writing",
    "bytes_from_samples": "samples",
    "devices_available": "devices.hardware",
    "last_voiced_frame_end_ms": "speech_detector",
    "list_devices": "devices.listing",
    "read_wav": "files.reading",
    "samples_from_bytes": "samples",
    "write_wav": "files.writing",
}


def __getattr__(name: str) -> object:
    module_name = _MODULE_OF_NAME.get(name)
    if module_name is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{module_name}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
