import socket
import time
from pathlib import Path

import pytest

from duologue.agent.speech.models.hub import ATTEMPTS_WITHOUT_PROGRESS, ModelHub
from duologue.agent.speech.models.source import SourceFailed
from tests.agent.speech.models.conftest import (
    SETTINGS,
    SETTINGS_PATH,
    TINY,
    WEIGHTS,
    WEIGHTS_PATH,
    LoopbackHub,
    RememberingReport,
)

SIZE = len(WEIGHTS)


def fetch(hub: LoopbackHub, home: Path, silence_limit_seconds: float = 5) -> RememberingReport:
    report = RememberingReport()
    source = ModelHub(hub.endpoint, silence_limit_seconds=silence_limit_seconds)
    source.fetch(TINY, TINY.files, home, report)
    return report


def names_in(home: Path) -> set[str]:
    return {path.name for path in home.iterdir()}


def test_all_files_come_under_their_names_with_growing_progress(
    hub: LoopbackHub, tmp_path: Path
) -> None:
    report = fetch(hub, tmp_path)
    assert (tmp_path / "weights.bin").read_bytes() == WEIGHTS
    assert (tmp_path / "settings.json").read_bytes() == SETTINGS
    assert names_in(tmp_path) == {"weights.bin", "settings.json"}
    weights_steps = [done for name, done, _ in report.steps if name == "weights.bin"]
    assert weights_steps == sorted(weights_steps)
    assert weights_steps[-1] == SIZE


def test_a_cut_download_goes_on_where_it_stopped(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.cut_after_bytes = [100_000, 50_000]
    fetch(hub, tmp_path)
    assert (tmp_path / "weights.bin").read_bytes() == WEIGHTS
    assert hub.gets()[:3] == [
        (WEIGHTS_PATH, None),
        (WEIGHTS_PATH, "bytes=100000-"),
        (WEIGHTS_PATH, "bytes=150000-"),
    ]


def test_a_part_from_an_earlier_run_is_continued(hub: LoopbackHub, tmp_path: Path) -> None:
    (tmp_path / "weights.bin.part").write_bytes(WEIGHTS[:300_000])
    fetch(hub, tmp_path)
    assert hub.gets()[0] == (WEIGHTS_PATH, "bytes=300000-")
    assert (tmp_path / "weights.bin").read_bytes() == WEIGHTS


def test_a_whole_part_from_an_earlier_run_is_not_asked_for_again(
    hub: LoopbackHub, tmp_path: Path
) -> None:
    (tmp_path / "weights.bin.part").write_bytes(WEIGHTS)
    fetch(hub, tmp_path)
    assert hub.gets() == [(SETTINGS_PATH, None)]
    assert (tmp_path / "weights.bin").read_bytes() == WEIGHTS


def test_a_hub_without_ranges_starts_the_file_again(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.honours_ranges = False
    hub.cut_after_bytes = [100_000]
    fetch(hub, tmp_path)
    assert (tmp_path / "weights.bin").read_bytes() == WEIGHTS


def test_a_part_that_is_too_long_is_thrown_away(hub: LoopbackHub, tmp_path: Path) -> None:
    (tmp_path / "weights.bin.part").write_bytes(WEIGHTS + b"x")
    fetch(hub, tmp_path)
    assert hub.gets()[0] == (WEIGHTS_PATH, None)


def test_a_download_that_gets_nowhere_fails_and_keeps_what_came(
    hub: LoopbackHub, tmp_path: Path
) -> None:
    hub.cut_after_bytes = [1000] + [0] * ATTEMPTS_WITHOUT_PROGRESS
    with pytest.raises(SourceFailed, match=r"weights\.bin broke at 1,000 of 512,000 bytes"):
        fetch(hub, tmp_path)
    assert names_in(tmp_path) == {"weights.bin.part"}


def test_a_download_that_stands_still_is_given_up(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.stall_after_bytes = 0
    with pytest.raises(SourceFailed, match="timed out"):
        fetch(hub, tmp_path, silence_limit_seconds=0.05)


def test_wrong_bytes_are_deleted_and_told(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.files[WEIGHTS_PATH] = bytes(SIZE)
    with pytest.raises(SourceFailed, match=r"weights\.bin came with a wrong SHA-256"):
        fetch(hub, tmp_path)
    assert names_in(tmp_path) == set()


def test_a_file_that_is_longer_than_expected_is_refused(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.files[WEIGHTS_PATH] = WEIGHTS + b"x"
    with pytest.raises(SourceFailed, match="longer there than the 512,000 bytes expected"):
        fetch(hub, tmp_path)
    assert names_in(tmp_path) == set()


def test_a_file_that_the_hub_does_not_have_is_told_with_its_address(
    hub: LoopbackHub, tmp_path: Path
) -> None:
    del hub.files[WEIGHTS_PATH]
    with pytest.raises(SourceFailed, match=r"weights\.bin answered 404"):
        fetch(hub, tmp_path)


def test_a_hub_that_refuses_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SourceFailed, match=r"cannot be reached: .*refused"):
        ModelHub(f"http://127.0.0.1:{port}").fetch(TINY, TINY.files, tmp_path, RememberingReport())


def test_a_hub_that_never_answers_costs_only_the_limit_and_only_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = ModelHub(f"http://127.0.0.1:{server.getsockname()[1]}", connect_limit_seconds=0.1)
        for _ in range(3):
            before = time.monotonic()
            with pytest.raises(SourceFailed):
                source.fetch(TINY, TINY.files, tmp_path, RememberingReport())
        assert time.monotonic() - before < 0.1


def test_an_offline_hub_is_not_asked(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SourceFailed, match="HF_HUB_OFFLINE is set"):
        fetch(hub, tmp_path)
    assert hub.requests == []


def test_the_hub_can_be_a_mirror_from_the_environment(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.endpoint}/")
    ModelHub().fetch(TINY, TINY.files, tmp_path, RememberingReport())
    assert (tmp_path / "weights.bin").read_bytes() == WEIGHTS
