"""The three real models, from the real sources into the user's own cache."""

from duologue.agent.speech.models import BUNDLED_MODELS, FileState, LineReport, pull, verify


def test_the_bundled_models_can_be_pulled_and_are_right() -> None:
    pull(BUNDLED_MODELS, report=LineReport(lambda line: None))
    states = {check.path.name: check.state for model in BUNDLED_MODELS for check in verify(model)}
    assert states == dict.fromkeys(states, FileState.OK)
    assert len(states) == sum(len(model.files) for model in BUNDLED_MODELS)
