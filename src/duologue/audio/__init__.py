"""Sound on this machine: sources and sinks, WAV files, devices, resampling, capture and playout.

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
    from duologue.audio.capture import Capture
    from duologue.audio.chunker import Chunker
    from duologue.audio.device_list import AudioDevice, DeviceKind, list_devices
    from duologue.audio.devices import Microphone, Speaker, devices_available
    from duologue.audio.endpoints import Sink, Source
    from duologue.audio.files import WavSink, WavSource
    from duologue.audio.memory import ArraySink, ArraySource
    from duologue.audio.paced_endpoint import PacedEndpoint
    from duologue.audio.playout import Playout
    from duologue.audio.resample import Resampler
    from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes
    from duologue.audio.speech_detector import SpeechDetector, last_voiced_frame_end_ms
    from duologue.audio.wav_reader import read_wav
    from duologue.audio.wav_writer import WavWriter, write_wav
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
    "Resampler",
    "Samples",
    "Sink",
    "Source",
    "Speaker",
    "SpeechDetector",
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
    "ArraySink": "memory",
    "ArraySource": "memory",
    "AudioFormat": ".protocol.formats",
    "AudioDevice": "device_list",
    "Capture": "capture",
    "Chunker": "chunker",
    "DeviceKind": "device_list",
    "Microphone": "devices",
    "PacedEndpoint": "paced_endpoint",
    "Playout": "playout",
    "Resampler": "resample",
    "Samples": "samples",
    "Sink": "endpoints",
    "Source": "endpoints",
    "Speaker": "devices",
    "SpeechDetector": "speech_detector",
    "WavSink": "files",
    "WavSource": "files",
    "WavWriter": "wav_writer",
    "bytes_from_samples": "samples",
    "devices_available": "devices",
    "last_voiced_frame_end_ms": "speech_detector",
    "list_devices": "device_list",
    "read_wav": "wav_reader",
    "samples_from_bytes": "samples",
    "write_wav": "wav_writer",
}


def __getattr__(name: str) -> object:
    module_name = _MODULE_OF_NAME.get(name)
    if module_name is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{module_name}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
