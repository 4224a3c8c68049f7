"""A spoken conversation with a public agent.

Shows how a session is started, told about and ended, and how recordings stand in for microphone
and speaker. Speak, or let a recording ask; the agent, Ctrl-C or `--seconds` ends it.

With an agent on this machine (`duologue serve` in another terminal):

    python examples/public_agent.py
    python examples/public_agent.py --input question.wav --output reply.wav --seconds 20

With a public agent of yours at ElevenLabs:

    python examples/public_agent.py agent_… --origin wss://api.elevenlabs.io
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from contextlib import suppress

from duologue import Conversation, Disconnection, DuologueError, ErrorReport, Message
from duologue.audio import Microphone, Sink, Source, Speaker, WavSink, WavSource

RATE_HZ = 16_000
"""Most agents hear and speak at this rate, so that nothing has to be converted."""


async def main(arguments: argparse.Namespace) -> None:
    microphone: Source = Microphone(sample_rate_hz=RATE_HZ)
    speaker: Sink = Speaker(sample_rate_hz=RATE_HZ)
    if arguments.input:
        microphone = WavSource(arguments.input)
    if arguments.output:
        speaker = WavSink(arguments.output, RATE_HZ)
    async with Conversation.start_session(
        agent_id=arguments.agent_id,
        origin=arguments.origin,
        microphone=microphone,
        speaker=speaker,
        on_message=show_message,
        on_error=show_error,
        on_disconnect=show_end,
    ) as conversation:
        print(f"Speak; Ctrl-C ends the conversation {conversation.id}.")
        with suppress(TimeoutError):
            async with asyncio.timeout(arguments.seconds):
                await conversation.wait_until_ended()


def show_message(message: Message) -> None:
    print(f"{message.role}: {message.text}")


def show_error(report: ErrorReport) -> None:
    print(f"Something went wrong, and the conversation goes on: {report}", file=sys.stderr)


def show_end(end: Disconnection) -> None:
    print(f"Ended ({end.reason}). {end.message or ''}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speak with a public agent.")
    parser.add_argument("agent_id", nargs="?", default="default")
    parser.add_argument(
        "--origin", default=os.environ.get("DUOLOGUE_ORIGIN", "http://127.0.0.1:8080")
    )
    parser.add_argument("--input", help="a WAV file to play instead of the microphone")
    parser.add_argument("--output", help="a WAV file to write instead of the speaker")
    parser.add_argument("--seconds", type=float, help="end the conversation after so long")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        asyncio.run(main(parse_arguments()))
    except KeyboardInterrupt:
        pass  # leaving the `async with` has ended the session
    except DuologueError as error:
        sys.exit(str(error))
