"""The other side of a conversation: a server that speaks the protocol.

The names below are loaded when they are used: importing this package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duologue.agent.app import create_app
    from duologue.agent.call import Call
    from duologue.agent.carrier import Carrier
    from duologue.agent.definition import (
        DEFAULT_DEFINITION,
        AgentDefinition,
        load_definition,
        load_definitions,
    )
    from duologue.agent.limits import CallLimits
    from duologue.agent.opening import CallPlan, plan_call
    from duologue.agent.server import run_server
    from duologue.agent.settings import ServerSettings
    from duologue.agent.speech.local import LocalModels, LocalSpeech
    from duologue.agent.speech.stack import (
        CallSpeechOptions,
        LanguageModelEndpoint,
        SessionParts,
        SpeechStack,
    )
    from duologue.agent.turn_timing import TurnTiming

__all__ = [
    "DEFAULT_DEFINITION",
    "AgentDefinition",
    "Call",
    "CallLimits",
    "CallPlan",
    "CallSpeechOptions",
    "Carrier",
    "LanguageModelEndpoint",
    "LocalModels",
    "LocalSpeech",
    "ServerSettings",
    "SessionParts",
    "SpeechStack",
    "TurnTiming",
    "create_app",
    "load_definition",
    "load_definitions",
    "plan_call",
    "run_server",
]

_MODULES = {
    "app": ("create_app",),
    "call": ("Call",),
    "carrier": ("Carrier",),
    "definition": (
        "DEFAULT_DEFINITION",
        "AgentDefinition",
        "load_definition",
        "load_definitions",
    ),
    "limits": ("CallLimits",),
    "opening": ("CallPlan", "plan_call"),
    "server": ("run_server",),
    "settings": ("ServerSettings",),
    "speech.local": ("LocalModels", "LocalSpeech"),
    "speech.stack": (
        "CallSpeechOptions",
        "LanguageModelEndpoint",
        "SessionParts",
        "SpeechStack",
    ),
    "turn_timing": ("TurnTiming",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
