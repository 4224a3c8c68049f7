from __future__ import annotations

from duologue.dialogue.actions import Report


def test_a_report_keeps_the_arguments_of_its_callback() -> None:
    assert Report.of("on_connect", "conv_1") == Report("on_connect", ("conv_1",))


def test_a_report_without_arguments_calls_a_callback_that_takes_none() -> None:
    assert Report.of("on_guardrail_triggered").arguments == ()
