"""A conversation through microphone and speaker, shown as it goes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypedDict

from rich.console import Console
from rich.live import Live

from duologue import Conversation, ErrorReport, Message, VoiceConversation
from duologue.audio import Sink
from duologue.audio.files.tap import SwitchableTap
from duologue.cli.talk.display import Display
from duologue.cli.talk.options import (
    OUTPUT_RATE_HZ,
    TalkOptions,
    raise_if_lost,
    show_error,
)
from duologue.protocol.server_events import AgentResponseCorrectionEvent

_REFRESHES_PER_S: Final = 15


class DeviceOptions(TypedDict, total=False):
    """The microphone and the speaker, as options of a session."""

    input_device_id: str
    output_device_id: str
    speaker: Sink


async def talk_live(options: TalkOptions) -> None:
    """Talk until Ctrl-C, or until the agent ends the conversation.

    Raises:
        DeviceError: the microphone or the speaker cannot be opened.
        SessionConnectionError: the conversation cannot begin, or was lost.
    """
    console = Console()
    display = Display()
    with options.open_transcript() as transcript:

        def show(message: Message) -> None:
            display.message(message)
            transcript.write(message)

        def correct(correction: AgentResponseCorrectionEvent) -> None:
            display.correction(correction)
            transcript.correct(correction)

        def fail(report: ErrorReport) -> None:
            if not display.device_failed(report):
                show_error(report)

        async with Conversation.start_session(
            **options.agent,
            **_devices(options),
            **options.sound,
            on_message=show,
            on_agent_response_correction=correct,
            on_turn_metrics=display.turn,
            on_device_change=display.device_changed,
            on_error=fail,
        ) as conversation:
            with (
                _ended_by_interrupt(conversation),
                Live(console=console, auto_refresh=False) as live,
            ):
                while conversation.is_open():
                    live.update(display.render(conversation), refresh=True)
                    await asyncio.sleep(1 / _REFRESHES_PER_S)
                # It is over only when the devices have been closed.
                await conversation.wait_until_ended()
                live.update(display.render(conversation), refresh=True)
    raise_if_lost(conversation.disconnection)


def _devices(options: TalkOptions) -> DeviceOptions:
    chosen: DeviceOptions = {}
    if options.microphone is not None:
        chosen["input_device_id"] = options.microphone
    if options.output is not None:
        from duologue.audio.devices.live import LiveSpeaker  # loads what opens devices

        speaker = LiveSpeaker(options.speaker, sample_rate_hz=OUTPUT_RATE_HZ)
        chosen["speaker"] = SwitchableTap(speaker, options.output)
    elif options.speaker is not None:
        chosen["output_device_id"] = options.speaker
    return chosen


@contextmanager
def _ended_by_interrupt(conversation: VoiceConversation) -> Iterator[None]:
    """Let Ctrl-C end the conversation as its regular end, while the block runs."""
    loop = asyncio.get_running_loop()
    endings: set[asyncio.Task[None]] = set()

    def end() -> None:
        endings.add(asyncio.create_task(conversation.end_session()))

    with suppress(NotImplementedError):  # Windows: there Ctrl-C cancels, and that ends it, too
        loop.add_signal_handler(signal.SIGINT, end)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
