"""Ways into a conversation: `Conversation`, its options, and the functions beside it."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from typing import is_typeddict

import duologue
from duologue import conversation as asyncio_side
from scripts.generate_blocking.conversations import blocking_imports, signature_imports
from scripts.generate_blocking.names import Function, Imports, Source, mentioned
from scripts.generate_blocking.pieces import (
    Definition,
    class_,
    counterpart_of,
    docstring,
    function,
    handed_on,
)


def async_functions() -> list[str]:
    """The names of the async functions of `duologue`."""
    return [
        name for name in duologue.__all__ if inspect.iscoroutinefunction(getattr(duologue, name))
    ]


def function_definitions() -> list[Definition]:
    """The async functions of `duologue`, each in an event loop of its own."""
    return [_function(name) for name in async_functions()]


def start_definition() -> Definition:
    """`Conversation`, whose starts are waited for."""
    source = Source.of(asyncio_side.Conversation)
    node = source.class_("Conversation")
    imports = Imports(
        {
            "from duologue.blocking.start import start",
            f"from {source.name} import Conversation as AsyncioConversation",
        }
    )
    members = []
    for member in node.body:
        if isinstance(member, Function):
            member.returns = _what_is_started(member.returns)
            imports.add(_with_blocking_options(source, member))
            call = f"start(AsyncioConversation.{member.name}, {handed_on(member)})"
            members.append(function(member, call))
    return Definition(source.name, imports, class_("Conversation", "", docstring(node), *members))


def option_definitions() -> list[Definition]:
    """The options of a start, whose callbacks get blocking conversations."""
    return [_options(name, options) for name, options in sorted(_option_classes().items())]


def _function(name: str) -> Definition:
    source = Source.of(getattr(duologue, name))
    node = source.function(name)
    imports = signature_imports(source, node)
    imports.always |= {
        "from duologue.blocking.loop_thread import run",
        f"from {source.name} import {name} as asyncio_{name}",
    }
    call = f'run(lambda: asyncio_{name}({handed_on(node)}), "{name}")'
    return Definition(source.name, imports, function(node, call))


def _options(name: str, options: type) -> Definition:
    source = Source.of(options)
    node = source.class_(name)
    annotations = [member for member in node.body if isinstance(member, ast.AnnAssign)]
    types = [annotation.annotation for annotation in annotations]
    imports = blocking_imports(source, mentioned(*node.bases, *types))
    bases = ", ".join(ast.unparse(base) for base in [*node.bases, *node.keywords])
    fields = "\n".join(ast.unparse(annotation) for annotation in annotations)
    return Definition(source.name, imports, class_(name, bases, docstring(node), fields))


def _what_is_started(returns: ast.expr | None) -> ast.expr:
    assert isinstance(returns, ast.Subscript)
    assert ast.unparse(returns.value) == "SessionStart"
    return returns.slice


def _with_blocking_options(source: Source, node: Function) -> Imports:
    options = mentioned(node.args) & _option_classes().keys()
    names = mentioned(node.args, node.returns, *node.decorator_list)
    imports = blocking_imports(source, names - options)
    imports.always |= {
        f"from {counterpart_of(_option_classes()[name].__module__)} import {name}"
        for name in options
    }
    return imports


def _option_classes() -> dict[str, type]:
    """The options that `Conversation` mentions, by name."""
    source = Source.of(asyncio_side.Conversation)
    home = vars(import_module(source.name))
    names = mentioned(source.class_("Conversation"))
    return {name: home[name] for name in names if is_typeddict(home.get(name))}
