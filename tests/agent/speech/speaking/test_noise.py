from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest

from duologue.agent.speech.speaking.noise import NOISE_VALUES, fix_noise

FLOAT = onnx.TensorProto.FLOAT

Floats = npt.NDArray[np.float32]


def drawing(operation: str = "RandomNormalLike", **attributes: Any) -> onnx.ModelProto:
    """A model that draws twice, each time as many values as it is given."""
    make, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes = [
        make("Neg", ["input"], ["like"], name="/Neg"),
        make(operation, ["like"], ["first"], name="/first", dtype=FLOAT, **attributes),
        make("RandomNormalLike", ["like"], ["second"], name="/second", dtype=FLOAT),
    ]
    outputs = [value("first", FLOAT, None), value("second", FLOAT, None)]
    graph = onnx.helper.make_graph(nodes, "voice", [value("input", FLOAT, None)], outputs)
    return onnx.helper.make_model(
        graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 15)]
    )


def draws(model: onnx.ModelProto, *shapes: tuple[int, ...]) -> list[list[Floats]]:
    """What a session of a model draws, time after time."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return [session.run(None, {"input": np.ones(shape, np.float32)}) for shape in shapes]


def fixed(seed: int) -> onnx.ModelProto:
    model = drawing()
    fix_noise(model, seed)
    return model


def test_the_same_is_drawn_every_time_whatever_was_drawn_before() -> None:
    (first, second), _, (again, second_again) = draws(fixed(1), (1, 3, 50), (2, 9), (1, 3, 50))
    assert first.tolist() == again.tolist()
    assert second.tolist() == second_again.tolist()
    assert first.shape == second.shape == (1, 3, 50)
    assert first.tolist() != second.tolist()


def test_without_a_seed_it_is_not() -> None:
    (first, _), (again, _) = draws(drawing(), (1, 3, 50), (1, 3, 50))
    assert first.tolist() != again.tolist()


def test_another_seed_is_another_noise() -> None:
    ((one, _),) = draws(fixed(1), (100,))
    ((same, _),) = draws(fixed(1), (100,))
    ((other, _),) = draws(fixed(2), (100,))
    assert one.tolist() == same.tolist()
    assert one.tolist() != other.tolist()


def test_the_noise_is_what_the_model_would_draw() -> None:
    ((noise, _),) = draws(fixed(1), (192, 500))
    assert float(noise.mean()) == pytest.approx(0, abs=0.02)
    assert float(noise.std()) == pytest.approx(1, abs=0.02)


def test_more_than_there_is_begins_anew() -> None:
    ((noise, _),) = draws(fixed(1), (NOISE_VALUES + 100,))
    assert noise[NOISE_VALUES:].tolist() == noise[:100].tolist()


@pytest.mark.parametrize(
    ("operation", "attributes"),
    [("RandomUniformLike", {}), ("RandomNormalLike", {"scale": 2.0})],
)
def test_a_model_that_draws_otherwise_is_refused(
    operation: str, attributes: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match=f"expected a voice .* found {operation}"):
        fix_noise(drawing(operation, **attributes), 1)
