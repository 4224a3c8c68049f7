from __future__ import annotations

import pytest

from soak.__main__ import main


def test_a_soak_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing"]) == 2
    assert (
        "no soak nothing; there are conversations, devices, many, rooms" in capsys.readouterr().out
    )


def test_options_go_to_the_soak_that_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--help"]) == 0
    assert "--rounds" in capfd.readouterr().out


def test_a_soak_that_fails_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--rounds", "none"]) == 1
    assert capfd.readouterr().out.endswith("failed: devices\n")
