"""Keeping a long conversation within what the language model can take."""

from __future__ import annotations

import math
from itertools import accumulate

from livekit.agents import llm

from duologue.agent.speech.thinking.tokens import (
    INSTRUCTIONS_SHARE,
    TOKENS_PER_ITEM,
    UNIT,
    estimated_tokens,
    weight,
)


def fit_context(chat: llm.ChatContext, budget_tokens: int) -> llm.ChatContext:
    """Return the conversation, shortened if it may exceed what the model can take.

    The agent's instructions, which come first, stay; then as many of the latest items as fit. A
    latest message that does not fit by itself loses its beginning, and instructions longer than
    three quarters of the budget lose their end. System messages further down, such as contextual
    updates, count as items.
    The size is estimated, on the safe side; see `estimated_tokens`.

    Args:
        chat: what would be sent; it is left as it is.
        budget_tokens: the model's context, less the longest reply.
    """
    if sum(map(_tokens, chat.items)) <= budget_tokens:
        return chat
    share = int(budget_tokens * INSTRUCTIONS_SHARE)
    instructions = [_without_end(item, share) for item in chat.items[:1] if _is_instruction(item)]
    left = budget_tokens - sum(map(_tokens, instructions))
    talk = chat.items[len(instructions) :]
    fitted = chat.copy()
    fitted.items = [*instructions, *_latest(talk, left)]
    return fitted


def _latest(talk: list[llm.ChatItem], budget_tokens: int) -> list[llm.ChatItem]:
    sizes = list(accumulate(map(_tokens, talk)))
    excess = sizes[-1] - budget_tokens if sizes else 0
    if excess <= 0:
        return talk
    # Whole blocks are left out, so that many requests in turn begin with the same text: a model
    # reads again whatever comes after the first difference to its last request.
    block = max(1, budget_tokens // 2)
    left_out = math.ceil(excess / block) * block
    begins = [0, *sizes[:-1]]
    kept = [item for item, begin in zip(talk, begins, strict=True) if begin >= left_out]
    # The result of a tool means nothing without the call.
    while kept and kept[0].type == "function_call_output":
        kept.pop(0)
    return kept or [_without_beginning(talk[-1], budget_tokens)]


def _is_instruction(item: llm.ChatItem) -> bool:
    return item.type == "message" and item.role in ("system", "developer")


def _tokens(item: llm.ChatItem) -> int:
    return TOKENS_PER_ITEM + estimated_tokens(_text(item))


def _text(item: llm.ChatItem) -> str:
    if item.type == "message":
        return item.text_content or ""
    if item.type == "function_call":
        return item.name + item.arguments
    if item.type == "function_call_output":
        return item.output
    return ""


def _without_end(item: llm.ChatItem, tokens: int) -> llm.ChatItem:
    if item.type != "message" or _tokens(item) <= tokens:
        return item
    units = UNIT.findall(_text(item))
    kept = units[: _how_many(units, tokens - TOKENS_PER_ITEM)]
    return item.model_copy(update={"content": ["".join(kept)]})


def _without_beginning(item: llm.ChatItem, tokens: int) -> llm.ChatItem:
    if item.type != "message":
        return item
    units = UNIT.findall(_text(item))
    kept = units[len(units) - _how_many(units[::-1], tokens - TOKENS_PER_ITEM) :]
    return item.model_copy(update={"content": ["".join(kept)]})


def _how_many(units: list[str], tokens: int) -> int:
    sizes = accumulate(map(weight, units))
    return sum(1 for size in sizes if size <= tokens)
