"""A Piper voice in two halves: one says how a sentence sounds, the other makes any part of it.

A voice is one ONNX graph, which gives the whole sound of a sentence at once. Most of the time goes
into its decoder, which makes 256 samples from each frame of what the rest has worked out. Cut off,
the decoder makes the beginning first: for a sentence of 2 s, 43 ms instead of 82 pass before that
can be heard, for one of 5 s, 80 instead of 211 (two cores).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from piper import PiperConfig, PiperVoice

CONTEXT_FRAMES: Final = 16
"""A frame's sound depends on this many frames on either side of it: by the sizes of the decoder's
convolutions on 11 where the voice's quality is medium or low, on 13 where it is high. So parts of
the sound are the same, to the last bit of 16, as the parts of the whole."""

DECODER: Final = "/dec/"
"""Piper's export names the decoder's nodes so, after its place in the model of VITS."""

SILENT: Final = frozenset("^$_ .,;:!?…-—–'\"”’“‘()¡¿")
"""Phonemes of Piper that are no sound: the sentence's ends, what is between phonemes, spaces, and
marks."""

FloatSamples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SentencePlan:
    """How a sentence sounds, before its sound is made.

    Attributes:
        latent: float32, 1 by channels by frames: what the decoder makes sound from.
        frames: how many of them.
        spoken_frames: after how many the last phoneme that is a sound is over.
    """

    latent: npt.NDArray[np.float32]
    frames: int
    spoken_frames: int


class PiperModel:
    """A voice with one speaker. Nothing here may be called from two threads at once.

    Args:
        path: the voice's `.onnx` file; `.onnx.json` stands beside it. Loading takes a second.
        threads: CPU threads of each half.

    Raises:
        Exception: there is no such voice; onnxruntime raises bare subclasses of it.
    """

    def __init__(self, path: Path, *, threads: int) -> None:
        settings = json.loads(Path(f"{path}.json").read_text("utf-8"))
        self._config = PiperConfig.from_dict(settings)
        model = onnx.load(path)
        self._latent_name, first, decoder = _halves(model)
        del model
        self._first = _session(first, threads)
        self._decoder = _session(decoder, threads)
        self._phonemes = PiperVoice(session=self._first, config=self._config)
        self._silent_ids = _ids(self._config.phoneme_id_map, SILENT)

    @property
    def sample_rate_hz(self) -> int:
        """Of the sound."""
        return int(self._config.sample_rate)

    @property
    def frame_samples(self) -> int:
        """How much sound a frame is."""
        return int(self._config.hop_length)

    def plan(self, text: str, *, speed: float = 1.0) -> list[SentencePlan]:
        """Work out how a text sounds, sentence by sentence; 1.0 is the voice's own speed."""
        return [
            self._plan_sentence(self._phonemes.phonemes_to_ids(phonemes), speed)
            for phonemes in self._phonemes.phonemize(text)
            if phonemes
        ]

    def sound(self, plan: SentencePlan, start: int, end: int) -> FloatSamples:
        """Make the sound of a sentence from one frame to another, 1.0 being full scale."""
        before = min(start, CONTEXT_FRAMES)
        latent = plan.latent[:, :, start - before : end + CONTEXT_FRAMES]
        sound: FloatSamples = self._decoder.run(None, {self._latent_name: latent})[0].reshape(-1)
        return sound[before * self.frame_samples :][: (end - start) * self.frame_samples]

    def _plan_sentence(self, ids: Sequence[int], speed: float) -> SentencePlan:
        config = self._config
        scales = (config.noise_scale, config.length_scale / speed, config.noise_w_scale)
        latent, durations = self._first.run(
            None,
            {
                "input": np.array([ids], dtype=np.int64),
                "input_lengths": np.array([len(ids)], dtype=np.int64),
                "scales": np.array(scales, dtype=np.float32),
            },
        )
        ends = np.cumsum(durations.reshape(-1)).astype(int)
        spoken = [end for id_, end in zip(ids, ends, strict=True) if id_ not in self._silent_ids]
        return SentencePlan(latent, latent.shape[-1], int(spoken[-1]) if spoken else 0)


def _session(model: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that spin while they wait take the core from whoever they wait for.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        model, sess_options=options, providers=["CPUExecutionProvider"]
    )


def _ids(phoneme_ids: Mapping[str, Sequence[int]], phonemes: Iterable[str]) -> frozenset[int]:
    return frozenset(id_ for phoneme in phonemes for id_ in phoneme_ids.get(phoneme, ()))


def _halves(model: onnx.ModelProto) -> tuple[str, bytes, bytes]:
    """Cut the graph; give the name of what passes from one half to the other, and both."""
    graph = model.graph
    is_decoder = {
        name: node.name.startswith(DECODER) for node in graph.node for name in node.output
    }
    latents = {
        name
        for node in graph.node
        if node.name.startswith(DECODER)
        for name in node.input
        if not is_decoder.get(name, True)
    }
    durations = [name for node in graph.node if node.op_type == "Ceil" for name in node.output]
    if len(latents) != 1 or len(durations) != 1:
        raise ValueError(
            f"expected a voice with one speaker as Piper exports it, in which one value enters "
            f"{DECODER} and one is rounded up, and found {len(latents)} and {len(durations)}"
        )
    latent = latents.pop()
    outputs = [output.name for output in graph.output]
    return latent, _part(model, (), (latent, *durations)), _part(model, (latent,), outputs)


def _part(model: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Give a model of what makes those outputs from these inputs and the model's own."""
    maker = {name: index for index, node in enumerate(model.graph.node) for name in node.output}
    needed: set[int] = set()
    looking_for = list(outputs)
    while looking_for:
        name = looking_for.pop()
        if name in inputs or name not in maker or maker[name] in needed:
            continue
        needed.add(maker[name])
        looking_for += model.graph.node[maker[name]].input
    nodes = [model.graph.node[index] for index in sorted(needed)]
    used = {name for node in nodes for name in node.input}
    graph = onnx.helper.make_graph(
        nodes,
        model.graph.name,
        [value for value in model.graph.input if value.name in used]
        + [_unknown(name) for name in inputs],
        [_unknown(name) for name in outputs],
        [value for value in model.graph.initializer if value.name in used],
    )
    part = onnx.helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version
    )
    return bytes(part.SerializeToString())


def _unknown(name: str) -> onnx.ValueInfoProto:
    # Of floats, in a shape that onnxruntime finds out by itself.
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
