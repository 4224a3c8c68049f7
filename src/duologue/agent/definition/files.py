"""Reading agents' definitions from YAML and JSON files, and saying what is wrong with them.

A folder may be a project of ElevenLabs' command line: then its `agents.json` names the files and
the agents' ids.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final

import yaml
from pydantic import ValidationError

from duologue.agent.definition.elevenlabs import Split, keys_at
from duologue.agent.definition.mistakes import Path, dotted, mistakes_of, unknown_key
from duologue.agent.definition.schema import AgentDefinition
from duologue.agent.definition.unused import unused_settings
from duologue.errors import AgentDefinitionError

JSON: Final = ".json"
SUFFIXES: Final = frozenset({".yaml", ".yml", JSON})

PROJECT: Final = "agents.json"
"""The file of ElevenLabs' command line that names the others."""


@dataclass(frozen=True)
class ReadDefinition:
    """An agent, as a file defines it.

    Attributes:
        definition: what our agent acts on.
        without_effect: the dotted names of what the file sets besides.
    """

    definition: AgentDefinition
    without_effect: tuple[str, ...]


def load_definition(path: FilePath | str) -> AgentDefinition:
    """The agent that a file defines; without `agent_id` there, the file's name is its id.

    Raises:
        AgentDefinitionError: the file cannot be read or is wrong. Each line of the sentence names
            the file, the line, the key, what came, and what was expected.
    """
    return _read_definition(FilePath(path), None).definition


def load_definitions(path: FilePath | str) -> dict[str, AgentDefinition]:
    """The agents of a file, or of all files directly in a folder, by their ids.

    Raises:
        AgentDefinitionError: as for `read_definitions`.
    """
    return {name: read.definition for name, read in read_definitions(path).items()}


def read_definitions(path: FilePath | str) -> dict[str, ReadDefinition]:
    """As `load_definitions`, with what has no effect.

    Raises:
        AgentDefinitionError: nothing is there, a file is wrong (all wrong files are told), or two
            files define the same agent.
    """
    found: dict[str, ReadDefinition] = {}
    origins: dict[str, FilePath] = {}
    mistakes: list[str] = []
    for file, given_id in _files(FilePath(path)):
        try:
            read = _read_definition(file, given_id)
        except AgentDefinitionError as error:
            mistakes.append(str(error))
            continue
        agent_id = read.definition.agent_id
        if agent_id in found:
            mistakes.append(f"{file}: agent_id {agent_id!r} is already that of {origins[agent_id]}")
        found[agent_id] = read
        origins[agent_id] = file
    if mistakes:
        raise AgentDefinitionError("\n".join(mistakes))
    return found


def _read_definition(file: FilePath, given_id: str | None) -> ReadDefinition:
    document = _parse(file)
    split = Split(document.content, AgentDefinition)
    content = {"agent_id": file.stem} | split.content
    if given_id is not None:
        content["agent_id"] = given_id
    mistakes = [(path, unknown_key(path, keys_at(path[:-1]))) for path in split.unknown]
    definition = None
    try:
        definition = AgentDefinition.model_validate(content)
    except ValidationError as error:
        mistakes += mistakes_of(error, AgentDefinition, keys_at)
    if definition is None or mistakes:
        lines = sorted((document.line_of(where), what) for where, what in mistakes)
        sentences = [f"{file}, line {line}: {what}" for line, what in lines]
        raise AgentDefinitionError("\n".join(sentences))
    return ReadDefinition(definition, (*split.without_effect, *unused_settings(definition)))


def _files(place: FilePath) -> list[tuple[FilePath, str | None]]:
    """The files of agents, and the ids that they get from elsewhere."""
    if place.name == PROJECT and place.is_file():
        return _project_files(place)
    if not place.is_dir():
        return [(place, None)]
    if (place / PROJECT).is_file():
        return _project_files(place / PROJECT)
    files = sorted(file for file in place.iterdir() if file.suffix in SUFFIXES)
    if not files:
        raise AgentDefinitionError(
            f"{place} has no agent: expected at least one .yaml or .json file in the folder, or "
            f"the {PROJECT} of ElevenLabs' command line"
        )
    return [(file, None) for file in files]


def _project_files(project: FilePath) -> list[tuple[FilePath, str | None]]:
    agents = _parse(project).content.get("agents")
    if not isinstance(agents, list) or not agents:
        raise AgentDefinitionError(
            f"{project} names no agent: expected a list `agents` with a `config` for each; "
            "`elevenlabs agents add` makes one"
        )
    files = []
    for position, agent in enumerate(agents):
        config = agent.get("config") if isinstance(agent, dict) else None
        if not isinstance(config, str):
            raise AgentDefinitionError(
                f"{project}: agents[{position}] needs a `config`, the path of its file"
            )
        given_id = agent.get("id")
        files.append((project.parent / config, given_id if isinstance(given_id, str) else None))
    return files


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


def _parse(file: FilePath) -> _Document:
    text = _read(file)
    if file.suffix == JSON:
        return _parse_json(file, text)
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


def _parse_json(file: FilePath, text: str) -> _Document:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(name for name, _ in pairs)
        if twice := [name for name, count in counts.items() if count > 1]:
            raise AgentDefinitionError(f"{file}: {twice[0]} comes twice; expected each key once")
        return dict(pairs)

    try:
        content = json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise AgentDefinitionError(
            f"{file}, line {error.lineno}: this is not JSON: {error.msg}"
        ) from error
    except RecursionError as error:
        raise AgentDefinitionError(f"{file} is nested too deeply") from error
    if not isinstance(content, dict):
        raise AgentDefinitionError(f"{file}: expected an object at the top")
    return _Document(content, _lines_of_json(file, text))


def _lines_of_json(file: FilePath, text: str) -> dict[Path, int]:
    """The line of each key, as YAML's parser tells it, for which JSON has no tabs."""
    with suppress(yaml.YAMLError, ValueError, RecursionError):
        node = yaml.compose(text.replace("\t", " "), yaml.SafeLoader)
        if isinstance(node, yaml.MappingNode):
            return dict(_lines(file, node))
    return {}


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
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise AgentDefinitionError(f"{file} does not exist: expected an agent's file") from (error)
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
