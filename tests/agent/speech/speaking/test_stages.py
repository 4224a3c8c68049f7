import numpy as np
import onnx
import onnxruntime
import pytest

from duologue.agent.speech.speaking.stages import cut

FLOAT = onnx.TensorProto.FLOAT


def voice(*more: onnx.NodeProto) -> onnx.ModelProto:
    """A graph with the stages of a voice, each of a node or two."""
    make = onnx.helper.make_node
    nodes = [
        make("Constant", [], ["one"], name="/Constant", value_float=1.0),
        make("Ceil", ["input"], ["durations"], name="/Ceil"),
        make("Add", ["durations", "one"], ["prior"], name="/Add"),
        make("Sign", ["durations"], ["mask"], name="/Cast"),
        make("Add", ["prior", "one"], ["flowing"], name="/flow/Add"),
        make("Mul", ["flowing", "mask"], ["flowed"], name="/flow/Mul"),
        make("Mul", ["flowed", "mask"], ["latent"], name="/Mul"),
        make("Add", ["latent", "one"], ["output"], name="/dec/Add"),
        *more,
    ]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes, "voice", [value("input", FLOAT, [None])], [value("output", FLOAT, [None])]
    )
    return onnx.helper.make_model(
        graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 15)]
    )


def run(model: bytes, **inputs: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    results: list[np.ndarray] = session.run(None, inputs)
    return results


def test_the_stages_one_after_another_give_what_the_whole_gives() -> None:
    stages = cut(voice())
    assert set(stages.frames) == {"prior", "mask"}
    assert stages.latent == "latent"
    given = np.array([0.5, 2.0, -3.5, 0.0], dtype=np.float32)
    *frames, durations = run(stages.text, input=given)
    (latent,) = run(stages.flow, **dict(zip(stages.frames, frames, strict=True)))
    (sound,) = run(stages.decoder, latent=latent)
    (whole,) = run(voice().SerializeToString(), input=given)
    assert durations.tolist() == [1, 2, -3, 0]
    assert sound.tolist() == whole.tolist()
    assert len(set(whole.tolist())) == 4


def test_a_voice_with_several_speakers_is_refused() -> None:
    make = onnx.helper.make_node
    speaker = make("Neg", ["input"], ["speaker"], name="/emb_g/Gather")
    more = make("Add", ["latent", "speaker"], ["sound"], name="/dec/cond/Conv")
    with pytest.raises(ValueError, match=r"one speaker.* found 2, 2 and 1"):
        cut(voice(speaker, more))


def test_a_model_that_is_no_voice_is_refused() -> None:
    model = voice()
    for node in model.graph.node:
        node.name = ""
    with pytest.raises(ValueError, match=r"one speaker.* found 0, 0 and 1"):
        cut(model)
