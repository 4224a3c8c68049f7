from __future__ import annotations

import pytest
from typer.testing import CliRunner

import duologue.audio.devices.listing as device_list
from duologue.audio.devices.listing import AudioDevice, DeviceKind
from duologue.cli.main import app


def test_devices_are_shown_with_the_ids_by_which_they_are_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long_id = "alsa_input." + "x" * 100
    microphone = AudioDevice(
        kind=DeviceKind.MICROPHONE,
        id=long_id,
        name="Headset [USB]",
        is_default=True,
        sample_rates_hz=(16_000, 48_000),
        handle=None,
    )
    monkeypatch.setattr(device_list, "list_devices", lambda: [microphone])
    monkeypatch.setenv("COLUMNS", "300")
    result = CliRunner().invoke(app, ["devices"])
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if "microphone" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["microphone", "Headset [USB]", long_id, "yes", "16000, 48000"]
