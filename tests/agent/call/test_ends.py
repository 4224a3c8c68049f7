"""How calls end, as the client is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.agent.call import ends
from duologue.agent.call.ends import CallEnd


@given(st.text(max_size=300))
def test_a_close_reason_fits_its_frame_whatever_the_reason(reason: str) -> None:
    reason = reason.encode(errors="ignore").decode()
    shown = CallEnd(1008, reason).close_reason
    assert len(shown.encode()) <= 123
    assert reason.startswith(shown.removesuffix("…"))


def test_an_end_without_an_error_type_sends_no_error() -> None:
    assert ends.CLIENT_GONE.error_event is None


def test_an_error_has_the_code_of_the_close_that_follows() -> None:
    event = ends.llm_timeout(20).error_event
    assert event is not None
    assert (event.code, event.error_type) == (1002, "llm_timeout")
    assert "20 s" in str(event.message)


@pytest.mark.parametrize(
    ("end", "code", "error_type"),
    [
        (ends.max_duration_exceeded(5), 1000, "max_duration_exceeded"),
        (ends.nothing_received(60), 1002, "transport_receive_timeout"),
        (ends.llm_failed(), 1002, "llm_error"),
        (ends.recognition_failed(), 1002, "asr_transcription_error"),
        (ends.synthesis_failed(), 1002, "tts_cascade_error"),
        (ends.invalid_message("x"), 1008, "invalid_message"),
        (ends.invalid_override("x"), 1008, "override_error"),
        (ends.missing_dynamic_variable("x"), 1008, "missing_dynamic_variable"),
        (ends.INTERNAL_ERROR, 1011, "unknown_websocket_crash"),
        (ends.unknown_agent("x"), 1008, None),
        (ends.auth_required("x"), 1008, None),
        (ends.signature_for_another("x"), 1008, None),
        (ends.SIGNATURE_FORGED, 1008, None),
        (ends.SIGNATURE_EXPIRED, 1008, None),
    ],
)
def test_codes_and_types_are_those_of_the_contract(
    end: CallEnd, code: int, error_type: str | None
) -> None:
    assert (end.code, end.error_type) == (code, error_type)


@pytest.mark.parametrize(
    "end",
    [
        ends.SIGNATURE_FORGED,
        ends.SIGNATURE_EXPIRED,
        ends.auth_required("agent_of_a_customary_length"),
        ends.signature_for_another("agent_of_a_customary_length"),
    ],
)
def test_what_is_wrong_with_a_signed_url_is_told_in_full(end: CallEnd) -> None:
    assert end.close_reason == end.reason


def test_an_unknown_agent_is_named_even_if_its_id_is_very_long() -> None:
    assert ends.unknown_agent("a" * 500).close_reason.startswith("This server has no agent")
    assert "agent_id" in ends.unknown_agent("").reason
