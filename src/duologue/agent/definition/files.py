"""Reading agents' definitions from YAML files, and saying line by line what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml
from pydantic import ValidationError

from duologue.agent.definition.mistakes import Path, dotted, mistakes_of
from duologue.agent.definition.schema import AgentDefinition
from duologue.errors import AgentDefinitionError

SUFFIXES = frozenset({".yaml", ".yml"})


def load_definition(path: FilePath | str) -> AgentDefinition:
    """The agent that a YAML file defines; without `agent_id` there, the file's name is its id.

    Raises:
        AgentDefinitionError: the file cannot be read or is wrong. Each line of the sentence names
            the file, the line, the key, what came, and what was expected.
    """
    file = FilePath(path)
    document = _parse(file)
    content = {"agent_id": file.stem} | document.content
    try:
        return AgentDefinition.model_validate(content)
    except ValidationError as error:
        mistakes = sorted(
            (document.line_of(where), what) for where, what in mistakes_of(error, AgentDefinition)
        )
        sentences = [f"{file}, line {line}: {what}" for line, what in mistakes]
        raise AgentDefinitionError("\n".join(sentences)) from error


def load_definitions(path: FilePath | str) -> dict[str, AgentDefinition]:
    """The agents of a YAML file, or of all YAML files directly in a folder, by their ids.

    Raises:
        AgentDefinitionError: nothing is there, a file is wrong (all wrong files are told), or two
            files define the same agent.
    """
    place = FilePath(path)
    files = _yaml_files(place) if place.is_dir() else [place]
    definitions: dict[str, AgentDefinition] = {}
    origins: dict[str, FilePath] = {}
    mistakes: list[str] = []
    for file in files:
        try:
            definition = load_definition(file)
        except AgentDefinitionError as error:
            mistakes.append(str(error))
            continue
        agent_id = definition.agent_id
        if agent_id in definitions:
            mistakes.append(f"{file}: agent_id {agent_id!r} is already that of {origins[agent_id]}")
        definitions[agent_id] = definition
        origins[agent_id] = file
    if mistakes:
        raise AgentDefinitionError("\n".join(mistakes))
    return definitions


@dataclass(frozen=True)
class _Document:
    """A parsed file: its content, and on which line each key or list item stands."""

    content: dict[str, Any]
    lines: dict[Path, int]

    def line_of(self, path: Path) -> int:
        """The line of a path, or of the nearest parent that the file has; the first is 1."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)


def _yaml_files(folder: FilePath) -> list[FilePath]:
    files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES)
    if not files:
        raise AgentDefinitionError(
            f"{folder} has no agent: expected at least one .yaml file in the folder"
        )
    return files


def _parse(file: FilePath) -> _Document:
    text = _read(file)
    try:
        # The loader itself refuses characters that YAML does not allow.
        loader = yaml.SafeLoader(text)
        try:
            return _document(file, loader)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(file, error) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise AgentDefinitionError(f"{file} is not YAML: {error}") from error


def _document(file: FilePath, loader: yaml.SafeLoader) -> _Document:
    node = loader.get_single_node()
    if node is None:
        raise AgentDefinitionError(f"{file} is empty: expected an agent's definition")
    if not isinstance(node, yaml.MappingNode):
        came = "a list" if isinstance(node, yaml.SequenceNode) else "a single value"
        raise AgentDefinitionError(
            f"{file}, line {node.start_mark.line + 1}: expected a mapping with keys such as "
            f"conversation_config at the top, but {came} came"
        )
    lines = dict(_lines(file, node))
    return _Document(loader.construct_document(node), lines)


def _read(file: FilePath) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise AgentDefinitionError(f"{file} does not exist: expected an agent's YAML file") from (
            error
        )
    except UnicodeDecodeError as error:
        raise AgentDefinitionError(f"{file} is not a text in UTF-8: {error.reason}") from error
    except OSError as error:
        raise AgentDefinitionError(f"{file} cannot be read: {error.strerror or error}") from error


def _not_yaml(file: FilePath, error: yaml.MarkedYAMLError) -> AgentDefinitionError:
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    problem = " ".join(part for part in (error.context, error.problem) if part)
    return AgentDefinitionError(f"{file}, line {line}: this is not YAML: {problem}")


def _lines(file: FilePath, top: yaml.MappingNode) -> Iterator[tuple[Path, int]]:
    """The line of every key and list item, from 1.

    Raises:
        AgentDefinitionError: a key comes twice in one mapping, which YAML forbids and its parser
            lets pass.
    """
    waiting: list[tuple[Path, yaml.Node]] = [((), top)]
    visited: set[yaml.Node] = set()
    while waiting:
        path, node = waiting.pop()
        if node in visited:
            # An alias may make a node its own child.
            continue
        visited.add(node)
        lines: dict[int | str, int] = {}
        for step, line, child in _children(node):
            inner = (*path, step)
            if step in lines:
                raise AgentDefinitionError(
                    f"{file}, line {line}: {dotted(inner)} came already on line {lines[step]}; "
                    "expected each key once"
                )
            lines[step] = line
            yield inner, line
            waiting.append((inner, child))


def _children(node: yaml.Node) -> Iterator[tuple[int | str, int, yaml.Node]]:
    """The keys or positions inside a node, each with its line and what stands there."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield position, item.start_mark.line + 1, item
