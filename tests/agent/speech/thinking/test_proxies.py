from __future__ import annotations

import pytest

from duologue.agent.speech.thinking.proxies import check_proxy
from duologue.errors import ModelError

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    "variables",
    [
        {"ALL_PROXY": "socks5://me:secret@proxy:1080"},
        {"all_proxy": "socks5h://me:secret@proxy:1080"},
        {"HTTPS_PROXY": "socks4://me:secret@proxy:1080"},
    ],
    ids=str,
)
def test_a_socks_proxy_on_the_way_is_an_error(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ModelError, match=r"models\.example .*HTTPS_PROXY.*NO_PROXY") as raised:
        check_proxy("https://models.example/v1")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "variables"),
    [
        ("https://models.example/v1", {}),
        ("https://models.example/v1", {"ALL_PROXY": "http://proxy:3128"}),
        (
            "https://models.example/v1",
            {"ALL_PROXY": "socks5://proxy", "HTTPS_PROXY": "http://proxy:3128"},
        ),
        (
            "https://models.example/v1",
            {"ALL_PROXY": "socks5://p", "NO_PROXY": "models.example"},
        ),
        ("http://127.0.0.1:8080/v1", {"ALL_PROXY": "socks5://proxy"}),
        ("http://localhost/v1", {"ALL_PROXY": "socks5://proxy"}),
        ("http://[::1]/v1", {"ALL_PROXY": "socks5://proxy"}),
    ],
    ids=str,
)
def test_any_other_way_is_none(
    url: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    check_proxy(url)
