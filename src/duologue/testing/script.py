"""What an agent of a test does, as data: a list of steps.

script = [
    Begin(),
    Say(AgentResponseEvent(agent_response="Hello.", event_id=1)),
    Expect(UserMessage(text="Hello, too.")),
    Close(1000, "that was all"),
]

Steps are taken one after another. The first that goes otherwise fails the script, with a
`ScriptFailed` that says which it was, what was expected, and what came.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from duologue.errors import DuologueError
from duologue.protocol.client_messages import (
    ClientMessage,
    ConversationInitiation,
    UserAudioChunk,
)
from duologue.protocol.codec import Frame
from duologue.protocol.server_events import ConversationMetadataEvent, ServerEvent
from duologue.testing.scripted_call import (
    DEFAULT_METADATA,
    RECEIVE_LIMIT_S,
    ClientGone,
    ScriptedCall,
)


class ScriptFailed(DuologueError, AssertionError):
    """The client did something other than the script expects."""


class Step(ABC):
    """Something that an agent does in a call. You may write steps of your own."""

    @abstractmethod
    async def take(self, call: ScriptedCall) -> None:
        """Do it.

        Raises:
            ScriptFailed: the client did not do its part.
        """


@dataclass(frozen=True)
class Begin(Step):
    """Expect the client's initiation, and answer it with the metadata."""

    metadata: ConversationMetadataEvent = DEFAULT_METADATA

    async def take(self, call: ScriptedCall) -> None:
        """See `Step.take`."""
        await Expect(ConversationInitiation).take(call)
        await call.send(self.metadata)


@dataclass(frozen=True)
class Say(Step):
    """Send an event, or a frame as it is, valid or not."""

    event: ServerEvent | Frame

    async def take(self, call: ScriptedCall) -> None:
        """See `Step.take`. A client that has gone does not matter."""
        if isinstance(self.event, ServerEvent):
            await call.send(self.event)
        else:
            await call.send_frame(self.event)


@dataclass(frozen=True)
class Expect(Step):
    """Wait for the client's next message, which has to be this one.

    The microphone's sound may come at any time, so it is passed over where it is not expected.

    Attributes:
        message: the message itself, or a type that it has to be of.
        where: what has to hold for it besides.
        within: how many seconds it may take.
    """

    message: ClientMessage | type[ClientMessage]
    where: Callable[[Any], object] | None = None
    within: float = RECEIVE_LIMIT_S

    async def take(self, call: ScriptedCall) -> None:
        """See `Step.take`.

        Raises:
            ScriptFailed: another message came, none did in time, the client has gone, or the
                step was cancelled.
        """
        try:
            async with asyncio.timeout(self.within):
                while not self._is_met_by(message := await call.receive_next()):
                    if not isinstance(message, UserAudioChunk):
                        raise self._failed(f"{message!r} came")
        except TimeoutError:
            raise self._failed(f"it did not come within {self.within:g} s") from None
        except ClientGone:
            raise self._failed("the client closed the connection") from None
        except asyncio.CancelledError:
            # The test has left its agent; that what it expects has not come must not go unseen.
            raise self._failed("the agent was stopped before it came") from None

    def _is_met_by(self, message: object) -> bool:
        if isinstance(self.message, type):
            is_expected = isinstance(message, self.message)
        else:
            is_expected = message == self.message
        return is_expected and (self.where is None or bool(self.where(message)))

    def _failed(self, came: str) -> ScriptFailed:
        what = self.message.__name__ if isinstance(self.message, type) else repr(self.message)
        condition = "" if self.where is None else f" for which {self.where!r} holds"
        return ScriptFailed(f"expected {what}{condition}, but {came}")


@dataclass(frozen=True)
class Wait(Step):
    """Let so many seconds pass; what the client sends meanwhile is for the steps after it."""

    seconds: float

    async def take(self, call: ScriptedCall) -> None:
        """See `Step.take`."""
        await call.wait(self.seconds)


@dataclass(frozen=True)
class Listen(Step):
    """Take whatever the client sends until it closes the connection."""

    async def take(self, call: ScriptedCall) -> None:
        """See `Step.take`."""
        await call.receive_until_gone()


@dataclass(frozen=True)
class Close(Step):
    """Close the connection with a code and a reason."""

    code: int = 1000
    reason: str = ""

    async def take(self, call: ScriptedCall) -> None:
        """See `Step.take`."""
        await call.close(self.code, self.reason)


@dataclass(frozen=True)
class Vanish(Step):
    """Break the connection off without a close frame, as a server that crashes does."""

    async def take(self, call: ScriptedCall) -> None:
        """See `Step.take`."""
        call.vanish()


Script: TypeAlias = Sequence[Step] | Callable[[ScriptedCall], Awaitable[None]]
"""What an agent does in each call: steps, or an async function that does as it likes."""


async def play(script: Script, call: ScriptedCall) -> None:
    """Let an agent do in a call what a script says.

    A function may so mix steps with its own doings.

    Raises:
        ScriptFailed: the client did something other than a step expects.
        Exception: whatever a function raises.
    """
    if callable(script):
        await script(call)
        return
    for number, step in enumerate(script, 1):
        try:
            await step.take(call)
        except ScriptFailed as failure:
            raise ScriptFailed(f"step {number} of {len(script)}, {step}: {failure}") from None
