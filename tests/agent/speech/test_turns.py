import pytest
from livekit.agents import inference

from duologue.agent.speech.turns import MIN_SILENCE_S, Eagerness, connect_options, turn_handling


@pytest.mark.parametrize("eagerness", Eagerness)
def test_the_turn_is_never_taken_before_the_end_of_speech_can_be_seen(
    eagerness: Eagerness,
) -> None:
    endpointing = turn_handling(eagerness)["endpointing"]
    assert MIN_SILENCE_S <= endpointing["min_delay"] <= endpointing["max_delay"]


def test_the_more_eager_the_sooner() -> None:
    delays = [
        turn_handling(eagerness)["endpointing"]["min_delay"]
        for eagerness in (Eagerness.EAGER, Eagerness.NORMAL, Eagerness.PATIENT)
    ]
    assert delays == sorted(delays)


def test_what_the_environment_says_does_not_bring_a_service_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIVEKIT_DEV_MODE", "1")
    monkeypatch.setenv("LIVEKIT_REMOTE_EOT_URL", "https://cloud.example")
    monkeypatch.setenv("LIVEKIT_INFERENCE_URL", "https://cloud.example")
    monkeypatch.setenv("LIVEKIT_API_KEY", "key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "secret")
    handling = turn_handling(Eagerness.NORMAL)
    detector = handling["turn_detection"]
    assert isinstance(detector, inference.TurnDetector)
    assert detector.model == "turn-detector-v1-mini"
    assert handling["interruption"]["mode"] == "vad"


def test_one_failure_that_cannot_be_mended_ends_the_call() -> None:
    assert connect_options().max_unrecoverable_errors == 0
