from __future__ import annotations

import pytest

from duologue.dialogue.values import AgentAudio, Disconnection, ErrorReport, Mode, Status
from duologue.protocol.formats import AudioFormat


def test_a_regular_close_is_the_agents_end() -> None:
    end = Disconnection.by_close(1000, "that was all")
    assert end == Disconnection(
        reason="agent",
        close_code=1000,
        close_reason="that was all",
        context={"type": "close", "code": 1000, "reason": "that was all"},
    )


def test_a_regular_close_without_a_word_has_no_reason() -> None:
    end = Disconnection.by_close(1000, "")
    assert (end.reason, end.message, end.close_reason) == ("agent", None, None)
    assert end.context == {"type": "close", "code": 1000}


@pytest.mark.parametrize("code", [1002, 1008, 1011])
def test_another_close_is_an_error_in_the_servers_words(code: int) -> None:
    end = Disconnection.by_close(code, "no such agent")
    assert (end.reason, end.message, end.close_code) == ("error", "no such agent", code)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (1006, "the connection to the server was lost"),
        (1005, "the server closed the connection and gave neither a code nor a reason"),
        (1011, "the server closed the connection with code 1011 and gave no reason"),
    ],
)
def test_a_close_without_a_reason_is_explained(code: int, message: str) -> None:
    assert Disconnection.by_close(code, None).message == message


def test_a_server_that_breaks_the_rules_is_told_from_one_that_closes() -> None:
    end = Disconnection.by_violation(1009, "message too big")
    assert (end.reason, end.close_code, end.close_reason) == ("error", 1009, None)
    assert end.message is not None
    assert "message too big" in end.message


def test_the_users_own_end_is_no_error() -> None:
    assert Disconnection.by_user() == Disconnection(reason="user")


def test_an_error_report_reads_as_its_message() -> None:
    assert str(ErrorReport(message="no more")) == "no more"


def test_the_repr_of_sound_does_not_show_its_samples() -> None:
    audio = AgentAudio(pcm=b"\x00\x01" * 100, format=AudioFormat("pcm", 16_000), event_id=3)
    assert len(repr(audio)) < 120


def test_status_and_mode_are_the_words_of_the_javascript_client() -> None:
    assert [*Status] == ["connecting", "connected", "disconnecting", "disconnected"]
    assert [*Mode] == ["listening", "speaking"]


def test_sound_lasts_as_long_as_its_samples() -> None:
    audio = AgentAudio(pcm=bytes(160), format=AudioFormat("ulaw", 8000), event_id=1)
    assert audio.duration_ms == 10.0
