"""The agent's server as an ASGI application."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.websockets import WebSocket

from duologue.agent.auth import ConversationSigner
from duologue.agent.call.limits import CallLimits
from duologue.agent.call.reception import Reception
from duologue.agent.conversation_url import CONVERSATION_PATH
from duologue.agent.definition import AgentDefinition
from duologue.agent.keys import KeyFile, keys_file
from duologue.agent.room import RoomCalls
from duologue.agent.room_tokens import room_token_router
from duologue.agent.rooms import AGENT_IDENTITY, WORKER_NAME, Rooms
from duologue.agent.settings import LiveKitSettings
from duologue.agent.signed_urls import signed_url_router
from duologue.agent.socket import ConversationSocket
from duologue.agent.speech.stack import SpeechStack
from duologue.agent.worker import Worker
from duologue.errors import DuologueError


def create_app(
    definitions: Mapping[str, AgentDefinition],
    speech: SpeechStack,
    limits: CallLimits | None = None,
    *,
    keys: KeyFile | None = None,
    signer: ConversationSigner | None = None,
    livekit: LiveKitSettings | None = None,
) -> FastAPI:
    """An application that serves these agents.

    Its lifespan loads the models and frees them. An error that keeps it from starting is left in
    `app.state.start_error`, because servers tell only that there was one. Whoever stops the server
    calls `app.state.hang_up` first, or else calls end without the contract's code.

    Args:
        definitions: the agents by their ids.
        speech: the models; started and closed by the application.
        limits: the bounds of each call; None takes those of the contract.
        keys: who may get signed URLs for private agents; None takes those of this machine.
        signer: signs these URLs; None takes one with a random secret.
        livekit: the LiveKit server for calls over WebRTC; None leaves them out.
    """

    reception = Reception(speech, limits or CallLimits())
    rooms = Rooms(livekit) if livekit is not None else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            await speech.start()
        except DuologueError as error:
            app.state.start_error = error
            raise
        # A full collection over everything that was imported stops the loop for 0.1 s, in the
        # middle of somebody's sentence. What is frozen is not looked at again.
        gc.collect()
        gc.freeze()
        try:
            async with _room_calls(definitions, reception, livekit, rooms):
                yield
        finally:
            await speech.close()

    app = FastAPI(title="Duologue agent", lifespan=lifespan, openapi_url=None)
    signer = signer or ConversationSigner()
    keys = keys or KeyFile(keys_file())
    socket = ConversationSocket(definitions, reception, signer)
    app.state.hang_up = reception.hang_up
    # Browsers send neither a key nor a cookie, so any page may ask.
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"])
    app.include_router(signed_url_router(definitions, keys, signer))
    app.include_router(room_token_router(definitions, keys, livekit, rooms))

    @app.websocket(CONVERSATION_PATH)
    async def conversation(websocket: WebSocket) -> None:
        await socket.answer(websocket)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


@asynccontextmanager
async def _room_calls(
    definitions: Mapping[str, AgentDefinition],
    reception: Reception,
    livekit: LiveKitSettings | None,
    rooms: Rooms | None,
) -> AsyncIterator[None]:
    """Take calls from LiveKit, if there is one, until the block ends."""
    if livekit is None or rooms is None:
        yield
        return
    async with rooms:
        calls = RoomCalls(definitions, reception, rooms)
        worker = Worker(
            livekit,
            name=WORKER_NAME,
            identity=AGENT_IDENTITY,
            takes=calls.takes,
            hold=calls.hold,
        )
        working = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
