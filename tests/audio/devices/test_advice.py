from __future__ import annotations

import miniaudio
import pytest

from duologue.audio.devices.advice import Obstacle, advice, obstacle_of


@pytest.mark.parametrize(
    ("result", "obstacle"),
    [
        (-6, Obstacle.DENIED),
        (-19, Obstacle.BUSY),
        (-22, Obstacle.BUSY),
        (-204, Obstacle.MISSING),
        (-203, Obstacle.NO_SOUND_SYSTEM),
        (-1, Obstacle.UNKNOWN),
    ],
)
def test_the_result_of_the_sound_system_is_understood(result: int, obstacle: Obstacle) -> None:
    error = miniaudio.MiniaudioError("failed to init device", result)
    assert obstacle_of(error) is obstacle


def test_an_error_without_a_result_is_unknown() -> None:
    assert obstacle_of(miniaudio.MiniaudioError("no suitable audio backend found")) is (
        Obstacle.UNKNOWN
    )
    assert obstacle_of(miniaudio.MiniaudioError()) is Obstacle.UNKNOWN


@pytest.mark.parametrize(
    ("platform", "obstacle", "part"),
    [
        ("linux", Obstacle.DENIED, "group 'audio'"),
        ("linux", Obstacle.NO_SOUND_SYSTEM, "PipeWire or PulseAudio"),
        ("freebsd14", Obstacle.BUSY, "pavucontrol"),
        ("darwin", Obstacle.DENIED, "System Settings > Privacy & Security > Microphone"),
        ("darwin", Obstacle.MISSING, "System Settings > Sound"),
        ("win32", Obstacle.DENIED, "Let desktop apps access your microphone"),
        ("win32", Obstacle.BUSY, "exclusive control"),
        ("win32", Obstacle.NO_SOUND_SYSTEM, "Windows Audio"),
    ],
)
def test_every_system_has_its_own_way(platform: str, obstacle: Obstacle, part: str) -> None:
    assert part in advice(obstacle, platform)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_there_is_a_sentence_for_everything(platform: str) -> None:
    sentences = [advice(obstacle, platform) for obstacle in Obstacle]
    assert len(set(sentences)) == len(Obstacle)
    assert all(sentence.endswith(".") for sentence in sentences)
