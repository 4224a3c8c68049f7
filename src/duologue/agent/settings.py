"""What the agent's server is told from outside: where it listens, whom it serves, what it uses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LLM_BASE_URL = "DUOLOGUE_LLM_BASE_URL"
LLM_MODEL = "DUOLOGUE_LLM_MODEL"
LLM_API_KEY = "DUOLOGUE_LLM_API_KEY"

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8080
SYSTEM_CHOSEN_PORT = 0


@dataclass(frozen=True)
class ServerSettings:
    """How one server runs.

    Attributes:
        host: the address to listen on; the default is reachable from this machine alone.
        port: 0 lets the system choose one.
        definitions_path: a YAML file of an agent, or a folder of them; None serves the agent that
            is built in.
        llm_base_url: an OpenAI-compatible server, without `/chat/completions`; None takes the
            bundled language model.
        llm_model: the model's name there.
        llm_api_key: sent to that server alone; None sends none.
        log_level: the name of the least important level to log.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    definitions_path: Path | None = None
    llm_base_url: str | None = None
    llm_model: str | None = None
    llm_api_key: str | None = field(default=None, repr=False)
    log_level: str = "info"

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, **given: object
    ) -> ServerSettings:
        """The settings as given, the language model from `DUOLOGUE_LLM_…` where not given.

        Only these three variables are read: keys of other programs are no business of ours.
        """
        from_environment = {
            "llm_base_url": environment.get(LLM_BASE_URL),
            "llm_model": environment.get(LLM_MODEL),
            "llm_api_key": environment.get(LLM_API_KEY),
        }
        chosen = {name: value for name, value in given.items() if value is not None}
        return cls(**{**from_environment, **chosen})  # type: ignore[arg-type]
