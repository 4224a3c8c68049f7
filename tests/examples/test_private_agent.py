"""`examples/private_agent`: the back end and its client, with a key of ours."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from duologue.agent import KeyFile, load_definition
from duologue.testing import ScriptedSpeech
from tests.agent.harness import serving
from tests.examples.runner import EXAMPLES, RunningExample, output_of, running

FOLDER = EXAMPLES / "private_agent"
TOKEN = "of-a-user"


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def key(keys: KeyFile) -> str:
    created = subprocess.run(
        [sys.executable, "-m", "duologue", "keys", "create", "back-end"],
        env=os.environ | {"DUOLOGUE_KEYS_FILE": str(keys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return created.stdout.strip()


@asynccontextmanager
async def back_end(keys: KeyFile, key: str) -> AsyncIterator[tuple[RunningExample, str]]:
    """The agent's server and the back end before it; gives this one and where it listens."""
    agent = load_definition(FOLDER / "confidant.yaml")
    async with (
        serving(ScriptedSpeech(replies=["It is Paris."]), agent, keys=keys) as origin,
        running(
            "private_agent/back_end.py",
            *("confidant", "--port", "0"),
            APP_TOKEN=TOKEN,
            DUOLOGUE_ORIGIN=origin,
            DUOLOGUE_API_KEY=key,
        ) as example,
    ):
        line = await example.says("running on")
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found
        yield example, found[0]


async def test_a_user_talks_with_the_agent_and_sees_no_key(keys: KeyFile, key: str) -> None:
    async with back_end(keys, key) as (server, url):
        output = await output_of("private_agent/client.py", "--back-end", url, APP_TOKEN=TOKEN)
        server.interrupt()
        await server.ends()
        assert "Traceback" not in server.output
    assert "agent: It is Paris." in output
    assert "demo may talk with confidant" in server.output
    for told in (output, server.output):
        assert key not in told
        assert "conversation_signature" not in told


async def test_who_is_no_user_gets_no_url(keys: KeyFile, key: str) -> None:
    async with (
        back_end(keys, key) as (_, url),
        running("private_agent/client.py", "--back-end", url, APP_TOKEN="guessed") as client,
    ):
        await client.says("The back end gave no signed URL: 401")
        assert await client.ends() == 1
        assert "Traceback" not in client.output


async def test_a_key_that_was_revoked_is_told_to_the_back_end_alone(
    keys: KeyFile, key: str
) -> None:
    await asyncio.to_thread(keys.revoke, "back-end")
    async with (
        back_end(keys, key) as (server, url),
        running("private_agent/client.py", "--back-end", url, APP_TOKEN=TOKEN) as client,
    ):
        await client.says("The back end gave no signed URL: 502")
        await server.says("No signed URL for demo: ")
        assert key not in server.output
        assert "Traceback" not in server.output


async def test_without_a_check_of_its_users_the_back_end_does_not_start() -> None:
    async with running("private_agent/back_end.py") as server:
        await server.says("APP_TOKEN is not set")
        assert await server.ends() == 2
