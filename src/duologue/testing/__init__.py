"""Stand-ins for tests: a scripted agent, a microphone and a speaker in memory, scripted speech.

The names below are loaded when they are used: a test of a client needs nothing of the agent.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duologue.testing.memory_devices import MemoryMicrophone, MemorySpeaker
    from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
    from duologue.testing.scripted_speech import ModelBehaviour, ScriptedSpeech

__all__ = [
    "MemoryMicrophone",
    "MemorySpeaker",
    "ModelBehaviour",
    "ScriptedAgent",
    "ScriptedCall",
    "ScriptedSpeech",
]

_HOME_OF = {
    "MemoryMicrophone": "memory_devices",
    "MemorySpeaker": "memory_devices",
    "ModelBehaviour": "scripted_speech",
    "ScriptedAgent": "scripted_agent",
    "ScriptedCall": "scripted_agent",
    "ScriptedSpeech": "scripted_speech",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
