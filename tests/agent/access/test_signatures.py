"""Signatures of conversations."""

from __future__ import annotations

import jwt
import pytest

from duologue.agent.access.signatures import ConversationSigner
from duologue.agent.call import ends
from duologue.agent.call.ends import CallEnd, CallRefused
from duologue.errors import ServerError

SECRET = b"a secret of this test: 32 bytes or more"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


def refusal(signer: ConversationSigner, agent_id: str, signature: str) -> CallEnd:
    with pytest.raises(CallRefused) as refused:
        signer.check(agent_id, signature)
    return refused.value.end


def test_a_signature_is_right_for_fifteen_minutes() -> None:
    clock = Clock()
    signer = ConversationSigner(now_s=clock)
    signature = signer.sign("guide")
    clock.now_s += 899
    signer.check("guide", signature)
    clock.now_s += 1
    assert refusal(signer, "guide", signature) == ends.SIGNATURE_EXPIRED


def test_a_signature_is_for_one_agent() -> None:
    signer = ConversationSigner()
    signature = signer.sign("guide")
    assert refusal(signer, "other", signature) == ends.signature_for_another("other")


def test_without_a_signature_it_is_said_that_one_is_needed() -> None:
    assert refusal(ConversationSigner(), "guide", "") == ends.auth_required("guide")


def test_servers_with_one_secret_take_one_anothers_signatures() -> None:
    ConversationSigner(SECRET).check("guide", ConversationSigner(SECRET).sign("guide"))


def test_servers_have_secrets_of_their_own() -> None:
    signature = ConversationSigner().sign("guide")
    assert refusal(ConversationSigner(), "guide", signature) == ends.SIGNATURE_FORGED


@pytest.mark.parametrize(
    "forged",
    [
        jwt.encode({"sub": "guide", "aud": "conversation", "exp": 2**40}, None, algorithm="none"),
        jwt.encode({"sub": "guide", "aud": "other", "exp": 2**40}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "guide", "aud": "conversation"}, SECRET, algorithm="HS256"),
        "a.b.c",
        "…",
    ],
    ids=["unsigned", "for something else", "without an end", "garbage", "not ASCII"],
)
def test_a_token_of_another_kind_is_no_signature(forged: str) -> None:
    assert refusal(ConversationSigner(SECRET), "guide", forged) == ends.SIGNATURE_FORGED


def test_every_changed_character_breaks_a_signature() -> None:
    signer = ConversationSigner()
    signature = signer.sign("guide")
    # The last character of base64 holds bits that mean nothing.
    for at in range(len(signature) - 1):
        other = "A" if signature[at] != "A" else "B"
        changed = signature[:at] + other + signature[at + 1 :]
        assert refusal(signer, "guide", changed) == ends.SIGNATURE_FORGED


def test_the_secret_comes_from_the_environment() -> None:
    signer = ConversationSigner.from_environment({"DUOLOGUE_SIGNING_SECRET": SECRET.decode()})
    signer.check("guide", ConversationSigner(SECRET).sign("guide"))


@pytest.mark.parametrize("environment", [{}, {"DUOLOGUE_SIGNING_SECRET": ""}])
def test_without_a_secret_there_it_is_random(environment: dict[str, str]) -> None:
    one, other = (ConversationSigner.from_environment(environment) for _ in range(2))
    assert refusal(one, "guide", other.sign("guide")) == ends.SIGNATURE_FORGED


def test_a_secret_that_can_be_guessed_is_refused_and_not_shown() -> None:
    with pytest.raises(ServerError, match="at least 32") as refused:
        ConversationSigner.from_environment({"DUOLOGUE_SIGNING_SECRET": "hunter2"})
    assert "hunter2" not in str(refused.value)
