"""Speech that needs no account and no network: Whisper, a small language model, and Piper."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from livekit import local_inference
from livekit.agents import APIError

from duologue.agent.speech import turns
from duologue.agent.speech.hearing.whisper import WhisperTranscriber
from duologue.agent.speech.speaking.piper import PiperSynthesizer
from duologue.agent.speech.speaking.synthesis import SpeechSynthesis
from duologue.agent.speech.stack import (
    CallSpeechOptions,
    LanguageModelEndpoint,
    SessionParts,
    hearing,
)
from duologue.agent.speech.thinking import language_model
from duologue.agent.speech.thinking.language_model import (
    BUNDLED_MODEL,
    LocalLanguageModel,
    build_llm,
)
from duologue.agent.speech.thinking.proxies import check_proxy
from duologue.agent.speech.thinking.tokens import CONVERSATION_TOKENS
from duologue.errors import ModelError

# More threads are hardly faster on models as small as these, and far slower as soon as another
# program wants a core: the threads of a model wait for one another at every layer, spinning.
# On 2 cores, one of them busy: a reply of 32 tokens took 0.3 s with one thread and up to 15 s
# with two; a question of 3.7 s was recognised in 0.1 s with either.
WHISPER_THREADS = 1
WRITING_THREADS = 1
READING_THREADS = min(2, os.cpu_count() or 1)
"""Of the language model, also while it writes several answers at once. It reads many tokens
together, so its threads wait less: the first token of an answer came after 0.05 s where one thread
took 0.08 s; with one of 2 cores busy after 0.09 s, and at most 0.2 s, where one took 0.08 s (15
short questions each). Four answers of 20 tokens at once took 0.5 s where one thread took 0.8 s;
with one of 2 cores busy 1.5 s where one took 0.8 s."""

PIPER_THREADS = 2
"""Piper's do not spin. A sentence of 2 s begins after 0.035 s, where one takes 0.05 s."""

REPLY_TOKENS = 160
"""The longest reply of the bundled model, some 40 s of speech: it does not stop by itself when
it rambles."""
WARM_UP_INSTRUCTIONS = "You are a helpful voice assistant. Answer in one short sentence."


@dataclass(frozen=True)
class LocalModels:
    """Where the models are.

    Attributes:
        whisper: the folder of the speech recognition model.
        piper: the voice's `.onnx` file.
        language_model: the GGUF file to serve here, or a model that is served elsewhere.
    """

    whisper: Path
    piper: Path
    language_model: Path | LanguageModelEndpoint


class LocalSpeech:
    """A `SpeechStack` that runs on this machine.

    Args:
        models: where they are.
        voice_seed: makes the voice say a text the same way every time; see `PiperSynthesizer`.
    """

    def __init__(self, models: LocalModels, *, voice_seed: int | None = None) -> None:
        self._models = models
        self._voice_seed = voice_seed
        self._resources = AsyncExitStack()
        self._transcriber: WhisperTranscriber
        self._synthesizer: PiperSynthesizer
        self._endpoint: LanguageModelEndpoint

    async def start(self) -> None:
        """Load every model and use it once; see `SpeechStack.start`."""
        async with AsyncExitStack() as resources:
            self._transcriber = await asyncio.to_thread(
                WhisperTranscriber, self._models.whisper, threads=WHISPER_THREADS
            )
            resources.callback(self._transcriber.close)
            self._synthesizer = await asyncio.to_thread(
                PiperSynthesizer,
                self._models.piper,
                threads=PIPER_THREADS,
                seed=self._voice_seed,
            )
            resources.callback(self._synthesizer.close)
            self._endpoint = await self._serve_language_model(resources)
            await asyncio.to_thread(local_inference.init_eot)
            await self._warm_up()
            self._resources = resources.pop_all()

    async def close(self) -> None:
        """Free the models. Calls that still run will fail."""
        await self._resources.aclose()

    def session_parts(self, options: CallSpeechOptions) -> SessionParts:
        """Return the parts for one call; see `SpeechStack.session_parts`."""
        endpoint = options.endpoint or self._endpoint
        is_bundled = endpoint is self._endpoint and isinstance(self._models.language_model, Path)
        if options.model is not None and options.endpoint is None and not is_bundled:
            endpoint = replace(endpoint, model=options.model)
        max_tokens = options.max_tokens
        if is_bundled and endpoint.context_tokens is not None:
            max_tokens = min(max_tokens or REPLY_TOKENS, endpoint.context_tokens // 2)
        temperature = options.temperature
        if is_bundled and temperature is None:
            temperature = 0.0  # a small model wanders soon enough
        voice_activity, recognizer = hearing(self._transcriber, options)
        return SessionParts(
            vad=voice_activity,
            stt=recognizer,
            llm=build_llm(
                endpoint.base_url,
                endpoint.model,
                endpoint.api_key,
                headers=endpoint.headers,
                temperature=temperature,
                max_tokens=max_tokens,
                extra_body=options.extra_body,
            ),
            tts=SpeechSynthesis(self._synthesizer, speed=options.speed),
            turn_handling=turns.turn_handling(options.eagerness),
            reads_slowly=is_bundled,
            context_tokens=(
                endpoint.context_tokens - (max_tokens or 0) if endpoint.context_tokens else None
            ),
        )

    async def _serve_language_model(self, resources: AsyncExitStack) -> LanguageModelEndpoint:
        source = self._models.language_model
        if isinstance(source, LanguageModelEndpoint):
            check_proxy(source.base_url)
            return source
        server = LocalLanguageModel(
            source, threads=WRITING_THREADS, reading_threads=READING_THREADS
        )
        await asyncio.to_thread(server.__enter__)
        resources.push(server.__exit__)
        return LanguageModelEndpoint(
            base_url=server.base_url, model=BUNDLED_MODEL, context_tokens=CONVERSATION_TOKENS
        )

    async def _warm_up(self) -> None:
        await self._transcriber.warm_up()
        await self._synthesizer.warm_up()
        if isinstance(self._models.language_model, Path):
            model = build_llm(self._endpoint.base_url, self._endpoint.model)
            try:
                await language_model.read_ahead(model, WARM_UP_INSTRUCTIONS)
            except APIError as error:
                raise ModelError(f"the bundled language model does not answer: {error}") from error
            finally:
                await model.aclose()
