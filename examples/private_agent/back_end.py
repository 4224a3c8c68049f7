"""A back end that lets its own users talk with a private agent.

It holds the key; its users' programs (`client.py` beside this file) never see it. They ask for a
signed URL instead, with which one conversation with this one agent may begin within 15 minutes.

Two secrets stand in the environment. The key is found by `get_signed_url` itself: in
`DUOLOGUE_API_KEY` for the server in `DUOLOGUE_ORIGIN`, in `ELEVENLABS_API_KEY` for ElevenLabs.
`APP_TOKEN` stands for the log-in of your application; see `current_user`.

With an agent on this machine:

    duologue serve examples/private_agent/confidant.yaml
    export DUOLOGUE_ORIGIN=http://127.0.0.1:8080 DUOLOGUE_API_KEY=$(duologue keys create back-end)
    APP_TOKEN=a-token-of-yours python examples/private_agent/back_end.py confidant

With a private agent of yours at ElevenLabs:

    export ELEVENLABS_API_KEY=…
    APP_TOKEN=a-token-of-yours python examples/private_agent/back_end.py agent_…

It needs FastAPI and uvicorn, which `pip install "duologue[agent]"` brings.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from duologue import DuologueError, get_signed_url

logger = logging.getLogger("back_end")

bearer = HTTPBearer()


def current_user(sent: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    """The user who asks; anybody else gets 401.

    Put the check of your application here: its session cookie, its JSON Web Token. Whoever passes
    it talks with your agent at your expense, so limit how often one user may, too.
    """
    token = os.environ["APP_TOKEN"]
    if not secrets.compare_digest(sent.credentials.encode(), token.encode()):
        raise HTTPException(401, "Log in first.")
    return "demo"


def create_app(agent_id: str) -> FastAPI:
    """The back end for one private agent."""
    app = FastAPI()

    # POST, because each URL is a new one and no cache may keep it.
    @app.post("/signed-url")
    async def signed_url(user: Annotated[str, Depends(current_user)]) -> dict[str, str]:
        try:
            url = await get_signed_url(agent_id)
        except DuologueError as error:  # its sentence shows neither key nor URL
            logger.error("No signed URL for %s: %s", user, error)
            raise HTTPException(502, "The agent cannot be reached at the moment.") from None
        logger.info("%s may talk with %s", user, agent_id)  # but not with which URL
        return {"signed_url": url}

    return app


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Hand out signed URLs for a private agent.")
    parser.add_argument("agent_id", nargs="?", default="confidant")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    if not os.environ.get("APP_TOKEN"):
        parser.error("APP_TOKEN is not set: what do your users show to the back end?")
    return arguments


if __name__ == "__main__":
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO)
    uvicorn.run(create_app(arguments.agent_id), host=arguments.host, port=arguments.port)
