"""The options of a session: what a caller may ask for, checked before anything is opened."""

from duologue.conversation.options.accepted import CommonOptions, TextOptions, VoiceOptions
from duologue.conversation.options.initiation import ToolMockConfig
from duologue.conversation.options.orchestrator import Orchestrator, PostCallWebhook
from duologue.conversation.options.overrides import Overrides
from duologue.conversation.options.plan import SessionPlan, plan_session
from duologue.conversation.options.route import Route
from duologue.conversation.options.sound import SoundPlan
from duologue.conversation.options.transport import WebRtcOptions

__all__ = [
    "CommonOptions",
    "Orchestrator",
    "Overrides",
    "PostCallWebhook",
    "Route",
    "SessionPlan",
    "SoundPlan",
    "TextOptions",
    "ToolMockConfig",
    "VoiceOptions",
    "WebRtcOptions",
    "plan_session",
]
