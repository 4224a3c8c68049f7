"""A user's program that talks with a private agent, without a key of the agent's server.

It asks the back end (`back_end.py` beside this file) for a signed URL, and starts the session with
it. The URL names server and agent, so there is nothing else to configure:

    APP_TOKEN=a-token-of-yours python examples/private_agent/client.py

To speak instead of writing, leave `text_only` out. (An agent at ElevenLabs has to allow the
override "text only".)
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

import aiohttp

from duologue import Conversation, DuologueError, Message

ANSWER_LIMIT_S = 60.0


async def signed_url_from(back_end: str, token: str) -> str:
    """Ask the back end for a signed URL. It is a secret: show it nowhere.

    Raises:
        aiohttp.ClientError: the back end cannot be reached, or refuses.
    """
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(raise_for_status=True) as http,
        http.post(f"{back_end}/signed-url", headers=headers) as response,
    ):
        answer = await response.json()
        return str(answer["signed_url"])


async def main(arguments: argparse.Namespace) -> None:
    answered = asyncio.Event()

    def show(message: Message) -> None:
        if message.role == "agent":
            print(f"agent: {message.text}")
            answered.set()

    signed_url = await signed_url_from(arguments.back_end, os.environ.get("APP_TOKEN", ""))
    async with (
        asyncio.timeout(ANSWER_LIMIT_S),
        Conversation.start_session(
            signed_url=signed_url, text_only=True, on_message=show
        ) as conversation,
    ):
        print(f"user: {arguments.question}")
        conversation.send_user_message(arguments.question)
        await answered.wait()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ask a private agent something.")
    parser.add_argument("--back-end", default="http://127.0.0.1:8000")
    parser.add_argument("--question", default="What is the capital of France?")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        asyncio.run(main(parse_arguments()))
    except KeyboardInterrupt:
        pass
    except TimeoutError:
        sys.exit(f"The agent gave no answer within {ANSWER_LIMIT_S:g} s.")
    except aiohttp.ClientError as error:
        sys.exit(f"The back end gave no signed URL: {error}")
    except DuologueError as error:
        sys.exit(str(error))
