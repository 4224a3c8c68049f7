"""An agent's definition: what it says, how it hears and speaks, and when it takes its turn.

It has ElevenLabs' own shape. It is read from a YAML or JSON file, and one conversation may change
some of it.
"""

from duologue.agent.definition.files import (
    ReadDefinition,
    load_definition,
    load_definitions,
    read_definitions,
)
from duologue.agent.definition.overrides import (
    render_header,
    render_text,
    rendered_chars,
    with_overrides,
)
from duologue.agent.definition.schema import (
    CLIENT_EVENTS_BY_DEFAULT,
    DEFAULT_DEFINITION,
    NEVER,
    Agent,
    AgentDefinition,
    Asr,
    Auth,
    ClientTool,
    ConversationConfig,
    ConversationLimits,
    CustomLlm,
    DynamicVariable,
    DynamicVariables,
    PlatformSettings,
    Prompt,
    Tts,
    Turn,
)
from duologue.agent.definition.unused import uncallable_tools, unused_settings

__all__ = [
    "CLIENT_EVENTS_BY_DEFAULT",
    "DEFAULT_DEFINITION",
    "NEVER",
    "Agent",
    "AgentDefinition",
    "Asr",
    "Auth",
    "ClientTool",
    "ConversationConfig",
    "ConversationLimits",
    "CustomLlm",
    "DynamicVariable",
    "DynamicVariables",
    "PlatformSettings",
    "Prompt",
    "ReadDefinition",
    "Tts",
    "Turn",
    "load_definition",
    "load_definitions",
    "read_definitions",
    "render_header",
    "render_text",
    "rendered_chars",
    "uncallable_tools",
    "unused_settings",
    "with_overrides",
]
