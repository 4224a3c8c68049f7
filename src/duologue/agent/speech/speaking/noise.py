"""Takes the chance out of a Piper voice: what it draws anew for every sentence becomes a constant.

A voice draws noise twice, for how long its phonemes last and for how each frame sounds. With the
same noise a text has the same sound every time, whatever was said before it or beside it. A seed of
onnxruntime would not do: each sentence would go on where the one before it had stopped drawing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import onnx

DRAWING: Final = "RandomNormalLike"
"""The one random operation in what Piper exports; see the list of ONNX operators."""

NOISE_VALUES: Final = 1 << 18
"""As many as 15 s of speech need, at 192 for a frame; a longer sentence begins with them anew."""


def fix_noise(model: onnx.ModelProto, seed: int) -> None:
    """Let a model take its noise from constants that follow from a seed.

    Args:
        model: is changed.
        seed: a whole number from 0 on; another one is another noise.

    Raises:
        ValueError: the model draws in another way than Piper's export does.
    """
    others = [
        node.op_type
        for node in model.graph.node
        if node.op_type.startswith(("Random", "Bernoulli", "Multinomial"))
        and not _is_standard(node)
    ]
    if others:
        raise ValueError(
            f"expected a voice whose only random operation is {DRAWING}, as Piper exports it; "
            f"found {', '.join(others)}. Without a seed it can be used"
        )
    random = np.random.default_rng(seed)
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type == DRAWING:
            noise = random.standard_normal(NOISE_VALUES, dtype=np.float32)
            nodes += _reading(model.graph, node, noise)
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _is_standard(node: onnx.NodeProto) -> bool:
    """Whether a node draws floats with a mean of 0 and a deviation of 1, as many as it is given."""
    standard = {"dtype": onnx.TensorProto.FLOAT, "mean": 0.0, "scale": 1.0}
    return node.op_type == DRAWING and all(
        onnx.helper.get_attribute_value(attribute) == standard.get(attribute.name)
        for attribute in node.attribute
    )


def _reading(
    graph: onnx.GraphProto, node: onnx.NodeProto, noise: npt.NDArray[np.float32]
) -> list[onnx.NodeProto]:
    """Nodes that give what a node gives, from the beginning of the noise on."""

    def constant(name: str, value: npt.NDArray[np.generic]) -> str:
        graph.initializer.append(onnx.numpy_helper.from_array(value, f"{node.name}/{name}"))
        return f"{node.name}/{name}"

    def does(operation: str, *inputs: str, output: str | None = None) -> str:
        name = f"{node.name}/{operation}"  # a node's name tells the stage it belongs to
        output = output or f"{name}_output"
        nodes.append(onnx.helper.make_node(operation, inputs, [output], name=name))
        return output

    nodes: list[onnx.NodeProto] = []
    (wanted,) = node.input
    zero, one, length = (
        constant(name, np.array(value, np.int64))
        for name, value in (("zero", 0), ("one", 1), ("length", len(noise)))
    )
    places = does("Mod", does("Range", zero, does("Size", wanted), one), length)
    values = does("Gather", constant("noise", noise), places)
    does("Reshape", values, does("Shape", wanted), output=node.output[0])
    return nodes
