"""A module's source as a generator sees it: what it defines, and where its names come from."""

from __future__ import annotations

import ast
import builtins
import inspect
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Source:
    """The source of one module."""

    def __init__(self, module: ModuleType) -> None:
        self.name = module.__name__
        self._tree = ast.parse(inspect.getsource(module))
        self._imports = dict(_imports(self._tree.body))
        self._imports_for_types: dict[str, str] = {}
        for node in self._tree.body:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                self._imports_for_types |= _imports(node.body)

    @classmethod
    def of(cls, defined: Any) -> Source:
        """The source of the module in which a class or a function is defined."""
        return cls(import_module(defined.__module__))

    def class_(self, name: str) -> ast.ClassDef:
        """A class of the module."""
        return next(
            node for node in self._tree.body if isinstance(node, ast.ClassDef) and node.name == name
        )

    def function(self, name: str) -> Function:
        """A function of the module."""
        return next(
            node for node in self._tree.body if isinstance(node, Function) and node.name == name
        )

    def imports(self, names: set[str]) -> Imports:
        """The statements that make names mean elsewhere what they mean in this module.

        Raises:
            LookupError: a name is nothing at all.
        """
        imports = Imports()
        for name in names:
            if name in self._imports:
                imports.always.add(self._imports[name])
            elif name in self._imports_for_types:
                imports.for_types.add(self._imports_for_types[name])
            elif name in self._defined():
                imports.always.add(f"from {self.name} import {name}")
            elif not hasattr(builtins, name):
                raise LookupError(f"{self.name} says {name!r}, which is defined nowhere")
        return imports

    def _defined(self) -> set[str]:
        return {name for node in self._tree.body for name in assigned(node)}


@dataclass
class Imports:
    """Import statements: those for always, and those that only a type checker needs."""

    always: set[str] = field(default_factory=set)
    for_types: set[str] = field(default_factory=set)

    def add(self, other: Imports) -> None:
        """Import what another one imports, too."""
        self.always |= other.always
        self.for_types |= other.for_types

    def statements(self, *, besides: str) -> str:
        """The statements, for a module that needs not import itself."""
        own = f"from {besides} import "
        always = {statement for statement in self.always if not statement.startswith(own)}
        for_types = sorted(self.for_types)
        lines = ["from __future__ import annotations", *sorted(always)]
        if for_types:
            lines += ["from typing import TYPE_CHECKING", "if TYPE_CHECKING:"]
            lines += [f"    {statement}" for statement in for_types]
        return "\n".join(lines)


def mentioned(*nodes: ast.AST | None) -> set[str]:
    """The names in some pieces of source."""
    return {
        part.id
        for node in nodes
        if node is not None
        for part in ast.walk(node)
        if isinstance(part, ast.Name)
    }


def _imports(body: list[ast.stmt]) -> dict[str, str]:
    statements = {}
    for node in body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for alias in node.names:
            name = alias.asname or alias.name
            spelled = alias.name + (f" as {alias.asname}" if alias.asname else "")
            origin = f"from {node.module} " if isinstance(node, ast.ImportFrom) else ""
            statements[name.partition(".")[0]] = f"{origin}import {spelled}"
    return statements


def assigned(node: ast.stmt) -> set[str]:
    """The names that a statement defines, imports apart."""
    if isinstance(node, ast.ClassDef | Function):
        return {node.name}
    if isinstance(node, ast.AnnAssign):
        return mentioned(node.target)
    if isinstance(node, ast.Assign):
        return mentioned(*node.targets)
    return set()
