import json
from pathlib import Path

import onnx
import pytest

from duologue.agent.speech.piper_model import PiperModel

SETTINGS = {
    "audio": {"sample_rate": 22_050},
    "espeak": {"voice": "en-us"},
    "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
    "num_symbols": 3,
    "num_speakers": 1,
    "phoneme_id_map": {"_": [0], "^": [1], "$": [2]},
}


def test_a_model_that_is_no_voice_with_one_speaker_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "voice.onnx"
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Ceil", ["input"], ["latent"], name="/Ceil"),
            onnx.helper.make_node("Add", ["latent", "sid"], ["output"], name="/dec/Add"),
            onnx.helper.make_node("Neg", ["input"], ["sid"], name="/emb_g/Gather"),
        ],
        "voice",
        [onnx.helper.make_tensor_value_info("input", kind, [1])],
        [onnx.helper.make_tensor_value_info("output", kind, [1])],
    )
    onnx.save(onnx.helper.make_model(graph), path)
    Path(f"{path}.json").write_text(json.dumps(SETTINGS))
    with pytest.raises(ValueError, match=r"one speaker .* found 2 and 1"):
        PiperModel(path, threads=1)
