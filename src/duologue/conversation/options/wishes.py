"""What else the server is asked for: which version of the agent, and how the way there is given."""

from __future__ import annotations

from duologue.connection.http.endpoints import wishes_of
from duologue.conversation.options.reading import Options, flag, optional_text


def of_conversation(options: Options) -> dict[str, str]:
    """For the conversation itself.

    Raises:
        TypeError, ValueError: a value of the wrong kind, or an empty one.
    """
    return wishes_of(
        branch_id=optional_text(options, "branch_id"),
        version_id=optional_text(options, "version_id"),
    )


def of_signed_url(options: Options) -> dict[str, str]:
    """For a signed URL; see `get_signed_url`.

    Raises:
        TypeError, ValueError: as for `of_conversation`.
    """
    return of_conversation(options) | wishes_of(
        include_conversation_id=flag(options, "include_conversation_id", default=False),
        debug_events_request=flag(options, "debug_events_request", default=False),
    )


def of_token(options: Options) -> dict[str, str]:
    """For a token; see `get_conversation_token`.

    Raises:
        TypeError, ValueError: as for `of_conversation`.
    """
    return of_conversation(options) | wishes_of(
        participant_name=optional_text(options, "participant_name"),
        debug_events_request=flag(options, "debug_events_request", default=False),
    )
