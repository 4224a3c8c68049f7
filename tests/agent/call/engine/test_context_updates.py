from __future__ import annotations

from livekit.agents.llm import ChatContext

from duologue.agent.call.engine.context_updates import UPDATES_LIMIT, ContextUpdates


def texts(context: ChatContext) -> list[str | None]:
    return [message.text_content for message in context.messages()]


def test_of_the_updates_with_one_id_only_the_latest_stays() -> None:
    context, updates = ChatContext.empty(), ContextUpdates()
    updates.add(context, "Page 1", "page")
    updates.add(context, "It rains.", None)
    updates.add(context, "It is late.", None)
    updates.add(context, "Page 2", "page")
    assert texts(context) == ["It rains.", "It is late.", "Page 2"]


def test_the_oldest_updates_go_and_what_was_said_stays() -> None:
    context, updates = ChatContext.empty(), ContextUpdates()
    updates.add(context, "Page 1", "page")
    context.add_message(role="user", content="Hello.")
    for number in range(UPDATES_LIMIT):
        updates.add(context, f"{number}", None if number % 2 else f"{number}")
    assert texts(context) == ["Hello.", *[f"{number}" for number in range(UPDATES_LIMIT)]]
    updates.add(context, "Page 2", "page")
    assert texts(context)[:2] == ["Hello.", "1"]
    assert len(context.items) == UPDATES_LIMIT + 1
