"""Twenty spoken conversations at once, for minutes: does anything grow?

    python -m soak conversations [--seconds 180] [--conversations 20] [--warm-up SECONDS]

The clients run in this process, the agent in one of its own. Each second both are measured.
Printed: what each uses, every ten seconds, and what has grown between the first and the last third
of the time after the warm-up. Exits with 1 if anything has grown beyond what is allowed, or if a
person was not understood or not answered.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from soak.agent import AgentProcess, agent_process
from soak.figures import HEADER, Figures, growth
from soak.people import CYCLE, Person

WARM_UP_S = 60.0
"""Until then allocators and caches fill; of a run shorter than 3 minutes it is a third."""

PRINTED_EACH = 10


@dataclass
class Course:
    """What was measured in one soak, second by second.

    Attributes:
        clients: the process of the clients.
        agent: the process of the agent.
    """

    clients: list[Figures] = field(default_factory=list)
    agent: list[Figures] = field(default_factory=list)

    def measure(self, agent: AgentProcess, at_s: float) -> None:
        """Add one measurement."""
        self.clients.append(Figures.of(os.getpid(), at_s, len(asyncio.all_tasks())))
        self.agent.append(Figures.of(agent.pid, at_s, agent.tasks()))

    def print(self) -> None:
        """Print both tables: every tenth measurement, and the last."""
        for name, figures in (("clients", self.clients), ("agent", self.agent)):
            print(f"\n{name}\n{HEADER}")
            for number, one in enumerate(figures):
                if number % PRINTED_EACH == 0 or one is figures[-1]:
                    print(one)

    def growth(self, warm_up_s: float, conversations: int) -> list[str]:
        """What has grown after the warm-up, in sentences."""
        return [
            f"{name}: {sentence}"
            for name, figures in (("clients", self.clients), ("agent", self.agent))
            for sentence in growth([one for one in figures if one.at_s >= warm_up_s], conversations)
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; return the exit code."""
    options = _options(arguments)
    warm_up_s = options.warm_up or min(WARM_UP_S, options.seconds / 3)
    with agent_process() as agent:
        people, course = asyncio.run(soak(agent, options.conversations, options.seconds))
    course.print()
    print(
        f"\n{options.conversations} conversations for {options.seconds:g} s: "
        f"{sum(person.questions for person in people)} questions, "
        f"{sum(person.answers for person in people)} answers, "
        f"{sum(person.interruptions for person in people)} interruptions"
    )
    failures = course.growth(warm_up_s, options.conversations)
    unheard = sum(not person.questions or not person.answers for person in people)
    if unheard:
        failures.append(f"{unheard} people were not understood, or not answered")
    print("\n".join(failures) or "nothing has grown")
    return 1 if failures else 0


async def soak(
    agent: AgentProcess, conversations: int, seconds: float
) -> tuple[list[Person], Course]:
    """Hold the conversations, measuring each second; return what was heard, and measured."""
    people, course = [Person() for _ in range(conversations)], Course()
    until = asyncio.Event()
    began_s = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number, person in enumerate(people):
            beginning_at = number * len(CYCLE) // conversations
            group.create_task(person.talk(agent.url, beginning_at, until))
        while (at_s := time.monotonic() - began_s) < seconds:
            course.measure(agent, at_s)
            await asyncio.sleep(1.0)
        until.set()
    return people, course


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="soak conversations", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--conversations", type=int, default=20)
    parser.add_argument("--warm-up", type=float, help="by default a third, at most 60 s")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
