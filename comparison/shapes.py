"""Values of a kind, made of what comes from outside: what does not fit is refused, and its place named."""

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable, Mapping
from enum import EnumType
from typing import Any, Literal

_hints = functools.cache(typing.get_type_hints)

Rules = Mapping[Any, Callable[[Any], Any]]
"""Kind -> what is done first with what is given for it, where JSON has that in another way."""


def make(kind: Any, value: Any, name: str = "it", rules: Rules = types.MappingProxyType({})) -> Any:
    """A value of a kind: a plain type, an enumeration, a dataclass, tuples and mappings of them, or one of these or
    None. It is made of what JSON has for it; one that is there already is taken as it is. A number must be finite.
    Raises TypeError and ValueError, with the place inside of `name` that does not fit."""
    if kind in rules and isinstance(value, Mapping | str):
        value = rules[kind](value)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        (kind,) = set(arguments) - {types.NoneType}
        return None if value is None else make(kind, value, name, rules)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        for field in dataclasses.fields(kind):
            if field.name not in value and field.default is field.default_factory:  # it has neither
                raise TypeError(f"{name} has no {field.name!r}")
        hints = [(field, inner) for field, inner in _hints(kind).items() if field in value]
        return kind(**{field: make(inner, value[field], f"{name}.{field}", rules) for field, inner in hints})
    elif origin is tuple and isinstance(value, list | tuple):
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) == len(value):
            return tuple(make(kinds[place], item, f"{name}[{place}]", rules) for place, item in enumerate(value))
    elif origin is Mapping and isinstance(value, Mapping):
        if arguments[0] is int:  # in JSON every key is a text
            value = {int(key): item for key, item in value.items()}
        return {
            make(arguments[0], key, f"a key of {name}"): make(arguments[1], item, f"{name}[{key!r}]", rules)
            for key, item in value.items()
        }
    elif isinstance(kind, EnumType) and value in list(kind):
        return kind(value)
    elif kind is float and type(value) in (int, float):
        if math.isfinite(value):
            return value
    elif kind in (type(value), Any, object) or (origin is Literal and value in arguments):
        return value
    raise TypeError(f"{name} is no {getattr(kind, '__name__', kind)}")
