"""Ids of conversations and events."""

from duologue.agent.call.ids import new_conversation_id, new_event_ids


def test_a_conversation_id_is_conv_and_letters_and_digits() -> None:
    kind, _, rest = new_conversation_id().partition("_")
    assert kind == "conv"
    assert rest.isalnum()
    assert rest.isascii()


def test_no_two_conversations_have_one_id() -> None:
    assert len({new_conversation_id() for _ in range(1000)}) == 1000


def test_event_ids_count_from_one_for_each_conversation() -> None:
    one, other = new_event_ids(), new_event_ids()
    assert [one(), one(), other(), one()] == [1, 2, 1, 3]
