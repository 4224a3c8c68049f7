"""A conversation in which the user is a recording, played as if it were the microphone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sized
from typing import Final

import typer

from duologue import Conversation
from duologue.audio import ArraySink, Sink, WavSink, WavSource
from duologue.cli.talk.course import RecordedCourse, Step
from duologue.cli.talk.options import (
    OUTPUT_RATE_HZ,
    TalkOptions,
    raise_if_lost,
    show_error,
)
from duologue.conversation.voice import VoiceConversation
from duologue.dialogue.turns import TurnMetrics
from duologue.dialogue.values import Message, Mode
from duologue.protocol.server_events import InterruptionEvent

_LOOK_S: Final = 0.02


async def talk_recorded(options: TalkOptions, microphone: WavSource) -> None:
    """Play a question to the agent, and write and print what comes back.

    Args:
        microphone: the question; it has to be held.

    Raises:
        AudioFileError: the answer cannot be written.
        SessionConnectionError: the conversation cannot begin.
    """
    speaker: Sink = (
        WavSink(options.output, OUTPUT_RATE_HZ) if options.output else ArraySink(OUTPUT_RATE_HZ)
    )
    interruptions: list[InterruptionEvent] = []
    with options.open_transcript() as transcript:

        def show(message: Message) -> None:
            typer.echo(f"{message.role}: {message.text}")
            transcript.write(message)

        async with Conversation.start_session(
            **options.agent,
            **options.sound,
            microphone=microphone,
            speaker=speaker,
            on_message=show,
            on_agent_response_correction=transcript.correct,
            on_interruption=interruptions.append,
            on_error=show_error,
        ) as conversation:
            await _hold(
                conversation,
                microphone,
                interruptions,
                wait_for_greeting=options.wait_for_greeting,
            )
    for metrics in conversation.turn_metrics:
        typer.echo(_latency_line(metrics))
    raise_if_lost(conversation.disconnection)


async def _hold(
    conversation: VoiceConversation,
    microphone: WavSource,
    interruptions: Sized,
    *,
    wait_for_greeting: bool,
) -> None:
    """Play the file when it is time, and return when the conversation is over."""
    course = RecordedCourse(time.monotonic(), wait_for_greeting=wait_for_greeting)
    while conversation.is_open():
        match course.step(
            time.monotonic(),
            agent_speaks=conversation.mode is Mode.SPEAKING,
            file_ended=microphone.finished,
            user_finished_s=_user_finished_s(microphone),
            interruptions=len(interruptions),
        ):
            case Step.PLAY:
                microphone.begin()
            case Step.END:
                return
        await asyncio.sleep(_LOOK_S)


def _user_finished_s(microphone: WavSource) -> float | None:
    if microphone.began_at_s is None or microphone.last_voiced_ms is None:
        return None
    return microphone.began_at_s + microphone.last_voiced_ms / 1000


def _latency_line(metrics: TurnMetrics) -> str:
    latency_ms = metrics.latency_ms
    return json.dumps({"turn_latency_ms": None if latency_ms is None else round(latency_ms)})
