from __future__ import annotations

import asyncio
import io
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from duologue.conversation import Conversation
from duologue.conversation import uploads as module
from duologue.conversation.uploads import Uploads
from duologue.errors import RequestFailed, RequestRefused, UploadError
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.connection.answering import Received, answering
from tests.conversation.fakes import Hanging, ManualSink, ManualSource, eventually


class Uploading(Uploads):
    """The uploads of a conversation."""

    def __init__(self, origin: str | None) -> None:
        self._upload_origin = origin
        self._ssl_context = None

    @property
    def id(self) -> str:
        return "conv_1"


async def uploaded(file: Any, **options: Any) -> Received:
    """Upload a file, and return what the server got."""
    async with answering({"file_id": "file_1"}) as (origin, requests):
        assert await Uploading(origin).upload_file(file, **options) == "file_1"
    (request,) = requests
    assert request.path == "/v1/convai/conversations/conv_1/files"
    return request


def sent(request: Received) -> tuple[str | None, str, bytes]:
    part = request.only_part()
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return part.get_filename(), part.get_content_type(), content


@pytest.mark.parametrize("kind", [str, Path, partial(open, mode="rb")])
async def test_a_file_keeps_its_name_and_type(kind: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.pdf"
    path.write_bytes(b"%PDF")
    file = kind(path)
    assert sent(await uploaded(file)) == ("plan.pdf", "application/pdf", b"%PDF")
    if not isinstance(file, str | Path):
        assert not file.closed
        file.close()


@pytest.mark.parametrize(
    "file", [b"x" * 3_000_000, bytearray(b"abc"), memoryview(b"abc"), io.BytesIO(b"abc")]
)
async def test_content_without_a_name_is_taken_for_an_image(file: Any) -> None:
    content = file.getvalue() if isinstance(file, io.BytesIO) else bytes(file)
    assert sent(await uploaded(file)) == ("upload.png", "image/png", content)


async def test_name_and_type_may_be_given(tmp_path: Path) -> None:
    path = tmp_path / "plan.pdf"
    path.write_bytes(b"abc")
    assert sent(await uploaded(path, name="photo.jpeg")) == ("photo.jpeg", "image/jpeg", b"abc")
    assert sent(await uploaded(b"abc", media_type="image/webp"))[:2] == (
        "upload.webp",
        "image/webp",
    )


async def test_an_open_file_is_read_from_where_it_stands() -> None:
    file = io.BytesIO(b"headbody")
    file.seek(4)
    assert sent(await uploaded(file))[2] == b"body"


@pytest.mark.parametrize("name", [7, b"plan.pdf", "<stdin>", None])
async def test_a_file_without_a_proper_name_has_none(name: object) -> None:
    class Named(io.BytesIO):
        pass

    file = Named(b"abc")
    file.name = name
    assert sent(await uploaded(file))[0] == "upload.png"


async def test_a_slow_file_holds_nothing_up() -> None:
    hanging = Hanging()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            hanging()
            return super().read(size)

    async with answering({"file_id": "file_1"}) as (origin, _):
        upload = asyncio.create_task(Uploading(origin).upload_file(Slow(b"abc")))
        await eventually(hanging.entered.is_set)
        hanging.release()
        assert await upload == "file_1"


async def test_a_file_that_hangs_is_given_up() -> None:
    hanging = Hanging()

    class Stuck(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            hanging()
            return b""

    with pytest.raises(UploadError, match=r"could not be read within 0\.05 s"):
        await Uploading("ws://127.0.0.1:1").upload_file(Stuck(), timeout=0.05)
    hanging.release()


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    async with answering() as (origin, _):
        with pytest.raises(RequestFailed, match=r"not take the file 'upload\.png' within"):
            await Uploading(origin).upload_file(b"abc", timeout=1)


async def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.png", tmp_path):
        with pytest.raises(UploadError, match=f"cannot be read: .*{path}"):
            await Uploading("ws://127.0.0.1:1").upload_file(path)


async def test_a_file_that_is_too_large_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 2 * 2**20)
    path = tmp_path / "large.png"
    path.write_bytes(bytes(2 * 2**20 + 1))
    async with answering({"file_id": "file_1"}) as (origin, requests):
        for file in (path, path.read_bytes(), io.BytesIO(path.read_bytes())):
            with pytest.raises(UploadError, match="too large: at most 2 MiB"):
                await Uploading(origin).upload_file(file)
        await Uploading(origin).upload_file(bytes(2 * 2**20))
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("file", "options", "message"),
    [
        (7, {}, "file must be a path, bytes, or a file opened in binary mode, not int"),
        (None, {}, "not NoneType"),
        (io.StringIO("text"), {}, "gives str instead of bytes; open it in binary mode"),
        (b"", {"name": b"a.png"}, "name must be a string, not bytes"),
        (b"", {"media_type": 7}, "media_type must be a string, not int"),
        (b"", {"timeout": None}, "timeout must be a number of seconds"),
    ],
)
async def test_a_value_of_the_wrong_kind_is_refused(file: Any, options: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        await Uploading("ws://127.0.0.1:1").upload_file(file, **options)


async def test_what_makes_no_sense_is_refused() -> None:
    closed = io.BytesIO()
    closed.close()
    for file, options in ((closed, {}), (b"", {"media_type": "png"}), (b"", {"timeout": 0})):
        with pytest.raises(ValueError, match=r"closed|media_type|timeout"):
            await Uploading("ws://127.0.0.1:1").upload_file(file, **options)


async def test_a_session_that_lets_no_file_out_says_so() -> None:
    with pytest.raises(UploadError, match="would leave your network"):
        await Uploading(None).upload_file(b"abc")


async def talk(call: ScriptedCall) -> None:
    await call.begin()
    await call.receive_until_gone()


@pytest.mark.parametrize("way", ["agent_id", "signed_url"])
async def test_files_go_to_the_server_of_the_conversation_even_after_its_end(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedAgent(talk) as agent:
        monkeypatch.setenv("DUOLOGUE_ORIGIN", agent.origin)
        options: Any = {"agent_id": "a"}
        if way == "signed_url":
            monkeypatch.setenv("DUOLOGUE_ORIGIN", "wss://elsewhere.example")
            options = {"signed_url": f"{agent.origin}/v1/convai/conversation?agent_id=a"}
        conversation = await Conversation.start_session(
            microphone=ManualSource(), speaker=ManualSink(), **options
        )
        await conversation.end_session()
        with pytest.raises(RequestRefused) as refused:  # a scripted agent takes no files
            await conversation.upload_file(b"abc")
    assert refused.value.http_status == 404
    assert str(refused.value).startswith(agent.origin.replace("ws:", "http:"))


async def test_from_a_session_with_an_orchestrator_no_file_goes_out() -> None:
    async with ScriptedAgent(talk) as agent:
        url = f"{agent.origin}/v1/convai/conversation"
        async with Conversation.start_session(
            orchestrator={"url": url}, text_only=True
        ) as conversation:
            with pytest.raises(UploadError, match="would leave your network"):
                await conversation.upload_file(b"abc")
