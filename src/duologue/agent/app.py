"""The agent's server as an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.websockets import WebSocket

from duologue.agent.access.conversation_url import CONVERSATION_PATH
from duologue.agent.access.keys import KeyFile, keys_file
from duologue.agent.access.signatures import ConversationSigner
from duologue.agent.access.signed_urls import signed_url_router
from duologue.agent.call.reception import Reception
from duologue.agent.definition import AgentDefinition
from duologue.agent.limits import CallLimits
from duologue.agent.rooms.opening import Rooms
from duologue.agent.rooms.tokens import room_token_router
from duologue.agent.rooms.worker import room_worker
from duologue.agent.settings import LiveKitSettings
from duologue.agent.socket import ConversationSocket
from duologue.agent.speech.lifetime import started
from duologue.agent.speech.stack import SpeechStack
from duologue.agent.speech.thinking.proxies import check_proxy
from duologue.errors import DuologueError


def create_app(
    definitions: Mapping[str, AgentDefinition],
    speech: SpeechStack,
    limits: CallLimits | None = None,
    *,
    keys: KeyFile | None = None,
    signer: ConversationSigner | None = None,
    livekit: LiveKitSettings | None = None,
    holds_room_calls: bool = True,
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
        holds_room_calls: False leaves calls over WebRTC to workers in processes of their own; this
            one only hands out tokens for them.
    """

    reception = Reception(speech, limits or CallLimits())
    rooms = Rooms(livekit) if livekit is not None else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as running:
            try:
                _check_models(definitions)
                await running.enter_async_context(started(speech))
            except DuologueError as error:
                app.state.start_error = error
                raise
            await running.enter_async_context(
                _room_calls(definitions, reception, livekit, rooms, holds_calls=holds_room_calls)
            )
            yield

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


def _check_models(definitions: Mapping[str, AgentDefinition]) -> None:
    """See at the start what would go wrong in each call.

    Raises:
        ModelError: a definition's own language model cannot be reached by any way.
    """
    for definition in definitions.values():
        custom = definition.conversation_config.agent.prompt.custom_llm
        if custom is not None:
            check_proxy(custom.url)


@asynccontextmanager
async def _room_calls(
    definitions: Mapping[str, AgentDefinition],
    reception: Reception,
    livekit: LiveKitSettings | None,
    rooms: Rooms | None,
    *,
    holds_calls: bool,
) -> AsyncIterator[None]:
    """Open rooms, and take the calls in them unless others do, until the block ends."""
    if livekit is None or rooms is None:
        yield
        return
    async with rooms:
        if not holds_calls:
            yield
            return
        async with room_worker(definitions, reception, livekit, rooms):
            yield
