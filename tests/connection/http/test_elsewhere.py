from __future__ import annotations

import pytest

from duologue.connection.http import elsewhere
from duologue.connection.http.elsewhere import check_way_on
from duologue.errors import SessionConnectionError


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    elsewhere._tell_once.cache_clear()


@pytest.mark.parametrize("named", ["ws://h/?signature=secret", "ws://other:80/?signature=secret"])
def test_from_tls_no_way_leads_to_plain_text(named: str) -> None:
    with pytest.raises(
        SessionConnectionError, match="over TLS, but the room that it gives"
    ) as error:
        check_way_on("https://h/v1", named, "room")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("https://h", "wss://h/?a=1"),
        ("https://h", "WSS://h"),
        ("https://h", "ws://127.0.0.1:7880"),
        ("https://h", "ws://localhost:7880"),
        ("https://h", "ws://[::1]:7880"),
        ("http://h", "ws://h"),
        ("http://127.0.0.1:8080", "ws://127.0.0.1:7880"),
    ],
)
def test_any_other_way_is_followed(asked: str, named: str) -> None:
    check_way_on(asked, named, "room")


def test_another_host_is_named_once_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        check_way_on("https://h/v1", "wss://other/?signature=secret", "signed URL")
    check_way_on("https://h/v1", "wss://h/?signature=secret", "signed URL")
    assert caplog.messages == ["h gives a signed URL of another host, other; it is followed"]
