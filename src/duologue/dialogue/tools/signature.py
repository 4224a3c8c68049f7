"""How a tool's function is to be called with the parameters that an agent sends."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter
from typing import Any

import msgspec

from duologue.dialogue.tools.numbers import allows_null, with_numbers


class WrongParameters(ValueError):
    """An agent's parameters are not what the function takes; the sentence says what is wrong."""


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What a function is called with: `function(*positional, **by_name)`."""

    positional: tuple[Any, ...] = ()
    by_name: Mapping[str, Any] = field(default_factory=dict)


class ToolSignature:
    """The parameters of a function, as far as an agent has to know them.

    - A function without parameters gets none, whatever the agent sends.
    - A function with a single untyped parameter, or a single positional-only one, gets the whole
      object, in the latter case as its annotation says.
    - Any other gets the parameters by name. Each is validated against its annotation by
      `msgspec.convert`, which also makes dataclasses and the like; one without an annotation
      takes anything. Numbers may come as `numbers` says, and null stands for a default.

    Args:
        function: anything that can be called.

    Raises:
        TypeError: no object of parameters can be given to such a function, or an annotation
            cannot be understood.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        parameters = _parameters(function)
        self._whole = parameters[0] if _takes_whole_object(parameters) else None
        self._takes_none = not parameters
        self._by_name = {
            parameter.name: parameter
            for parameter in parameters
            if parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        }
        self._others = next((one for one in parameters if one.kind is Parameter.VAR_KEYWORD), None)
        if self._whole is None:
            _check_named(self._by_name)
        for parameter in parameters:
            _check_annotation(parameter)

    def arguments(self, sent: Mapping[str, Any]) -> Arguments:
        """What to call the function with.

        Raises:
            WrongParameters: one is missing, unknown, or of the wrong type.
        """
        if self._takes_none:
            return Arguments()
        if self._whole is not None:
            return Arguments(positional=(_converted(self._whole.name, self._whole, dict(sent)),))
        sent = {
            name: value
            for name, value in sent.items()
            if value is not None or not self._has_default(name)
        }
        self._check_names(sent)
        return Arguments(
            by_name={
                name: _converted(name, self._by_name.get(name) or self._others, value)
                for name, value in sent.items()
            }
        )

    def _has_default(self, name: str) -> bool:
        """True if null stands for a default, as in what several models write."""
        parameter = self._by_name.get(name)
        if parameter is None or parameter.default is Parameter.empty:
            return False
        return not allows_null(msgspec.inspect.type_info(_type_of(parameter)))

    def _check_names(self, sent: Mapping[str, Any]) -> None:
        for name, parameter in self._by_name.items():
            if name not in sent and parameter.default is Parameter.empty:
                raise WrongParameters(f"the parameter {name!r} is missing")
        for name in sent:
            if name not in self._by_name and self._others is None:
                known = ", ".join(repr(one) for one in self._by_name)
                raise WrongParameters(f"there is no parameter {name!r}; there are {known}")


def _parameters(function: Callable[..., object]) -> list[Parameter]:
    try:
        return list(inspect.signature(function, eval_str=True).parameters.values())
    except ValueError:  # some functions written in C have no signature that could be looked at
        return [Parameter("parameters", Parameter.POSITIONAL_ONLY)]
    except Exception as error:  # an annotation is code, and may raise anything
        raise TypeError(
            f"the annotations cannot be evaluated ({type(error).__name__}: {error}); "
            "they must be names that exist where the function is defined"
        ) from error


def _takes_whole_object(parameters: list[Parameter]) -> bool:
    if len(parameters) != 1:
        return False
    [parameter] = parameters
    if parameter.kind is Parameter.POSITIONAL_ONLY:
        return True
    return parameter.annotation is Parameter.empty and parameter.kind in (
        Parameter.POSITIONAL_OR_KEYWORD,
        Parameter.VAR_POSITIONAL,
    )


def _check_named(parameters: Mapping[str, Parameter]) -> None:
    for name, parameter in parameters.items():
        if parameter.kind is Parameter.POSITIONAL_ONLY:
            raise TypeError(
                f"the parameter {name!r} is positional-only, but an agent sends its parameters by "
                "name; a positional-only parameter must be the only one"
            )


def _check_annotation(parameter: Parameter) -> None:
    try:
        msgspec.json.Decoder(_type_of(parameter))
    except TypeError as error:
        raise TypeError(
            f"the annotation of the parameter {parameter.name!r} cannot be validated: {error}"
        ) from error


def _type_of(parameter: Parameter | None) -> Any:
    if parameter is None or parameter.annotation is Parameter.empty:
        return Any
    return parameter.annotation


def _converted(name: str, parameter: Parameter | None, value: Any) -> Any:
    wanted = _type_of(parameter)
    try:
        return msgspec.convert(
            with_numbers(msgspec.inspect.type_info(wanted), value), wanted, str_keys=True
        )
    except msgspec.ValidationError as error:
        raise WrongParameters(f"the parameter {name!r} is wrong: {error}") from error
