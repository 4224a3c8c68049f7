"""What happens when nobody speaks."""

import asyncio

import pytest

from duologue.agent.call.engine.silence import Silence
from duologue.agent.definition import Turn


@pytest.fixture
def happened() -> list[str]:
    return []


def watch(happened: list[str], **turn: float) -> Silence:
    return Silence(
        Turn.model_validate(turn),
        speak_again=lambda: happened.append("speak"),
        end_call=lambda: happened.append("end"),
    )


async def test_the_agent_speaks_again_and_then_ends_the_call(happened: list[str]) -> None:
    silence = watch(happened, turn_timeout=0.01, silence_end_call_timeout=0.03)
    silence.begins()
    await asyncio.sleep(0.06)
    assert happened == ["speak", "end"]


async def test_it_speaks_again_once_until_the_user_acts(happened: list[str]) -> None:
    silence = watch(happened, turn_timeout=0.01)
    for _ in range(2):
        silence.begins()
        await asyncio.sleep(0.02)
    assert happened == ["speak"]
    silence.user_acts()
    silence.begins()
    await asyncio.sleep(0.02)
    assert happened == ["speak", "speak"]


async def test_speech_ends_the_silence(happened: list[str]) -> None:
    silence = watch(happened, turn_timeout=0.01, silence_end_call_timeout=0.01)
    silence.begins()
    silence.ends()
    await asyncio.sleep(0.03)
    assert happened == []


async def test_never_is_never(happened: list[str]) -> None:
    silence = watch(happened, turn_timeout=-1, silence_end_call_timeout=-1)
    silence.begins()
    await asyncio.sleep(0.02)
    assert happened == []
