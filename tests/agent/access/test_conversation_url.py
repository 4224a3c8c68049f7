from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from duologue.agent.access.conversation_url import signed_url
from duologue.agent.access.signatures import ConversationSigner


@pytest.mark.parametrize(
    ("base_url", "place"),
    [
        ("http://127.0.0.1:8080/", "ws://127.0.0.1:8080/v1/convai/conversation"),
        ("https://agents.example", "wss://agents.example/v1/convai/conversation"),
        ("https://host/agents/", "wss://host/agents/v1/convai/conversation"),
    ],
)
def test_a_signed_url_names_its_agent_and_carries_the_signature(base_url: str, place: str) -> None:
    signer = ConversationSigner()
    url = urlsplit(signed_url(base_url, "my agent", signer))
    assert f"{url.scheme}://{url.netloc}{url.path}" == place
    query = dict(parse_qsl(url.query))
    assert query.keys() == {"agent_id", "conversation_signature"}
    assert query["agent_id"] == "my agent"
    signer.check("my agent", query["conversation_signature"])
