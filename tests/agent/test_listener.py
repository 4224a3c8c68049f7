"""Where the agent's server listens."""

from __future__ import annotations

import pytest

from duologue.agent.listener import listen, url_of
from duologue.errors import ServerError


def test_the_system_may_choose_the_port() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_address_of_ip_6_stands_in_brackets() -> None:
    with listen("::1", 0) as listener:
        assert url_of(listener).startswith("http://[::1]:")


def test_a_port_in_use_is_told_in_a_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port}.*choose another"):
            listen("127.0.0.1", port)


def test_an_address_that_is_not_of_this_machine_is_told_in_a_sentence() -> None:
    with pytest.raises(ServerError, match=r"cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0)
