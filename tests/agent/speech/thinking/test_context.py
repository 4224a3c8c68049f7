from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import llm

from duologue.agent.speech.thinking.context import fit_context
from duologue.agent.speech.thinking.tokens import TOKENS_PER_ITEM, estimated_tokens


def conversation(*messages: tuple[llm.ChatRole, str]) -> llm.ChatContext:
    chat = llm.ChatContext.empty()
    for role, text in messages:
        chat.add_message(role=role, content=text)
    return chat


def texts(chat: llm.ChatContext) -> list[str]:
    return [item.text_content or "" for item in chat.items if item.type == "message"]


def size_tokens(chat: llm.ChatContext) -> int:
    return sum(estimated_tokens(text) + TOKENS_PER_ITEM for text in texts(chat))


def test_what_fits_is_left_as_it_is() -> None:
    chat = conversation(("system", "Be brief."), ("user", "Hello."))
    assert fit_context(chat, 100) is chat


def test_the_instructions_and_the_latest_messages_stay() -> None:
    talk: list[tuple[llm.ChatRole, str]] = [
        ("user" if n % 2 == 0 else "assistant", f"{n} " * 30) for n in range(100)
    ]
    chat = conversation(("system", "Be brief."), *talk)
    fitted = texts(fit_context(chat, 1000))
    assert fitted[0] == "Be brief."
    assert fitted[1:] == [text for _, text in talk][-len(fitted) + 1 :]
    assert 3 <= len(fitted) < 100


def test_updates_in_the_course_of_a_conversation_do_not_push_the_instructions_out() -> None:
    updates: list[tuple[llm.ChatRole, str]] = [("system", f"Update {n}. " * 5) for n in range(150)]
    chat = conversation(("system", "Be brief."), *updates, ("user", "What now?"))
    fitted = texts(fit_context(chat, 1000))
    assert fitted[0] == "Be brief."
    assert fitted[-1] == "What now?"
    assert fitted[-2] == updates[-1][1]


def test_the_given_conversation_is_not_changed() -> None:
    chat = conversation(("system", "s" * 900), ("user", "u" * 9000))
    fit_context(chat, 100)
    assert texts(chat) == ["s" * 900, "u" * 9000]


def test_a_message_longer_than_the_model_takes_loses_its_beginning() -> None:
    chat = conversation(("system", "Be brief."), ("user", "x" * 9000 + " What is this?"))
    fitted = texts(fit_context(chat, 200))
    assert fitted[0] == "Be brief."
    assert fitted[1].endswith(" What is this?")


def test_the_result_of_a_tool_does_not_stay_without_its_call() -> None:
    chat = conversation(("user", "What time is it?"))
    chat.items.append(llm.FunctionCall(call_id="1", name="time", arguments="x" * 3000))
    chat.items.append(
        llm.FunctionCallOutput(call_id="1", name="time", output="noon", is_error=False)
    )
    chat.add_message(role="assistant", content="It is noon.")
    assert texts(fit_context(chat, 200)) == ["It is noon."]


@given(
    st.text(max_size=2000),
    st.lists(st.text(max_size=2000), min_size=1, max_size=8),
    st.integers(64, 800),
)
def test_the_size_is_kept_and_the_latest_message_never_lost(
    instructions: str, messages: list[str], budget_tokens: int
) -> None:
    chat = conversation(("system", instructions), *(("user", text) for text in messages))
    fitted = fit_context(chat, budget_tokens)
    assert size_tokens(fitted) <= budget_tokens
    assert messages[-1].endswith(texts(fitted)[-1])


def test_a_growing_conversation_is_seldom_cut_so_that_the_model_need_not_read_it_anew() -> None:
    chat = conversation(("system", "Be brief."))
    beginnings = []
    for n in range(200):
        chat.add_message(role="user", content=f"Tell me about the number {n}.")
        beginnings.append(texts(fit_context(chat, 1000))[1])
    changes = sum(one != other for one, other in pairwise(beginnings))
    assert 1 <= changes <= 10
