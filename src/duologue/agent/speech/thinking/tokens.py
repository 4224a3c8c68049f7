"""How long a text is for a language model, and what fits. Costs nothing to import."""

from __future__ import annotations

import re
from typing import Final

UNIT = re.compile(r" ?[A-Za-z]{1,3}|.", re.DOTALL)
"""What becomes a token at worst: three letters, one digit, sign or space before such, one byte of
anything else."""

TOKENS_PER_ITEM: Final = 8
"""The marks a chat template puts round a message."""

INSTRUCTIONS_SHARE: Final = 0.75
"""Of the budget: with longer instructions no conversation would fit."""

CONVERSATION_TOKENS: Final = 1400
"""The bundled model could take 2048, but it reads some 100 to 400 a second, and it has to read
everything again whenever the beginning of a long conversation is left out."""


def estimated_tokens(text: str) -> int:
    """Return at least the number of tokens of a text, for English about 1.5 times that."""
    return sum(map(weight, UNIT.findall(text)))


def instructions_fit(instructions: str, budget_tokens: int) -> bool:
    """Whether instructions leave room for a conversation.

    Args:
        instructions: what the model is told.
        budget_tokens: the model's context, less the longest reply.
    """
    return TOKENS_PER_ITEM + estimated_tokens(instructions) <= int(
        budget_tokens * INSTRUCTIONS_SHARE
    )


def weight(unit: str) -> int:
    """How many tokens a unit has at worst."""
    return 1 if unit.isascii() else len(unit.encode(errors="replace"))
