"""Where conversations are on a server, and the URL that lets somebody begin one there."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from duologue.agent.access.signatures import ConversationSigner

CONVERSATION_PATH: Final = "/v1/convai/conversation"
SIGNATURE_PARAMETER: Final = "conversation_signature"

_SOCKET_SCHEME: Final = {"http": "ws", "https": "wss"}


def signed_url(base_url: str, agent_id: str, signer: ConversationSigner) -> str:
    """A URL with which conversations with an agent may begin for 15 minutes.

    Args:
        base_url: where the client reaches the server, be it through a proxy; http or https.
        agent_id: the agent.
        signer: signs for this server.
    """
    base = urlsplit(base_url)
    path = f"{base.path.rstrip('/')}{CONVERSATION_PATH}"
    query = urlencode({"agent_id": agent_id, SIGNATURE_PARAMETER: signer.sign(agent_id)})
    return urlunsplit((_SOCKET_SCHEME[base.scheme], base.netloc, path, query, ""))
