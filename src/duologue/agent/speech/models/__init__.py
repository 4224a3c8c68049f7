"""The models that the agent hears, thinks and speaks with, and how they come to this machine.

`ensure` fetches what is missing before an agent starts, `pull` also repairs, `verify` checks.
"""

from duologue.agent.speech.models.fetch import default_sources, ensure, pull
from duologue.agent.speech.models.registry import (
    BUNDLED_MODELS,
    PIPER_EN_US_JOE_MEDIUM,
    SMOLLM2_135M_INSTRUCT,
    WHISPER_TINY_EN,
    FileCheck,
    FileState,
    Model,
    ModelFile,
    ModelKind,
    find_model,
    is_present,
    missing_files,
    model_folder,
    models_folder,
    verify,
)
from duologue.agent.speech.models.report import LineReport, PullReport, megabytes

__all__ = [
    "BUNDLED_MODELS",
    "PIPER_EN_US_JOE_MEDIUM",
    "SMOLLM2_135M_INSTRUCT",
    "WHISPER_TINY_EN",
    "FileCheck",
    "FileState",
    "LineReport",
    "Model",
    "ModelFile",
    "ModelKind",
    "PullReport",
    "default_sources",
    "ensure",
    "find_model",
    "is_present",
    "megabytes",
    "missing_files",
    "model_folder",
    "models_folder",
    "pull",
    "verify",
]
