"""A conversation in writing: lines are typed or piped in, answers appear as they are written."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, Final

import typer

from duologue import Conversation, TextConversation
from duologue.cli.talk.options import TalkOptions, raise_if_lost, show_error
from duologue.cli.talk.transcript import Transcript
from duologue.dialogue.values import Message
from duologue.protocol.server_events import AgentChatResponsePartEvent

GREETING_LIMIT_S: Final = 3.0
"""How long the first line waits for a greeting, so that the two are not mixed up."""

ANSWER_LIMIT_S: Final = 60.0
"""How long a line waits for its answer."""

LINES_AHEAD: Final = 100
"""How many lines are read before they can be sent."""


class AnswerPrinter:
    """Prints answers as their parts arrive, and tells when one is complete."""

    def __init__(self) -> None:
        self._has_begun = False
        self.complete = asyncio.Event()

    def part(self, part: AgentChatResponsePartEvent) -> None:
        """Print a piece of an answer."""
        if part.text:
            self._print(part.text)

    def message(self, message: Message) -> None:
        """Complete an answer; one that came without parts is printed whole."""
        if message.role != "agent":
            return
        if not self._has_begun:
            self._print(message.text)
        typer.echo()
        self._has_begun = False
        self.complete.set()

    async def answered(self, limit_s: float) -> bool:
        """Wait until an answer is complete; False if none is within the limit."""
        try:
            async with asyncio.timeout(limit_s):
                await self.complete.wait()
        except TimeoutError:
            return False
        return True

    def _print(self, text: str) -> None:
        if not self._has_begun:
            typer.echo("agent: ", nl=False)
            self._has_begun = True
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
            **options.agent,
            on_message=show,
            on_agent_chat_response_part=printer.part,
            on_agent_response_correction=transcript.correct,
            on_error=show_error,
        ) as conversation:
            await _until_ended(conversation, _exchange(conversation, printer, transcript))
    raise_if_lost(conversation.disconnection)


async def _until_ended(conversation: TextConversation, work: Coroutine[Any, Any, None]) -> None:
    """Do the work, or give it up as soon as the conversation has ended."""
    working = asyncio.create_task(work)
    ended = asyncio.create_task(conversation.wait_until_ended())
    await asyncio.wait([working, ended], return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not working.done():
        working.cancel()
        return
    working.result()


async def _exchange(
    conversation: TextConversation, printer: AnswerPrinter, transcript: Transcript
) -> None:
    """Send one line after another, each once the one before has been answered."""
    await printer.answered(GREETING_LIMIT_S)
    async for line in standard_input_lines():
        printer.complete.clear()
        conversation.send_user_message(line)
        transcript.write(conversation.transcript[-1])
        if not await printer.answered(ANSWER_LIMIT_S):
            typer.echo(f"duologue: no answer came within {ANSWER_LIMIT_S:g} s", err=True)


async def standard_input_lines() -> AsyncIterator[str]:
    """The lines of the standard input that are not empty, as they come, until it ends.

    A thread reads them: no event loop can wait for a terminal, a file and a pipe alike. It is a
    daemon, because nothing can wake it from a read when the conversation ends first.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue(LINES_AHEAD)

    def put(line: str | None) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    def read() -> None:
        with suppress(RuntimeError, CancelledError):  # the conversation has ended, and its loop
            for line in sys.stdin:
                put(line)
            put(None)

    threading.Thread(target=read, name="duologue standard input", daemon=True).start()
    while (line := await lines.get()) is not None:
        if line.strip():
            yield line.strip()
