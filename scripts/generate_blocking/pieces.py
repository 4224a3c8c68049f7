"""Pieces of generated source: definitions without `async`, and how arguments are handed on."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from textwrap import indent

from scripts.generate_blocking.docstrings import blocking_docstring
from scripts.generate_blocking.names import Function, Imports


@dataclass(frozen=True)
class Definition:
    """The counterpart of a class or a function.

    Attributes:
        origin: the name of the module in which the asyncio side defines it.
        imports: what it needs.
        text: its source.
    """

    origin: str
    imports: Imports
    text: str


def counterpart_of(module_name: str) -> str:
    """The name of the module with the counterparts of what one of `duologue` defines."""
    return module_name.replace("duologue.", "duologue.blocking.generated.", 1)


def decorators(node: Function) -> set[str]:
    """The decorators of a function, as they are spelled."""
    return {ast.unparse(decorator) for decorator in node.decorator_list}


def function(node: Function, call: str) -> str:
    """The function without `async`; it returns what `call` gives. Overloads have no body."""
    if "overload" in decorators(node):
        return f"{_signature(node)} ..."
    assert node.returns is not None, f"{node.name} does not say what it returns"
    returns_nothing = ast.unparse(node.returns) == "None"
    statement = call if returns_nothing else f"return {call}"
    return block(_signature(node), f"{docstring(node)}\n{statement}")


def class_(name: str, bases: str, *members: str) -> str:
    """A class of its members."""
    return block(f"class {name}({bases}):" if bases else f"class {name}:", "\n\n".join(members))


def block(head: str, body: str) -> str:
    """A head with its body below it."""
    return f"{head}\n{indent(body, '    ')}\n"


def docstring(node: Function | ast.ClassDef) -> str:
    """The docstring of a definition, for those who do not await."""
    text = ast.get_docstring(node)
    assert text is not None, f"{node.name} has no docstring"
    blocking = blocking_docstring(text)
    return f'"""{blocking}\n"""' if "\n" in blocking else f'"""{blocking}"""'


def handed_on(node: Function) -> str:
    """Every parameter but `self`, as an argument of a call."""
    named = [argument.arg for argument in node.args.posonlyargs + node.args.args]
    parts = [name for name in named if name != "self"]
    if node.args.vararg:
        parts.append(f"*{node.args.vararg.arg}")
    parts += [f"{argument.arg}={argument.arg}" for argument in node.args.kwonlyargs]
    if node.args.kwarg:
        parts.append(f"**{node.args.kwarg.arg}")
    return ", ".join(parts)


def _signature(node: Function) -> str:
    plain = ast.FunctionDef(
        name=node.name,
        args=node.args,
        body=[ast.Pass()],
        decorator_list=node.decorator_list,
        returns=node.returns,
        lineno=0,
    )
    return ast.unparse(plain).removesuffix("pass").rstrip()
