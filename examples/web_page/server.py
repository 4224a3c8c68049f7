"""A web page whose visitors talk with an agent, without a client library in the page.

The page sends its microphone to a WebSocket of this server, as plain int16 samples at whatever rate
the browser has, and gets the agent's voice back in the same way. So the agent's address and its
key stay here, and each conversation can be watched, recorded and limited here.

    from the page   binary: sound
    to the page     binary: sound; text: {"role": …, "text": …}, or {"clear": true} to be silent

With an agent on this machine (`duologue serve` in another terminal):

    python examples/web_page/server.py

With a public agent of yours at ElevenLabs:

    python examples/web_page/server.py agent_… --origin wss://api.elevenlabs.io

Then open http://127.0.0.1:8000. From another machine browsers give a page their microphone over
HTTPS only. It needs FastAPI and uvicorn, which `pip install "duologue[agent]"` brings.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Query, WebSocket, WebSocketDisconnect, status
from fastapi.responses import FileResponse

from duologue import Conversation, DuologueError
from duologue.audio import PushedMicrophone, TimedSpeaker
from duologue.dialogue.values import Message

FOLDER = Path(__file__).parent
MESSAGE_LIMIT_BYTES = 64 * 1024

logger = logging.getLogger("web_page")


def is_own_page(socket: WebSocket) -> bool:
    """Whether it is our page that asks: browsers let any page open a WebSocket to any server."""
    origin = socket.headers.get("origin", "")
    return origin.partition("://")[2] == socket.headers.get("host")


async def talk(socket: WebSocket, agent_id: str, origin: str, rate_hz: int) -> None:
    """Let a visitor talk with the agent until one of them ends it."""
    microphone, speaker = PushedMicrophone(rate_hz), TimedSpeaker(rate_hz)

    async def show(message: Message) -> None:
        await socket.send_json({"role": message.role, "text": message.text})

    async def be_silent(_: object) -> None:
        await socket.send_json({"clear": True})

    sending = asyncio.create_task(send_sound(socket, speaker))
    try:
        async with Conversation.start_session(
            agent_id=agent_id,
            origin=origin,
            microphone=microphone,
            speaker=speaker,
            on_message=show,
            on_interruption=be_silent,
        ):
            async for sound in socket.iter_bytes():
                microphone.push(sound)
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, WebSocketDisconnect):
            await sending


async def send_sound(socket: WebSocket, speaker: TimedSpeaker) -> None:
    """Let the visitor hear the agent; when the conversation is over, so is the connection."""
    async for block in speaker:
        await socket.send_bytes(block)
    await socket.close()


def create_app(agent_id: str, origin: str) -> FastAPI:
    """The page, and the WebSocket for its sound."""
    app = FastAPI()

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(FOLDER / "page.html")

    @app.get("/sound.js")
    async def sound() -> FileResponse:
        return FileResponse(FOLDER / "sound.js")

    @app.websocket("/talk")
    async def talk_with(
        socket: WebSocket, rate: Annotated[int, Query(ge=8_000, le=96_000)]
    ) -> None:
        if not is_own_page(socket):
            logger.warning("Refused a page of %s", socket.headers.get("origin"))
            await socket.close(status.WS_1008_POLICY_VIOLATION)
            return
        await socket.accept()
        try:
            await talk(socket, agent_id, origin, rate)
        except DuologueError as error:
            logger.error("No conversation: %s", error)
            await socket.close(status.WS_1011_INTERNAL_ERROR, "The agent cannot be reached.")

    return app


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A web page whose visitors talk with an agent.")
    parser.add_argument("agent_id", nargs="?", default="default")
    parser.add_argument(
        "--origin", default=os.environ.get("DUOLOGUE_ORIGIN", "http://127.0.0.1:8080")
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO)
    uvicorn.run(
        create_app(arguments.agent_id, arguments.origin),
        host=arguments.host,
        port=arguments.port,
        ws_max_size=MESSAGE_LIMIT_BYTES,
        timeout_graceful_shutdown=5,
    )
