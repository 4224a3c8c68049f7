"""A conversation in writing: lines are typed or piped in, answers appear as they are written."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from typing import Final

import typer

from duologue import Conversation, TextConversation
from duologue.cli.talk.options import TalkOptions, raise_if_lost, show_error
from duologue.dialogue.values import Message
from duologue.protocol.server_events import AgentChatResponsePartEvent

GREETING_LIMIT_S: Final = 3.0
"""How long the first line waits for a greeting, so that the two are not mixed up."""

ANSWER_LIMIT_S: Final = 60.0
"""How long a line waits for its answer."""


class AnswerPrinter:
    """Prints answers as their parts arrive, and tells when one is complete."""

    def __init__(self) -> None:
        self._printed = ""
        self.complete = asyncio.Event()

    def part(self, part: AgentChatResponsePartEvent) -> None:
        """Print a piece of an answer."""
        if part.type == "start" or not self._printed:
            self._begin()
        self._print(part.text)

    def message(self, message: Message) -> None:
        """Complete an answer: print what no part has brought."""
        if message.role != "agent":
            return
        if not self._printed:
            self._begin()
            self._print(message.text)
        typer.echo()
        self._printed = ""
        self.complete.set()

    def _begin(self) -> None:
        if not self._printed:
            typer.echo("agent: ", nl=False)

    def _print(self, text: str) -> None:
        self._printed += text
        typer.echo(text, nl=False)
        sys.stdout.flush()


async def talk_written(options: TalkOptions) -> None:
    """Send each line of the standard input, and print the answers, until it ends.

    Raises:
        SessionConnectionError: the conversation cannot begin.
    """
    printer = AnswerPrinter()
    with options.open_transcript() as transcript:

        def show(message: Message) -> None:
            printer.message(message)
            transcript.write(message)

        async with Conversation.start_session(
            text_only=True,
            **options.agent(),
            on_message=show,
            on_agent_chat_response_part=printer.part,
            on_error=show_error,
        ) as conversation:
            await _answered(printer, conversation, GREETING_LIMIT_S)
            async for line in standard_input_lines():
                if not conversation.is_open():
                    break
                printer.complete.clear()
                conversation.send_user_message(line)
                if not await _answered(printer, conversation, ANSWER_LIMIT_S):
                    typer.echo("duologue: no answer came within 60 s", err=True)
    raise_if_lost(conversation.disconnection)


async def _answered(printer: AnswerPrinter, conversation: TextConversation, limit_s: float) -> bool:
    """Wait until an answer is complete; False if the conversation or the limit ended first."""
    complete = asyncio.create_task(printer.complete.wait())
    ended = asyncio.create_task(conversation.wait_until_ended())
    done, waiting = await asyncio.wait(
        [complete, ended], timeout=limit_s, return_when=asyncio.FIRST_COMPLETED
    )
    for task in waiting:
        task.cancel()
    return complete in done or ended in done


async def standard_input_lines() -> AsyncIterator[str]:
    """The lines of the standard input that are not empty, as they come, until it ends.

    A thread reads them: no event loop can wait for a terminal, a file and a pipe alike. It is a
    daemon, because nothing can wake it from a read when the conversation ends first.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="duologue standard input", daemon=True).start()
    while (line := await lines.get()) is not None:
        if line.strip():
            yield line.strip()
