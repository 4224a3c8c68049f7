"""The examples of the documents are right: they type-check, and run as they are.

The Python blocks of a document are one program, from top to bottom. `await` may stand outside of
functions there, as in a notebook.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mypy import api

import duologue
from duologue import VoiceOptions, blocking, testing
from duologue.agent import load_definition
from duologue.audio import write_wav
from duologue.audio.devices import live as live_devices
from duologue.protocol.client_messages import ClientToolResult, McpToolApprovalResult
from duologue.protocol.server_events import (
    AgentResponseEvent,
    ClientToolCallEvent,
    McpToolCallEvent,
)
from duologue.testing import (
    ClientGone,
    MemoryMicrophone,
    MemorySpeaker,
    Script,
    ScriptedAgent,
    ScriptedCall,
)

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
CLIENT = ROOT / "docs" / "client.md"
AGENT = ROOT / "docs" / "agent.md"
TESTING = ROOT / "docs" / "testing.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
WITH_PYTHON = [document for document in DOCUMENTS if "```python\n" in document.read_text("utf-8")]

SERVER_OF_README = "http://127.0.0.1:8080"

OF_THE_AGENTS_HALF = {"ModelBehaviour", "ScriptedSpeech"}
FOR_TYPE_CHECKERS = {"ClientGone", "DEFAULT_METADATA", "Script", "Step"}

ANSWERS = (
    AgentResponseEvent(agent_response="Hello.", event_id=1),
    ClientToolCallEvent(
        tool_name="get_weather", tool_call_id="call_1", parameters={"city": "Lyon"}, event_id=2
    ),
    McpToolCallEvent(
        service_id="files",
        tool_call_id="call_2",
        tool_name="read_file",
        parameters={},
        timestamp="2025-01-01T00:00:00Z",
        state="awaiting_approval",
    ),
)


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def blocks(document: Path, language: str) -> list[str]:
    """Each with as many empty lines before it as stand above, so that errors tell the line."""
    text = text_of(document)
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return ["\n" * text.count("\n", 0, block.start(1)) + block[1] for block in found]


def program(document: Path) -> str:
    """All Python blocks of a document, each in the lines where it stands."""
    lines: list[str] = []
    for block in blocks(document, "python"):
        lines += block.splitlines()[len(lines) :]
    return "\n".join([*lines, ""])


async def run(document: Path) -> dict[str, Any]:
    """Run a document's blocks, and return what they have defined."""
    names: dict[str, Any] = {}
    top_level_await = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(program(document), str(document), "exec", top_level_await, dont_inherit=True)
    if code.co_flags & inspect.CO_COROUTINE:
        await eval(code, names)
    else:
        exec(code, names)
    return names


STARTS_S = 10


async def talk_for_a_moment(call: ScriptedCall) -> None:
    await call.begin()
    for event in ANSWERS:
        await call.send(event)
    with suppress(TimeoutError, ClientGone):
        async with asyncio.timeout(STARTS_S):  # a program that loads its libraries only now
            await call.receive_next()
    with suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            await call.receive_until_gone()


async def talk_until_the_user_ends(call: ScriptedCall) -> None:
    await call.begin()
    await call.send(ANSWERS[0])
    await call.receive_until_gone()


@contextmanager
def agent_in_a_thread(script: Script) -> Iterator[ScriptedAgent]:
    """An agent that the documents' programs may talk with from event loops of their own."""
    agent = ScriptedAgent(script)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(timeout=20)

    try:
        do(agent.__aenter__())
        yield agent
        do(agent.__aexit__(None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=20)
        loop.close()


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAgent]:
    """The agent in `DUOLOGUE_ORIGIN`; microphones and speakers are in memory."""
    monkeypatch.setattr(live_devices, "Microphone", microphone_in_memory)
    monkeypatch.setattr(live_devices, "Speaker", speaker_in_memory)
    with agent_in_a_thread(talk_for_a_moment) as agent:
        monkeypatch.setenv("DUOLOGUE_ORIGIN", agent.origin)
        monkeypatch.delenv("DUOLOGUE_API_KEY", raising=False)
        yield agent


def microphone_in_memory(_: object, *, sample_rate_hz: int, **__: object) -> MemoryMicrophone:
    return MemoryMicrophone(sample_rate_hz)


