"""An agent that does what a script says, without a socket: the client's own code runs, and with a
`VirtualClock` no time passes.

async with MemoryAgent([Begin(), Expect(UserMessage(text="Hello."))]) as agent:
    async with Conversation.start_session(agent_id="any", origin=agent.origin): ...
"""

from __future__ import annotations

import asyncio

from duologue.connection.memory import MemoryListener, MemoryPeer
from duologue.testing.script import Script
from duologue.testing.scripted_call import ScriptedCall
from duologue.testing.stage import CLOSING_LIMIT_S, Stage


class MemoryAgent:
    """An agent in memory, which clients in the same event loop may call.

    Scripts, and what becomes of what they raise, are as with `ScriptedAgent`.

    Attributes:
        origin: where it is called, for the option `origin`.
    """

    def __init__(self, script: Script) -> None:
        self._stage = Stage(script)
        self._listener: MemoryListener | None = None
        self._performances: set[asyncio.Task[None]] = set()
        self.origin = ""

    @property
    def calls(self) -> list[ScriptedCall]:
        """The calls it has had, in order."""
        return self._stage.calls

    async def __aenter__(self) -> MemoryAgent:
        self._listener = MemoryListener(self._accept)
        self.origin = self._listener.origin
        return self

    async def __aexit__(self, exception_type: object, *exception: object) -> None:
        assert self._listener is not None
        self._listener.close()
        try:
            if self._performances:
                await asyncio.wait(self._performances, timeout=CLOSING_LIMIT_S)
        finally:
            for performance in self._performances:
                performance.cancel()
            await asyncio.gather(*self._performances, return_exceptions=True)
        if exception_type is None:
            self._stage.raise_failure()

    def _accept(self, peer: MemoryPeer) -> None:
        performance = asyncio.create_task(
            self._stage.perform(peer, peer.query, peer.subprotocols), name="duologue memory agent"
        )
        self._performances.add(performance)
        performance.add_done_callback(lambda task: peer.vanish())
