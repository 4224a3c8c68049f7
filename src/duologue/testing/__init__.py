"""Stand-ins for tests: scripted agents, a microphone and a speaker in memory, a virtual clock.

The names below are loaded when they are used: a test of a client needs nothing of the agent.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duologue.testing.memory_agent import MemoryAgent
    from duologue.testing.memory_devices import MemoryMicrophone, MemorySpeaker
    from duologue.testing.script import (
        Begin,
        Close,
        Expect,
        Listen,
        Say,
        Script,
        ScriptFailed,
        Step,
        Vanish,
        Wait,
        play,
    )
    from duologue.testing.scripted_agent import ScriptedAgent
    from duologue.testing.scripted_call import DEFAULT_METADATA, ClientGone, ScriptedCall
    from duologue.testing.scripted_speech import ModelBehaviour, ScriptedSpeech
    from duologue.testing.virtual_clock import VirtualClock

__all__ = [
    "DEFAULT_METADATA",
    "Begin",
    "ClientGone",
    "Close",
    "Expect",
    "Listen",
    "MemoryAgent",
    "MemoryMicrophone",
    "MemorySpeaker",
    "ModelBehaviour",
    "Say",
    "Script",
    "ScriptFailed",
    "ScriptedAgent",
    "ScriptedCall",
    "ScriptedSpeech",
    "Step",
    "Vanish",
    "VirtualClock",
    "Wait",
    "play",
]

_HOMES = {
    "memory_agent": ["MemoryAgent"],
    "memory_devices": ["MemoryMicrophone", "MemorySpeaker"],
    "script": [
        "Begin",
        "Close",
        "Expect",
        "Listen",
        "Say",
        "Script",
        "ScriptFailed",
        "Step",
        "Vanish",
        "Wait",
        "play",
    ],
    "scripted_agent": ["ScriptedAgent"],
    "scripted_call": ["DEFAULT_METADATA", "ClientGone", "ScriptedCall"],
    "scripted_speech": ["ModelBehaviour", "ScriptedSpeech"],
    "virtual_clock": ["VirtualClock"],
}

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