def speaker_in_memory(_: object, *, sample_rate_hz: int, **__: object) -> MemorySpeaker:
    return MemorySpeaker(sample_rate_hz)


def examples_of_testing() -> dict[str, Callable[[], None]]:
    names = asyncio.run(run(TESTING))
    return {name: value for name, value in names.items() if name.startswith("test_")}


EXAMPLES = examples_of_testing()


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_testing_pass(name: str) -> None:
    EXAMPLES[name]()


def test_the_program_of_the_readme_holds_a_conversation(
    agent: ScriptedAgent, capsys: pytest.CaptureFixture[str]
) -> None:
    program = program_of_readme(agent.origin)
    exec(compile(program, str(README), "exec", dont_inherit=True), {})
    greeting, end = capsys.readouterr().out.splitlines()
    assert greeting == "agent: Hello."
    assert end.startswith("Disconnection(reason='agent'")


def program_of_readme(origin: str) -> str:
    (block,) = blocks(README, "python")
    return block.replace(SERVER_OF_README, origin)


WITHOUT_DEVICES = """
from duologue.audio.devices import live as live_devices
from tests.test_documents import microphone_in_memory, speaker_in_memory
live_devices.Microphone, live_devices.Speaker = microphone_in_memory, speaker_in_memory
"""


def test_ctrl_c_ends_the_program_of_the_readme_without_a_traceback() -> None:
    with agent_in_a_thread(talk_until_the_user_ends) as agent:
        program = WITHOUT_DEVICES + program_of_readme(agent.origin)
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", program],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                assert process.stdout is not None
                greeting = process.stdout.readline()
                process.send_signal(signal.SIGINT)
                rest, errors = process.communicate(timeout=30)
            finally:
                process.kill()
    assert (greeting, rest) == ("agent: Hello.\n", "")
    assert "Traceback" not in errors
    assert process.returncode == 0
    assert agent.calls[0].close_code == 1000


async def test_the_blocks_of_the_client_hold_conversations(
    agent: ScriptedAgent,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_wav("question.wav", np.zeros(1600, np.int16), 16_000)
    await run(CLIENT)
    said = capsys.readouterr().out
    assert "agent: Hello." in said
    answers = [message for call in agent.calls for message in call.received]
    assert McpToolApprovalResult(tool_call_id="call_2", is_approved=True) in answers
    weather = ClientToolResult(
        tool_call_id="call_1", result="1 days of sun in Lyon", is_error=False
    )
    assert weather in answers
    assert (tmp_path / "reply.wav").exists()


def in_a_function(program: str) -> str:
    """The program where mypy takes every `await`; its first line, which is the title's, is free."""
    return "async def document() -> None:" + textwrap.indent(program, "    ")


def test_all_blocks_type_check(tmp_path: Path) -> None:
    for document in WITH_PYTHON:
        name = document.stem.lower().replace("-", "_")
        checked = in_a_function(program(document))
        (tmp_path / f"document_{name}.py").write_text(checked, encoding="utf-8")
    output, errors, exit_code = api.run(["--strict", str(tmp_path)])
    assert (exit_code, errors) == (0, ""), output


def test_the_definitions_of_the_agent_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", "a key")
    definitions = blocks(AGENT, "yaml")
    assert definitions
    for number, definition in enumerate(definitions):
        file = tmp_path / f"{number}.yaml"
        file.write_text(definition, encoding="utf-8")
        load_definition(file)


@pytest.mark.parametrize(
    "name", sorted({*testing.__all__} - OF_THE_AGENTS_HALF - FOR_TYPE_CHECKERS)
)
def test_every_stand_in_for_tests_of_clients_is_shown(name: str) -> None:
    assert re.search(rf"\b{name}\b", text_of(TESTING))


def test_every_public_name_of_the_client_is_mentioned() -> None:
    names = {*duologue.__all__, *blocking.__all__, *VoiceOptions.__annotations__}
    for kind in (blocking.VoiceConversation, blocking.TextConversation):
        names |= {name for name in dir(kind) if not name.startswith("_")}
    text = text_of(CLIENT)
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", text)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_within_the_project_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", text_of(document)):
        assert (document.parent / target).exists(), target
