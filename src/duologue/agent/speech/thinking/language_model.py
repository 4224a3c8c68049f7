"""The language model: one kind of access for the bundled one and for any other.

Every model is reached through the OpenAI chat-completions protocol, at an address and with a key
that are named explicitly. Nothing is taken from variables like `OPENAI_API_KEY`: a key in the
environment is meant for another program, and must not turn a local conversation into a remote one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any
from urllib.parse import urlsplit

import openai
import xllamacpp
from livekit.agents import APIConnectOptions, NotGivenOr, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN
from livekit.plugins.openai import LLM

from duologue.agent.speech.thinking.adapting import REFUSALS, endpoint
from duologue.agent.speech.thinking.addresses import is_loopback
from duologue.agent.speech.thinking.repairing import CallIds, RepairedStream
from duologue.errors import ModelError

logger = logging.getLogger("duologue.agent.llm")

LOOPBACK = "127.0.0.1"
BUNDLED_MODEL = "smollm2-135m-instruct"
UNUSED_KEY = "none"
"""The protocol's client insists on a key; servers on this machine ignore it."""

CONTEXT_TOKENS = 2048
"""What SmolLM2-135M was trained on; beyond it a request is refused."""
CONCURRENT_REQUESTS = 4
"""Each costs 47 MB of key-value cache at 2048 tokens; further requests wait."""

CONNECT_LIMIT_S = 5.0
WRITE_LIMIT_S = 5.0
LOG_NOTHING = -1


