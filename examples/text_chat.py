"""A chat in writing: lines are typed or piped in, the agent's answers are printed.

Shows a session with `text_only=True`, and that messages may be sent from any thread: one of its
own waits for the keyboard, so the event loop need not. The end of the input (Ctrl-D, on Windows
Ctrl-Z), Ctrl-C or the agent ends it.

With an agent on this machine (`duologue serve` in another terminal):

    python examples/text_chat.py
    echo "What is the capital of France?" | python examples/text_chat.py

With a public agent of yours at ElevenLabs, which has to allow the override "text only":

    python examples/text_chat.py agent_… --origin wss://api.elevenlabs.io
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading

from duologue import Conversation, ConversationEnded, DuologueError, Message, TextConversation

GREETING_LIMIT_S = 3.0
"""How long the first line waits for a greeting, which would else be taken for its answer."""

ANSWER_LIMIT_S = 60.0
"""How long every other line waits for the answer to the one before."""


async def main(arguments: argparse.Namespace) -> None:
    answered = threading.Event()

    def show(message: Message) -> None:
        if message.role == "agent":
            print(f"agent: {message.text}")
            answered.set()

    async with Conversation.start_session(
        agent_id=arguments.agent_id,
        origin=arguments.origin,
        text_only=True,
        on_message=show,
    ) as conversation:
        loop = asyncio.get_running_loop()
        input_ended = asyncio.Event()

        def read() -> None:
            send_lines(conversation, answered)
            loop.call_soon_threadsafe(input_ended.set)

        # A daemon: nothing could wake it from waiting for the keyboard if the agent ends the chat.
        threading.Thread(target=read, daemon=True).start()
        waiting = [
            asyncio.create_task(conversation.wait_until_ended()),
            asyncio.create_task(input_ended.wait()),
        ]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


def send_lines(conversation: TextConversation, answered: threading.Event) -> None:
    """Send the lines of the standard input, each once the one before has been answered."""
    answered.wait(GREETING_LIMIT_S)
    for line in filter(None, map(str.strip, sys.stdin)):
        answered.clear()
        try:
            conversation.send_user_message(line)
        except ConversationEnded:
            return
        answered.wait(ANSWER_LIMIT_S)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Chat with an agent in writing.")
    parser.add_argument("agent_id", nargs="?", default="default")
    parser.add_argument(
        "--origin", default=os.environ.get("DUOLOGUE_ORIGIN", "http://127.0.0.1:8080")
    )
    return parser.parse_args()


if __name__ == "__main__":
    try:
        asyncio.run(main(parse_arguments()))
    except KeyboardInterrupt:
        pass
    except DuologueError as error:
        sys.exit(str(error))
