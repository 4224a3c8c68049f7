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
    fitted = chat.copy()
    instructions = [item for item in fitted.items if _is_instruction(item)]
    for item in instructions:
        _keep_start(item, int(budget_tokens * INSTRUCTIONS_SHARE / len(instructions)))
    left = budget_tokens - sum(map(_tokens, instructions))
    items = [item for item in fitted.items if not _is_instruction(item)]
    kept: list[llm.ChatItem] = []
    while items and _tokens(items[-1]) <= left:
        left -= _tokens(items[-1])
        kept.insert(0, items.pop())
    if items and not kept:
        kept = [_keep_end(items[-1], left)]
    # The result of a tool means nothing without the call.
    while kept and kept[0].type == "function_call_output":
        kept.pop(0)
    wanted = {id(item) for item in (*instructions, *kept)}
    fitted.items = [item for item in fitted.items if id(item) in wanted]
    return fitted


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


def _keep_start(item: llm.ChatItem, tokens: int) -> None:
    if item.type == "message" and _tokens(item) > tokens:
        item.content = [_text(item)[: max(0, tokens - TOKENS_PER_ITEM) * CHARS_PER_TOKEN]]


def _keep_end(item: llm.ChatItem, tokens: int) -> llm.ChatItem:
    chars = max(1, (tokens - TOKENS_PER_ITEM) * CHARS_PER_TOKEN)
    if item.type == "message":
        item.content = [_text(item)[-chars:]]
    return item
