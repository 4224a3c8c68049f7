"""Where things are: every source has its test and every test its source; no folder is too full."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/duologue"
TESTS = ROOT / "tests"

MOST_FILES = 14
"""In one folder. With more of them a stranger reads names instead of finding one."""

GENERATED = "generated"

NO_SOURCE = ("real", "scenarios", "leaks")
"""Folders of tests whose subject is no file: whole conversations, with real parts and without."""

TESTED_ELSEWHERE = {
    "agent/limits.py": "agent/call/test_inbox.py",  # it is a table: each bound where it counts
    "agent/rooms/tracks.py": "real/test_room.py",
    "agent/speech/local.py": "real/test_local_speech.py",
    "agent/speech/speaking/model.py": "real/test_piper.py",
    "audio/pacing/beat.py": "audio/pacing/test_ticker.py",  # protocols, for mypy
    "audio/tracks/packets.py": "audio/tracks/test_sender.py",  # two numbers
    "cli/talk/embedded.py": "real/test_talk.py",
    "cli/talk/live.py": "real/test_talk_live.py",
    "cli/talk/options.py": "real/test_talk.py",
    "cli/talk/recorded.py": "real/test_talk.py",
    "connection/base.py": "connection/test_opening.py",  # protocols, for mypy
    "connection/websocket/aiohttp_socket.py": "connection/websocket/test_opening.py",
    "connection/websocket/ends.py": "connection/websocket/test_opening.py",
    "errors.py": "test_exports.py",  # what they say is tested where they are raised
    "testing/room_sound.py": "real/test_scripted_rooms.py",
    "testing/room_wire.py": "real/test_scripted_rooms.py",
    "testing/scripted_rooms.py": "real/test_scripted_rooms.py",
}
"""Sources without a test of their own name, and the test that has to do with them."""

OF_NO_SINGLE_SOURCE = {
    "blocking/test_interrupt.py": "Ctrl-C, in whole programs",
    "test_documents.py": "README.md and docs/",
    "test_exports.py": "the public names, against the sum of their homes",
    "test_layout.py": "all files",
    "test_private_agents.py": "client and agent together",
    "test_typing.py": "what type checkers make of the public names",
    "testing/test_conversations.py": "conversations with all of `duologue.testing`",
}
"""Tests of more than one file, and of what."""


def sources() -> list[Path]:
    return [
        path.relative_to(SOURCE)
        for path in sorted(SOURCE.rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py") and GENERATED not in path.parts
    ]


def mirrored_tests() -> list[Path]:
    return [
        path.relative_to(TESTS)
        for path in sorted(TESTS.rglob("test_*.py"))
        if path.relative_to(TESTS).parts[0] not in NO_SOURCE
    ]


def test_every_source_has_its_test() -> None:
    without = {
        source.as_posix()
        for source in sources()
        if not (TESTS / source.with_name(f"test_{source.name}")).is_file()
    }
    assert without == set(TESTED_ELSEWHERE)
    missing = [test for test in TESTED_ELSEWHERE.values() if not (TESTS / test).is_file()]
    assert missing == []


def test_every_test_has_its_source() -> None:
    without = {test.as_posix() for test in mirrored_tests() if not has_source(test)}
    assert without == set(OF_NO_SINGLE_SOURCE)


def has_source(test: Path) -> bool:
    """Whether there is something with the test's name, or with the beginning of it.

    A source with much to test has several tests: `test_session_ends.py` is of `session.py`, too.
    Beside the package these are scripts, examples and documents.
    """
    words = test.stem.removeprefix("test_").split("_")
    names = {"_".join(words[: count + 1]) for count in range(len(words))}
    names |= {f"__{name}__" for name in names}
    homes = [SOURCE / test.parent, ROOT / test.parent, *([TESTS] if test.parent == Path() else [])]
    found = {path.stem.lower().replace("-", "_") for home in homes for path in home.glob("*")}
    return bool(names & found)


def test_no_folder_is_too_full() -> None:
    full = {
        folder.relative_to(SOURCE).as_posix(): count
        for folder in (SOURCE, *SOURCE.rglob("*/"))
        if (count := len(list(folder.glob("*.py")))) > MOST_FILES
    }
    assert full == {}


def test_no_file_repeats_the_name_of_its_folder() -> None:
    repeating = [source.as_posix() for source in sources() if source.stem.startswith(home(source))]
    assert repeating == []


def test_the_files_that_the_architecture_names_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?|[a-z_]+\.py)`", text)
    inside = [SOURCE, SOURCE / "agent/call", SOURCE / "agent/speech", SOURCE / "conversation/sound"]
    assert len(named) > 50
    places = [SOURCE.parent.parent, *inside]
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


def home(source: Path) -> str:
    return source.parent.name or "duologue"


def test_every_folder_says_what_lives_there() -> None:
    silent = [
        package.relative_to(SOURCE).as_posix()
        for package in sorted(SOURCE.rglob("__init__.py"))
        if not package.read_text().startswith('"""')
    ]
    assert silent == []
