"""Keeping a long conversation within what the language model can take."""

from __future__ import annotations

from livekit.agents import llm

CHARS_PER_TOKEN = 3
"""English has about 4; a model with a small vocabulary, names and numbers have fewer."""
TOKENS_PER_ITEM = 8
"""The marks a chat template puts round a message."""
INSTRUCTIONS_SHARE = 0.5
"""Of the budget: instructions longer than this lose their end, or no conversation would fit."""


def fit_context(chat: llm.ChatContext, budget_tokens: int) -> llm.ChatContext:
    """Return the conversation, shortened if it may exceed what the model can take.

    The instructions stay, then as many of the latest items as fit; a latest message that does
    not fit by itself loses its beginning, instructions longer than half of the budget their end.
    The size is estimated from the number of characters, on the safe side.

    Args:
        chat: what would be sent; it is left as it is.
        budget_tokens: the model's context, less the longest reply.
    """
    if sum(map(_tokens, chat.items)) <= budget_tokens:
        return chat
    instructions = [item for item in chat.items if _is_instruction(item)]
    share = int(budget_tokens * INSTRUCTIONS_SHARE / max(1, len(instructions)))
    instructions = [_without_end(item, share) for item in instructions]
    left = budget_tokens - sum(map(_tokens, instructions))
    talk = [item for item in chat.items if not _is_instruction(item)]
    fitted = chat.copy()
    fitted.items = [*instructions, *_latest(talk, left)]
    return fitted


def _latest(talk: list[llm.ChatItem], budget_tokens: int) -> list[llm.ChatItem]:
    kept: list[llm.ChatItem] = []
    left = budget_tokens
    for item in reversed(talk):
        if _tokens(item) > left:
            break
        left -= _tokens(item)
        kept.insert(0, item)
    if talk and not kept:
        return [_without_beginning(talk[-1], budget_tokens)]
    # The result of a tool means nothing without the call.
    while kept and kept[0].type == "function_call_output":
        kept.pop(0)
    return kept


def _is_instruction(item: llm.ChatItem) -> bool:
    return item.type == "message" and item.role in ("system", "developer")


def _tokens(item: llm.ChatItem) -> int:
    return TOKENS_PER_ITEM + len(_text(item)) // CHARS_PER_TOKEN


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
    return item.model_copy(update={"content": [_text(item)[: _chars(tokens)]]})


def _without_beginning(item: llm.ChatItem, tokens: int) -> llm.ChatItem:
    if item.type != "message":
        return item
    return item.model_copy(update={"content": [_text(item)[-_chars(tokens) :]]})


def _chars(tokens: int) -> int:
    return max(1, (tokens - TOKENS_PER_ITEM) * CHARS_PER_TOKEN)
