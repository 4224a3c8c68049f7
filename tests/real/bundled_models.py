"""Where the bundled models are; fetched if they are not there yet."""

from __future__ import annotations

from pathlib import Path

from duologue.agent.speech.local import LocalModels
from duologue.agent.speech.models import (
    BUNDLED_MODELS,
    PIPER_EN_US_JOE_MEDIUM,
    SMOLLM2_135M_INSTRUCT,
    WHISPER_TINY_EN,
    LineReport,
    Model,
    ensure,
    model_folder,
)


def bundled_models() -> LocalModels:
    """The models that `duologue talk` uses."""
    ensure(BUNDLED_MODELS, report=LineReport(print))
    return LocalModels(
        whisper=model_folder(WHISPER_TINY_EN),
        piper=_file(PIPER_EN_US_JOE_MEDIUM, ".onnx"),
        language_model=_file(SMOLLM2_135M_INSTRUCT, ".gguf"),
    )


def _file(model: Model, ending: str) -> Path:
    (name,) = (file.name for file in model.files if file.name.endswith(ending))
    return model_folder(model) / name
