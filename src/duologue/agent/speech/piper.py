"""Text to speech with Piper."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from piper import PiperConfig, PiperVoice
from piper.config import SynthesisConfig

from duologue.agent.speech.worker import ModelWorker
from duologue.errors import ModelError

MAX_WAITING = 16
LIMIT_S = 15.0
"""For one sentence, waiting for other calls included. Piper is ten times faster than speech."""

Samples = npt.NDArray[np.int16]


class PiperSynthesizer:
    """A Piper voice that any number of calls share.

    Args:
        model_path: the voice's `.onnx` file; `.onnx.json` stands beside it. Loading it here
            takes about half a second.
        threads: CPU threads of the model.

    Raises:
        ModelError: there is no voice that can be loaded.
    """

    def __init__(self, model_path: Path, *, threads: int = 2) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that spin while they wait take the core from whoever they wait for.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            settings = json.loads(Path(f"{model_path}.json").read_text("utf-8"))
            config = PiperConfig.from_dict(settings)
            session = onnxruntime.InferenceSession(
                str(model_path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # onnxruntime raises bare subclasses of Exception for a damaged file.
            raise ModelError(
                f"the voice {model_path} cannot be loaded ({error}); run `duologue models verify`"
            ) from error
        self._voice = PiperVoice(session=session, config=config)
        self._worker = ModelWorker("speech synthesis", max_waiting=MAX_WAITING)

    @property
    def sample_rate_hz(self) -> int:
        return int(self._voice.config.sample_rate)

    async def synthesize(self, text: str, speed: float = 1.0) -> Samples:
        """Return the mono sound of a clause or sentence; `speed` 1.0 is the voice's own.

        Cancelling drops the result; see `ModelWorker.run`.

        Raises:
            ModelError: the voice failed, is overloaded, or took too long.
        """
        return await self._worker.run(LIMIT_S, self._synthesize, text, speed)

    async def warm_up(self) -> None:
        """Speak once into the void: the first sentence of a process is slower."""
        await self.synthesize("Hello, I am here to help you.")

    def close(self) -> None:
        """Stop taking text; what is being spoken now is dropped."""
        self._worker.close()

    def _synthesize(self, text: str, speed: float) -> Samples:
        config = SynthesisConfig(length_scale=self._voice.config.length_scale / speed)
        try:
            chunks = [chunk.audio_int16_array for chunk in self._voice.synthesize(text, config)]
        except Exception as error:
            # Whatever the model raises on a text, the call must learn of it as one error.
            raise ModelError(f"the voice could not say {text!r}: {error}") from error
        return np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.int16)
