import errno
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from duologue.agent.speech.models.fetch import ensure, pull
from duologue.agent.speech.models.hub import ModelHub
from duologue.agent.speech.models.package_index import PackageIndex
from duologue.agent.speech.models.registry import FileState, Model, ModelFile, verify
from duologue.agent.speech.models.report import PullReport
from duologue.agent.speech.models.source import ModelSource, SourceFailed, accept, part_path
from duologue.errors import ModelError
from tests.agent.speech.models.conftest import (
    SETTINGS,
    TINY,
    WEIGHTS,
    WEIGHTS_PATH,
    LoopbackHub,
    RememberingReport,
    make_wheel,
    put_model,
)

CONTENTS = {"weights.bin": WEIGHTS, "settings.json": SETTINGS}


class ScriptedSource:
    """A source that delivers the named files, then fails if a reason is given."""

    def __init__(self, name: str, delivers: Sequence[str] = (), failure: str | None = None) -> None:
        self.name = name
        self.delivers = delivers
        self.failure = failure
        self.asked: list[list[str]] = []

    def fetch(
        self, model: Model, files: Sequence[ModelFile], home: Path, report: PullReport
    ) -> None:
        self.asked.append([file.name for file in files])
        for file in files:
            if file.name in self.delivers:
                part_path(home, file).write_bytes(CONTENTS[file.name])
                accept(home, file)
        if self.failure is not None:
            raise SourceFailed(self.failure)


def both(hub: LoopbackHub) -> tuple[ModelSource, ...]:
    return (ModelHub(hub.endpoint), PackageIndex())


def all_ok(folder: Path) -> bool:
    return all(check.state is FileState.OK for check in verify(TINY, folder))


def test_the_hub_is_first(hub: LoopbackHub, index: Path, tmp_path: Path) -> None:
    ensure([TINY], report=RememberingReport(), folder=tmp_path, sources=both(hub))
    assert all_ok(tmp_path)


def test_a_wrong_hash_at_the_hub_is_told_and_the_index_is_taken(
    hub: LoopbackHub, index: Path, tmp_path: Path
) -> None:
    hub.files[WEIGHTS_PATH] = bytes(len(WEIGHTS))
    make_wheel(index)
    report = RememberingReport()
    ensure([TINY], report=report, folder=tmp_path, sources=both(hub))
    assert all_ok(tmp_path)
    assert any(
        "the Hugging Face hub" in told and "wrong SHA-256" in told for told in report.sentences
    )


def test_a_model_that_is_there_asks_no_source(tmp_path: Path) -> None:
    put_model(tmp_path)
    source = ScriptedSource("one")
    ensure([TINY], report=RememberingReport(), folder=tmp_path, sources=[source])
    assert source.asked == []


def test_the_second_source_is_asked_only_for_what_the_first_did_not_bring(tmp_path: Path) -> None:
    first = ScriptedSource("first", ["weights.bin"], "the rest is not here")
    second = ScriptedSource("second", ["settings.json"])
    ensure([TINY], report=RememberingReport(), folder=tmp_path, sources=[first, second])
    assert second.asked == [["settings.json"]]
    assert all_ok(tmp_path)


def test_when_all_fail_the_error_has_each_reason_and_what_to_do(tmp_path: Path) -> None:
    sources = [ScriptedSource("here", failure="no line"), ScriptedSource("there", failure="no pip")]
    with pytest.raises(ModelError) as told:
        ensure([TINY], report=RememberingReport(), folder=tmp_path, sources=sources)
    sentence = str(told.value)
    assert "the model tiny is not on this machine" in sentence
    assert "here: no line" in sentence
    assert "there: no pip" in sentence
    assert "duologue models pull tiny" in sentence
    assert (
        f"copy weights.bin, settings.json from another machine into {tmp_path / 'tiny'}" in sentence
    )


def test_an_interrupted_pull_goes_on_the_next_time(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupting(RememberingReport):
        def progress(self, file_name: str, done_bytes: int, total_bytes: int) -> None:
            raise KeyboardInterrupt

    sources = [ModelHub(hub.endpoint)]
    with pytest.raises(KeyboardInterrupt):
        ensure([TINY], report=Interrupting(), folder=tmp_path, sources=sources)
    came_bytes = (tmp_path / "tiny" / "weights.bin.part").stat().st_size
    assert came_bytes > 0
    ensure([TINY], report=RememberingReport(), folder=tmp_path, sources=sources)
    assert all_ok(tmp_path)
    resumed = hub.gets()[1]
    whole_already_came = came_bytes == len(WEIGHTS)
    assert resumed == (WEIGHTS_PATH, f"bytes={came_bytes}-") or whole_already_came


def test_two_pulls_at_once_fetch_every_file_once(hub: LoopbackHub, tmp_path: Path) -> None:
    reports = [RememberingReport(), RememberingReport()]
    together = threading.Barrier(2)

    def pull_one(report: RememberingReport) -> None:
        together.wait(5)
        ensure([TINY], report=report, folder=tmp_path, sources=[ModelHub(hub.endpoint)])

    threads = [threading.Thread(target=pull_one, args=(report,)) for report in reports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert all_ok(tmp_path)
    assert len(hub.gets()) == len(TINY.files)


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EACCES])
def test_a_folder_that_takes_nothing_is_told(tmp_path: Path, reason: int) -> None:
    class FullDisk(ScriptedSource):
        def fetch(self, *_: object) -> None:
            raise OSError(reason, os.strerror(reason))

    with pytest.raises(
        ModelError, match=f"{os.strerror(reason)}. Make room there, or set DUOLOGUE"
    ):
        ensure([TINY], report=RememberingReport(), folder=tmp_path, sources=[FullDisk("one")])


def test_a_models_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("not a folder")
    with pytest.raises(ModelError, match="cannot be kept in"):
        ensure([TINY], report=RememberingReport(), folder=tmp_path / "models", sources=[])


def test_a_damaged_file_is_noticed_by_pull_alone(tmp_path: Path) -> None:
    put_model(tmp_path, settings=SETTINGS.replace(b"1", b"2"))
    source = ScriptedSource("one", ["settings.json"])
    report = RememberingReport()
    ensure([TINY], report=report, folder=tmp_path, sources=[source])
    assert source.asked == []
    pull([TINY], report=report, folder=tmp_path, sources=[source])
    assert source.asked == [["settings.json"]]
    assert all_ok(tmp_path)
    assert "settings.json is damaged" in report.sentences[0]
