"""A conversation without async: for scripts, threads and notebooks.

Shows `duologue.blocking`, which has the same options, callbacks and methods as the async
`Conversation`. Callbacks are called in a thread of their own; a queue brings what they hear to
the thread that asks.

With an agent on this machine (`duologue serve` in another terminal):

    python examples/blocking_use.py
    python examples/blocking_use.py --question "What do bees make?" --question "Who eats it?"

With a public agent of yours at ElevenLabs, which has to allow the override "text only":

    python examples/blocking_use.py agent_… --origin wss://api.elevenlabs.io
"""

from __future__ import annotations

import argparse
import os
import queue
import sys
from contextlib import suppress

from duologue import DuologueError, Message
from duologue.blocking import Conversation

GREETING_LIMIT_S = 3.0
"""How long the first question waits for a greeting, which would else be taken for its answer."""

ANSWER_LIMIT_S = 60.0


def main(arguments: argparse.Namespace) -> None:
    said: queue.Queue[str] = queue.Queue()

    def hear(message: Message) -> None:
        if message.role == "agent":
            said.put(message.text)

    with Conversation.start_session(
        agent_id=arguments.agent_id,
        origin=arguments.origin,
        text_only=True,
        on_message=hear,
    ) as conversation:
        with suppress(queue.Empty):
            print(f"agent: {said.get(timeout=GREETING_LIMIT_S)}")
        for question in arguments.question or ["What is the capital of France?"]:
            print(f"user: {question}")
            conversation.send_user_message(question)
            print(f"agent: {said.get(timeout=ANSWER_LIMIT_S)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ask an agent something, without async.")
    parser.add_argument("agent_id", nargs="?", default="default")
    parser.add_argument(
        "--origin", default=os.environ.get("DUOLOGUE_ORIGIN", "http://127.0.0.1:8080")
    )
    parser.add_argument("--question", action="append", help="may be given several times")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main(parse_arguments())
    except KeyboardInterrupt:
        pass
    except queue.Empty:
        sys.exit(f"The agent gave no answer within {ANSWER_LIMIT_S:g} s.")
    except DuologueError as error:
        sys.exit(str(error))
