"""The other side of a conversation: a server that speaks the protocol.

The names below are loaded when they are used: importing this package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duologue.agent.access.keys import KeyFile, ServerKey
    from duologue.agent.access.signatures import ConversationSigner
    from duologue.agent.app import create_app
    from duologue.agent.call.carrier import Carrier
    from duologue.agent.call.conversation import Call
    from duologue.agent.call.engine.turn_timing import TurnTiming
    from duologue.agent.call.opening import CallPlan, plan_call
    from duologue.agent.definition import (
        DEFAULT_DEFINITION,
        AgentDefinition,
        load_definition,
        load_definitions,
    )
    from duologue.agent.limits import CallLimits, DoorLimits
    from duologue.agent.listener import listen, url_of
    from duologue.agent.rooms.livekit_server import running_livekit_server
    from duologue.agent.rooms.process import run_worker
    from duologue.agent.server import run_server
    from duologue.agent.settings import AgentSettings, LiveKitSettings, ServerSettings
    from duologue.agent.speech.local import LocalModels, LocalSpeech
    from duologue.agent.speech.stack import (
        CallSpeechOptions,
        LanguageModelEndpoint,
        SessionParts,
        SpeechStack,
    )

__all__ = [
    "DEFAULT_DEFINITION",
    "AgentDefinition",
    "AgentSettings",
    "Call",
    "CallLimits",
    "CallPlan",
    "CallSpeechOptions",
    "Carrier",
    "ConversationSigner",
    "DoorLimits",
    "KeyFile",
    "LanguageModelEndpoint",
    "LiveKitSettings",
    "LocalModels",
    "LocalSpeech",
    "ServerKey",
    "ServerSettings",
    "SessionParts",
    "SpeechStack",
    "TurnTiming",
    "create_app",
    "listen",
    "load_definition",
    "load_definitions",
    "plan_call",
    "run_server",
    "run_worker",
    "running_livekit_server",
    "url_of",
]

_MODULES = {
    "app": ("create_app",),
    "access.signatures": ("ConversationSigner",),
    "call.conversation": ("Call",),
    "call.carrier": ("Carrier",),
    "limits": ("CallLimits", "DoorLimits"),
    "call.opening": ("CallPlan", "plan_call"),
    "call.engine.turn_timing": ("TurnTiming",),
    "definition": (
        "DEFAULT_DEFINITION",
        "AgentDefinition",
        "load_definition",
        "load_definitions",
    ),
    "access.keys": ("KeyFile", "ServerKey"),
    "listener": ("listen", "url_of"),
    "rooms.livekit_server": ("running_livekit_server",),
    "server": ("run_server",),
    "settings": ("AgentSettings", "LiveKitSettings", "ServerSettings"),
    "speech.local": ("LocalModels", "LocalSpeech"),
    "speech.stack": (
        "CallSpeechOptions",
        "LanguageModelEndpoint",
        "SessionParts",
        "SpeechStack",
    ),
    "rooms.process": ("run_worker",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
