from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.connection.http.uploads import Upload, send_upload
from duologue.errors import RequestFailed, RequestRefused
from tests.connection.answering import answering

PDF = Upload(
    name="Übersicht 1.pdf", media_type="application/pdf", content=b"%PDF\r\n--\r\n\x00\xff"
)


async def send(upload: Upload, origin: str, conversation_id: str = "conv_1") -> str:
    return await send_upload(upload, origin=origin, conversation_id=conversation_id, timeout_s=20)


async def test_a_file_goes_to_the_conversation_as_a_browser_sends_it() -> None:
    async with answering({"file_id": "file_1"}) as (origin, requests):
        assert await send(PDF, origin, "conv 1/ü") == "file_1"
    (request,) = requests
    assert (request.method, request.path) == (
        "POST",
        "/v1/convai/conversations/conv%201%2F%C3%BC/files",
    )
    assert not {"xi-api-key", "Authorization", "Cookie"} & set(request.headers)
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    part = request.only_part()
    assert part.get_param("name", header="Content-Disposition") == "file"
    assert part.get_content_type() == "application/pdf"
    assert part.get_payload(decode=True) == PDF.content
    assert 'form-data; name="file"; filename="Übersicht 1.pdf"\r\n'.encode() in request.body


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ('a"b.png', "a%22b.png"),
        ("a\r\nX-Evil: 1\r\n\r\n.png", "a%0D%0AX-Evil: 1%0D%0A%0D%0A.png"),
        ("a\x00\t\x7f.png", "a%00%09%7F.png"),
        ("not text \udcff.png", "not text ?.png"),
    ],
)
async def test_a_name_cannot_break_the_form(name: str, sent: str) -> None:
    async with answering({"file_id": "file_1"}) as (origin, requests):
        await send(Upload(name=name, media_type="image/png", content=b"x"), origin)
    assert f'filename="{sent}"\r\n'.encode() in requests[0].body
    assert requests[0].only_part().get_payload(decode=True) == b"x"


@pytest.mark.parametrize("size", [0, 5_000_000])
async def test_a_file_may_be_empty_or_large(size: int) -> None:
    upload = Upload(name="a.png", media_type="image/png", content=b"x" * size)
    async with answering({"file_id": "file_1"}) as (origin, requests):
        await send(upload, origin)
    assert int(requests[0].headers["Content-Length"]) == len(requests[0].body)
    assert requests[0].only_part().get_payload(decode=True) == upload.content


async def test_a_server_that_refuses_says_why() -> None:
    async with answering({"detail": "too large"}, status=413) as (origin, _):
        with pytest.raises(
            RequestRefused, match=r"the file 'Übersicht 1\.pdf': HTTP status 413"
        ) as e:
            await send(PDF, origin)
    assert (e.value.http_status, e.value.detail) == (413, "too large")


async def test_a_server_that_refuses_before_it_has_read_all_says_why() -> None:
    upload = Upload(name="a.png", media_type="image/png", content=bytes(20_000_000))
    async with answering({"detail": "too large"}, reads=False, status=413) as (origin, _):
        with pytest.raises(RequestRefused, match="413, too large"):
            await send(upload, origin)


@pytest.mark.parametrize("answer", [{}, [], b"", {"file_id": 1}, {"file_id": ""}, b"x" * 100_000])
async def test_an_answer_without_an_id_is_an_error(answer: Any) -> None:
    async with answering(answer) as (origin, _):
        with pytest.raises(RequestFailed, match="answered without an id"):
            await send(PDF, origin)


@pytest.mark.parametrize(
    ("name", "media_type", "expected"),
    [
        (None, None, ("upload.png", "image/png")),
        ("", "", ("upload.png", "image/png")),
        (None, "application/pdf", ("upload.pdf", "application/pdf")),
        (None, "image/svg+xml", ("upload.svg", "image/svg+xml")),
        (None, "text/plain; charset=utf-8", ("upload.plain", "text/plain; charset=utf-8")),
        ("photo.jpeg", None, ("photo.jpeg", "image/jpeg")),
        ("photo.PDF", None, ("photo.PDF", "application/pdf")),
        ("http://h/photo.jpeg", None, ("http://h/photo.jpeg", "image/jpeg")),
        ("photo", None, ("photo", "image/png")),
        ("notes.txt.gz", None, ("notes.txt.gz", "image/png")),
        ("photo.jpeg", "image/webp", ("photo.jpeg", "image/webp")),
    ],
)
def test_name_and_type_are_found_from_each_other(
    name: str | None, media_type: str | None, expected: tuple[str, str]
) -> None:
    upload = Upload.of(b"", name=name, media_type=media_type)
    assert (upload.name, upload.media_type) == expected


@given(st.text())
def test_every_name_is_kept_and_has_a_type(name: str) -> None:
    upload = Upload.of(b"", name=name, media_type=None)
    assert upload.name == (name or "upload.png")
    assert "/" in upload.media_type


@pytest.mark.parametrize("media_type", ["png", "image/", "/png", "image/png\r\nX: 1", "image /png"])
def test_what_is_no_type_is_refused(media_type: str) -> None:
    with pytest.raises(ValueError, match="expected one like 'application/pdf'"):
        Upload.of(b"", name=None, media_type=media_type)


def test_the_content_is_not_shown() -> None:
    assert "PDF\\" not in repr(PDF)
