"""The conversations: each class that they are made of has a counterpart, in a file of its own."""

from __future__ import annotations

import ast
from typing import Final, TypeGuard

from duologue import conversation as asyncio_side
from duologue.blocking.base import BlockingBase
from duologue.conversation.senders import Senders
from scripts.generate_blocking.names import Function, Imports, Source, assigned, mentioned
from scripts.generate_blocking.pieces import (
    Definition,
    class_,
    counterpart_of,
    decorators,
    docstring,
    function,
    handed_on,
)

FOR_THE_START: Final = {"prepare", "abandon", "begin"}
"""Public methods of a conversation that are not for its users."""

LEFT_TO_THE_BASE: Final = {"__init__", "__aiter__"}
"""Special methods for which `BlockingBase` has its own."""

ASYNC_TYPES: Final = {
    "AsyncGenerator",
    "AsyncIterable",
    "AsyncIterator",
    "Awaitable",
    "Coroutine",
    "EventIterator",
    "asyncio",
}
"""What a blocking caller could not use if it were returned."""


def conversation_definitions() -> list[Definition]:
    """The counterparts of all conversation classes."""
    return [_counterpart(cls) for cls in _classes()]


def counterparts() -> dict[str, str]:
    """For the name of each conversation class the import of its counterpart."""
    return {
        cls.__name__: f"from {counterpart_of(cls.__module__)} import {cls.__name__}"
        for cls in _classes()
    }


def signature_imports(source: Source, node: Function) -> Imports:
    """What a signature needs, with blocking conversations in place of the others."""
    return blocking_imports(source, mentioned(node.args, node.returns, *node.decorator_list))


def blocking_imports(source: Source, names: set[str]) -> Imports:
    """What names of a module need, with blocking conversations in place of the others."""
    blocking = counterparts()
    imports = source.imports(names - blocking.keys())
    imports.always |= {blocking[name] for name in names & blocking.keys()}
    return imports


def _classes() -> list[type]:
    """Spoken and written conversations, and the classes of ours that they are made of."""
    kinds = (asyncio_side.VoiceConversation, asyncio_side.TextConversation)
    classes = [cls for kind in kinds for cls in kind.__mro__ if _is_ours(cls)]
    return sorted(dict.fromkeys(classes), key=lambda cls: len(cls.__mro__))


def _counterpart(cls: type) -> Definition:
    source = Source.of(cls)
    node = source.class_(cls.__name__)
    members = [member for member in node.body if _is_offered(member, cls)]
    bases = [base for base in cls.__bases__ if _is_ours(base)]
    imports = blocking_imports(source, {base.__name__ for base in bases})
    for member in members:
        imports.add(signature_imports(source, member))
    if not bases:
        imports.always.add("from duologue.blocking.base import BlockingBase")
    asyncio_name = f"Asyncio{cls.__name__}"
    imports.always.add(f"from {cls.__module__} import {cls.__name__} as {asyncio_name}")
    text = class_(
        cls.__name__,
        ", ".join(base.__name__ for base in bases) or "BlockingBase",
        docstring(node),
        f"_conversation: {asyncio_name}",
        *[function(member, _call(cls, member)) for member in members],
    )
    return Definition(source.name, imports, text)


def _call(cls: type, node: Function) -> str:
    target = f"self._conversation.{node.name}"
    if "property" in decorators(node):
        return f"self._in_loop(lambda: {target})"
    arguments = handed_on(node)
    if cls is Senders:  # these alone may be called from any thread
        return f"{target}({arguments})"
    way = "_wait_for" if isinstance(node, ast.AsyncFunctionDef) else "_in_loop"
    return f"self.{way}(lambda: {target}({arguments}))" if arguments else f"self.{way}({target})"


def _is_offered(member: ast.stmt, cls: type) -> TypeGuard[Function]:
    """Whether a member of this class is for users, and not left to `BlockingBase`.

    Raises:
        NotImplementedError: it is something of which no counterpart can be made.
    """
    if isinstance(member, ast.Expr | ast.Pass):
        return False
    if not isinstance(member, Function):
        if any(not name.startswith("_") for name in assigned(member)):
            raise NotImplementedError(
                f"{cls.__name__}: {ast.unparse(member)} is no method and no property"
            )
        return False
    if member.name in LEFT_TO_THE_BASE or member.name in vars(BlockingBase):
        return False
    if member.name in FOR_THE_START or "abstractmethod" in decorators(member):
        return False
    if member.name.startswith("_") and not member.name.startswith("__"):
        return False
    if (
        member.name.startswith("__")
        or decorators(member) - {"property", "overload"}
        or mentioned(member.returns) & ASYNC_TYPES
    ):
        raise NotImplementedError(
            f"{cls.__name__}.{member.name} needs a counterpart in BlockingBase"
        )
    return True


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith("duologue.")