class LocalLanguageModel:
    """A model file, served on a port of this machine that the system chooses.

    Use it as a context manager: entering loads the model (some 0.4 s), leaving frees it.

    Args:
        model_path: the GGUF file.
        threads: CPU threads while it writes.
        reading_threads: CPU threads while it reads what it is asked, or writes several answers.
    """

    def __init__(self, model_path: Path, *, threads: int = 1, reading_threads: int = 1) -> None:
        self._model_path = model_path
        self._threads = threads
        self._reading_threads = reading_threads
        self._server: xllamacpp.Server | None = None

    @property
    def base_url(self) -> str:
        """Where the model answers.

        Raises:
            ModelError: it is not being served.
        """
        if self._server is None:
            raise ModelError("the language model is not running; enter its context first")
        return f"{self._server.listening_address}/v1"

    def __enter__(self) -> LocalLanguageModel:
        if not self._model_path.is_file():
            raise ModelError(
                f"the language model {self._model_path} is missing; run `duologue models pull`"
            )
        try:
            self._server = xllamacpp.Server(self._parameters())
        except RuntimeError as error:
            raise ModelError(
                f"the language model {self._model_path} cannot be loaded ({error}); "
                "run `duologue models verify`"
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The server has no method to stop it: it stops when nothing refers to it any more.
        self._server = None

    def _parameters(self) -> xllamacpp.CommonParams:
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(self._model_path)
        parameters.model_alias = {BUNDLED_MODEL}
        parameters.hostnames = [LOOPBACK]
        parameters.port = 0
        parameters.ui = False
        parameters.offline = True
        parameters.verbosity = LOG_NOTHING
        parameters.n_ctx = CONTEXT_TOKENS * CONCURRENT_REQUESTS
        parameters.n_parallel = CONCURRENT_REQUESTS
        parameters.cpuparams.n_threads = self._threads
        parameters.cpuparams_batch.n_threads = self._reading_threads
        return parameters


def build_llm(
    base_url: str,
    model: str,
    api_key: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    extra_body: Mapping[str, Any] | None = None,
) -> LLM:
    """Return the client of a model that speaks the OpenAI chat-completions protocol.

    Args:
        base_url: the address, up to and without `/chat/completions`.
        model: the model's name there.
        api_key: sent as a bearer token; None for a server that asks for none.
        headers: further ones of each request.
        temperature: None leaves it to the server.
        max_tokens: the longest reply; None leaves it to the server.
        extra_body: further fields of each request.

    Raises:
        ValueError: an address that is not http or https, or no model.
    """
    url = urlsplit(base_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(
            f"a language model's address begins with http:// or https://, unlike {base_url!r}"
        )
    if not model:
        raise ValueError(f"the language model at {base_url} needs the name of a model")
    body = dict(extra_body or {})
    if max_tokens is not None:
        # Ollama, vLLM and llama.cpp all know this older name; not all know the newer one.
        body.setdefault("max_tokens", max_tokens)
    client = _ExplicitClient(
        dict(headers or {}),
        api_key=api_key or UNUSED_KEY,
        base_url=base_url,
        max_retries=0,
        http_client=openai.DefaultAsyncHttpxClient(
            # A proxy from the environment must not see what stays on this machine, and a
            # redirect could lead the conversation anywhere.
            trust_env=not is_loopback(url.hostname),
            follow_redirects=False,
            timeout=openai.Timeout(None, connect=CONNECT_LIMIT_S, write=WRITE_LIMIT_S),
        ),
    )
    return _LoggingLLM(client, model=model, temperature=temperature, extra_body=body)


class _ExplicitClient(openai.AsyncOpenAI):
    """Sends the key and the headers it was given, and none from the environment.

    Its chat completions are requested as the server takes them, and answered as the engine needs.
    """

    def __init__(self, headers: Mapping[str, str], **options: Any) -> None:
        self._given_headers = headers
        super().__init__(**options)
        self._chat: Any = SimpleNamespace(
            completions=_Completions(super().chat.completions, str(self.base_url))
        )

    @property
    def chat(self) -> Any:
        return self._chat

    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        return {
            "Accept": "application/json",
            "Authorization": f"Bearer {self.api_key}",
            "Content-Type": "application/json",
            "User-Agent": "duologue",
            **self._given_headers,
        }


class _Completions:
    """Takes the place of the client's own chat completions.

    Args:
        completions: those.
        address: of the server.
    """

    def __init__(self, completions: Any, address: str) -> None:
        self._completions = completions
        self._address = address
        self._ids = CallIds()

    async def create(self, **request: Any) -> RepairedStream:
        """Request an answer; what the server refuses is changed, and requested again."""
        known = endpoint(self._address, str(request.get("model")))
        while True:
            adapted = known.adapted(request)
            try:
                return RepairedStream(await self._completions.create(**adapted), self._ids)
            except openai.APIStatusError as error:
                reason = f"{error.message} {error.body or ''}"
                if error.status_code not in REFUSALS or not known.learn(adapted, reason):
                    raise


class _LoggingLLM(LLM):
    """Logs the messages of each request, so that it can be seen what the model was told."""

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        *,
        model: str,
        temperature: float | None,
        extra_body: dict[str, Any],
    ) -> None:
        super().__init__(
            client=client,
            model=model,
            temperature=temperature if temperature is not None else NOT_GIVEN,
            extra_body=extra_body or NOT_GIVEN,
        )
        self._own_client = client

    async def aclose(self) -> None:
        # The library closes only clients that it made itself.
        await super().aclose()
        await self._own_client.close()

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        response_format: NotGivenOr[Any] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> Any:
        messages, _ = chat_ctx.to_provider_format(format="openai")
        logger.debug("request to %s at %s: %s", self.model, self.provider, messages)
        return super().chat(
            chat_ctx=chat_ctx,
            tools=tools,
            conn_options=conn_options,
            parallel_tool_calls=parallel_tool_calls,
            tool_choice=tool_choice,
            response_format=response_format,
            extra_kwargs=extra_kwargs,
        )


async def read_ahead(
    model: llm.LLM[Any], instructions: str, said: str = "", tools: Sequence[llm.Tool] = ()
) -> None:
    """Let the model read what a conversation begins with, before the user has said anything.

    A small model on a CPU reads some 100 to 400 tokens a second, and keeps what it has read: of a
    request that begins alike it reads the rest only. Cancelling ends the request.

    Args:
        model: what is to read.
        instructions: the system prompt.
        said: what the agent says first; "" if it says nothing.
        tools: those that the conversation has.

    Raises:
        APIError: the model does not answer.
    """
    chat = llm.ChatContext.empty()
    chat.add_message(role="system", content=instructions)
    if said:
        chat.add_message(role="assistant", content=said)
    chat.add_message(role="user", content="Hello.")
    async with model.chat(
        chat_ctx=chat,
        tools=list(tools),
        conn_options=APIConnectOptions(max_retry=0, timeout=30.0),
    ) as reply:
        async for _ in reply:
            return
