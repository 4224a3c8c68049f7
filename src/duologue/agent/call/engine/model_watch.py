"""The agent as the engine sees it: its instructions, and a watch on how long its models take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from livekit import rtc
from livekit.agents import Agent, ModelSettings, llm
from livekit.agents.types import FlushSentinel

from duologue.agent.call.ends import CallEnd, llm_failed, llm_timeout, synthesis_failed
from duologue.agent.call.engine.turn_timing import TurnClock
from duologue.agent.limits import CallLimits
from duologue.agent.speech.thinking.context import fit_context

Item = TypeVar("Item")


class WatchedAgent(Agent):
    """An agent whose call ends when a model fails or takes too long.

    Args:
        instructions: what the language model is told.
        context_tokens: how much conversation it can take, or None.
        limits: how long the models may take.
        clock: takes the times at which they begin and answer.
        failed: called with the end of the call, once a model has failed.
        empty: called when the language model has answered nothing.
    """

    def __init__(
        self,
        instructions: str,
        *,
        context_tokens: int | None,
        limits: CallLimits,
        clock: TurnClock,
        failed: Callable[[CallEnd], None],
        empty: Callable[[], None],
    ) -> None:
        # The text goes to the client as the model writes it, not as it is synthesised.
        super().__init__(instructions=instructions, use_tts_aligned_transcript=False)
        self._context_tokens = context_tokens
        self._limits = limits
        self._clock = clock
        self._failed = failed
        self._empty = empty

    async def llm_node(
        self,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        model_settings: ModelSettings,
    ) -> AsyncGenerator[llm.ChatChunk | str | FlushSentinel, None]:
        self._clock.llm_asked()
        if self._context_tokens is not None:
            chat_ctx = fit_context(chat_ctx, self._context_tokens)
        chunks = Agent.default.llm_node(self, chat_ctx, tools, model_settings)
        limit_s = self._limits.model_s
        has_answered = False
        try:
            async with aclosing(each_within(limit_s, chunks)) as timely:
                async for chunk in timely:
                    if _is_text(chunk):
                        self._clock.llm_answered()
                    has_answered = has_answered or _says_something(chunk)
                    yield chunk
            if not has_answered:
                self._empty()
        except TimeoutError:
            self._failed(llm_timeout(limit_s))
        except Exception:
            # The engine reports what fails inside a model; of the rest it would only keep a log.
            self._failed(llm_failed())
            raise

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncGenerator[rtc.AudioFrame, None]:
        frames = Agent.default.tts_node(self, text, model_settings)
        try:
            async with aclosing(each_within(self._limits.voice_s, frames)) as timely:
                async for frame in timely:
                    self._clock.synthesised()
                    yield frame
        except TimeoutError:
            self._failed(synthesis_failed())
        except Exception:
            self._failed(synthesis_failed())
            raise


async def each_within(
    limit_s: float, items: AsyncGenerator[Item, None]
) -> AsyncGenerator[Item, None]:
    """Each item, or TimeoutError if one takes longer; the source is closed in any case."""
    try:
        while True:
            try:
                async with asyncio.timeout(limit_s):
                    item = await anext(items)
            except StopAsyncIteration:
                return
            yield item
    finally:
        await items.aclose()


def _says_something(chunk: Any) -> bool:
    """True of words, and of calls of tools."""
    if isinstance(chunk, llm.ChatChunk) and chunk.delta is not None:
        return bool(chunk.delta.tool_calls) or bool((chunk.delta.content or "").strip())
    return isinstance(chunk, str) and bool(chunk.strip())


def _is_text(chunk: Any) -> bool:
    if isinstance(chunk, llm.ChatChunk):
        return chunk.delta is not None and bool(chunk.delta.content)
    return isinstance(chunk, str)
