"""What the server takes from outside."""

import pytest

from duologue.agent.settings import ServerSettings
from duologue.errors import ServerError

OWN_MODEL = {
    "DUOLOGUE_LLM_BASE_URL": "http://models.example/v1",
    "DUOLOGUE_LLM_MODEL": "large",
    "DUOLOGUE_LLM_API_KEY": "secret",
}


def test_the_environment_names_a_language_model() -> None:
    settings = ServerSettings().with_language_model_from(OWN_MODEL)
    assert settings.llm_base_url == "http://models.example/v1"
    assert settings.llm_model == "large"
    assert settings.llm_api_key == "secret"


def test_what_is_given_goes_before_the_environment() -> None:
    given = ServerSettings(llm_base_url="http://mine/v1", llm_model="mine")
    settings = given.with_language_model_from(OWN_MODEL)
    assert (settings.llm_base_url, settings.llm_model) == ("http://mine/v1", "mine")


def test_keys_of_other_programs_are_not_read() -> None:
    settings = ServerSettings().with_language_model_from(
        {"OPENAI_API_KEY": "secret", "OPENAI_BASE_URL": "https://openai.example"}
    )
    assert settings == ServerSettings()


def test_a_key_is_not_shown() -> None:
    assert "secret" not in repr(ServerSettings(llm_api_key="secret"))


@pytest.mark.parametrize("given", [{"llm_base_url": "http://x/v1"}, {"llm_model": "x"}])
def test_half_a_language_model_is_an_error(given: dict[str, str]) -> None:
    with pytest.raises(ServerError, match="both its server and its name"):
        ServerSettings(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["nonsense", "localhost:11434/v1", "ftp://host/v1", "http://["])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ServerError, match="no address of a language model's server"):
        ServerSettings(llm_base_url=address, llm_model="m")
