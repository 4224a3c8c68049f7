"""What the agents of tests have in common: they play a script to everybody who calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from duologue.testing.script import Script, play
from duologue.testing.scripted_call import ClientGone, ScriptedCall, Wire

CLOSING_LIMIT_S = 1.0
"""How long the end of an agent waits for calls to end by themselves before it breaks them off."""


class Stage:
    """Plays a script to each call, and keeps what it raised.

    Attributes:
        calls: the calls it has had, in order.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._failures: list[Exception] = []
        self.calls: list[ScriptedCall] = []

    async def perform(
        self, wire: Wire, query: Mapping[str, str], subprotocols: Sequence[str]
    ) -> None:
        """Play the script to one call, which ends with it. Cancelling breaks the call off."""
        await self.play_to(ScriptedCall(wire, query, subprotocols))

    async def play_to(self, call: ScriptedCall) -> None:
        """Play the script to a call; see `perform`."""
        self.calls.append(call)
        try:
            await play(self._script, call)
        except ClientGone:
            pass  # the client may hang up whenever it likes; what it has not sent, tests look up
        except Exception as error:
            self._failures.append(error)
        await call.close(1000)

    def raise_failure(self) -> None:
        """Raise the first thing that a script has raised, if one has."""
        if self._failures:
            raise self._failures[0]
