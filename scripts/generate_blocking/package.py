"""The file `duologue/blocking/__init__.py`."""

from __future__ import annotations

from typing import Final

import duologue
from scripts.generate_blocking.entry import async_functions
from scripts.generate_blocking.pieces import counterpart_of

TEXT: Final = '''\
"""Conversations without `async`: the surface of `duologue` for programs without an event loop.

from duologue.blocking import Conversation

with Conversation.start_session(agent_id="…") as conversation:
    print(conversation.wait_until_ended())

Each conversation has an event loop in a thread of its own, and may be used from any thread, even
where another event loop is running, as in a notebook. Callbacks are plain functions. They are
called one after another in another thread, so that one which takes long stops neither sound nor
answers to pings; in them, too, everything may be used, `end_session` and `wait_until_ended`
included. Client tools and `on_mcp_tool_approval_request` may also be async functions: these run in
the conversation's event loop, plain ones in threads of their own.

Ctrl-C ends the session: while it starts, inside its `with` block, in `wait_until_ended`, and while
`for event in conversation` waits. A conversation that nobody ends goes on until the program is
over, and is ended then.

Values, errors and `ClientTools` are those of `duologue`. This file is made by `make blocking`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
{imports}

_HOME_OF = {homes}

__all__ = {names}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that importing the package stays quick."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'duologue.blocking' has no attribute {{name!r}}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({{*globals(), *__all__}})
'''


def package_module() -> str:
    """The package's own file, with its public names."""
    names = sorted(["Conversation", "TextConversation", "VoiceConversation", *async_functions()])
    homes = {name: counterpart_of(getattr(duologue, name).__module__) for name in names}
    return TEXT.format(
        imports="\n".join(f"    from {home} import {name}" for name, home in homes.items()),
        homes="{" + "".join(f'"{name}": "{home}",' for name, home in homes.items()) + "}",
        names="[" + "".join(f'"{name}",' for name in names) + "]",
    )
