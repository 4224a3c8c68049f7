"""Cuts the ONNX graph of a Piper voice into the three stages that it has.

A voice is an export of VITS (arXiv 2106.06103). From the phonemes its first stage works out how
long each sounds, and what is to be heard in each frame of time. The flow makes of that the latent,
and the decoder makes sound of the latent. The last two only look at the frames near by, and so can
work on a part of a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import onnx

FLOW: Final = "/flow/"
DECODER: Final = "/dec/"
"""Piper's export names nodes after their place in the model: both stages by these beginnings."""


@dataclass(frozen=True)
class Stages:
    """The stages, each a model of its own for onnxruntime.

    Attributes:
        text: gives `frames`, then how many frames each phoneme lasts.
        flow: takes `frames`, gives `latent`.
        decoder: takes `latent`, gives the sound.
        frames: the names of what the flow takes; time is the last axis of each.
        latent: the name of what the decoder takes, with time as its last axis.
    """

    text: bytes
    flow: bytes
    decoder: bytes
    frames: tuple[str, ...]
    latent: str


def cut(model: onnx.ModelProto) -> Stages:
    """Cut the graph of a voice with one speaker.

    Raises:
        ValueError: it is not one as Piper exports it.
    """
    frames, latent = _enters(model, FLOW), _enters(model, DECODER)
    durations = [
        name for node in model.graph.node if node.op_type == "Ceil" for name in node.output
    ]
    if not frames or len(latent) != 1 or len(durations) != 1:
        raise ValueError(
            "expected a voice with one speaker, in which something enters "
            f"{FLOW}, one value {DECODER}, and one is rounded up; "
            f"found {len(frames)}, {len(latent)} and {len(durations)}"
        )
    outputs = [output.name for output in model.graph.output]
    return Stages(
        text=_part(model, (), (*frames, *durations)),
        flow=_part(model, frames, latent),
        decoder=_part(model, latent, outputs),
        frames=tuple(frames),
        latent=latent[0],
    )


def _enters(model: onnx.ModelProto, stage: str) -> list[str]:
    """Name what the nodes of a stage take from those before it, but for what never changes."""
    varies = {value.name for value in model.graph.input}
    from_stage: set[str] = set()
    entering: dict[str, None] = {}
    for node in model.graph.node:
        if not varies.intersection(node.input):
            continue
        varies.update(node.output)
        is_in_stage = node.name.startswith(stage)
        if is_in_stage:
            entering |= dict.fromkeys(varies.intersection(node.input) - from_stage)
        if is_in_stage or from_stage.intersection(node.input):
            from_stage.update(node.output)
    return list(entering)


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
        + [_floats(name) for name in inputs],
        [_floats(name) for name in outputs],
        [value for value in model.graph.initializer if value.name in used],
    )
    part = onnx.helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version
    )
    return bytes(part.SerializeToString())


def _floats(name: str) -> onnx.ValueInfoProto:
    # In a shape that onnxruntime finds out by itself.
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
