"""What the server takes from outside."""

import pytest

from duologue.agent.settings import LiveKitSettings, ServerSettings
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


LIVEKIT = {
    "LIVEKIT_URL": "wss://livekit.example",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "secret",
}


def test_livekit_is_named_by_its_own_three_variables() -> None:
    settings = LiveKitSettings.from_environment(LIVEKIT)
    assert settings == LiveKitSettings("wss://livekit.example", "key", "secret")
    assert "secret" not in repr(settings)


def test_without_them_there_is_none() -> None:
    assert LiveKitSettings.from_environment({}) is None


@pytest.mark.parametrize("missing", LIVEKIT)
def test_a_part_of_them_is_an_error_that_names_the_rest(missing: str) -> None:
    with pytest.raises(ServerError, match=f"not set: {missing}"):
        LiveKitSettings.from_environment(LIVEKIT | {missing: ""})


def test_where_nothing_is_done_without_livekit_it_is_required() -> None:
    settings = LiveKitSettings.required_from(LIVEKIT)
    assert settings == LiveKitSettings("wss://livekit.example", "key", "secret")


@pytest.mark.parametrize("missing", LIVEKIT)
def test_what_is_missing_of_it_is_named(missing: str) -> None:
    with pytest.raises(ServerError, match=f"workers take their calls .* not set: {missing}"):
        LiveKitSettings.required_from(LIVEKIT | {missing: ""})


@pytest.mark.parametrize("url", ["livekit.example", "https://livekit.example", "ws://", "ws://["])
def test_the_address_is_one_of_a_websocket(url: str) -> None:
    with pytest.raises(ServerError, match="expected something like wss://"):
        LiveKitSettings(url, "key", "secret")


def test_the_key_and_the_secret_are_needed() -> None:
    with pytest.raises(ServerError, match="cannot be empty"):
        LiveKitSettings("wss://livekit.example", "key", "")
