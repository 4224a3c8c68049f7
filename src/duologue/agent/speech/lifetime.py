"""The models of one process: loaded before the first call, freed after the last."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from duologue.agent.speech.stack import SpeechStack


@asynccontextmanager
async def started(speech: SpeechStack) -> AsyncIterator[None]:
    """Load the models, and free them when the block ends.

    Raises:
        ModelError: they could not be loaded.
    """
    await speech.start()
    # A full collection over everything that was imported stops the loop for 0.1 s, in the middle
    # of somebody's sentence. What is frozen is not looked at again.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        await speech.close()
