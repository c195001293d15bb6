"""Whether a value that comes from outside is what its annotations say."""

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Literal

_hints = functools.cache(typing.get_type_hints)


def check(value: Any, kind: Any, name: str) -> None:
    """Raises TypeError, with the place inside of `name`, where a value is not of a kind: a type, a dataclass with
    annotated fields, or what `typing` makes of them. A number must be finite."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in (Any, object) or origin is Callable:
        return
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, kind):
        for field, inner in _hints(kind).items():
            check(getattr(value, field), inner, f"{name}.{field}")
    elif origin is tuple and isinstance(value, tuple) and arguments[-1] is Ellipsis:
        for place, item in enumerate(value):
            check(item, arguments[0], f"{name}[{place}]")
    elif origin is tuple and isinstance(value, tuple) and len(value) == len(arguments):
        for place, item in enumerate(value):
            check(item, arguments[place], f"{name}[{place}]")
    elif origin is Mapping and isinstance(value, Mapping):
        for key, item in value.items():
            check(key, arguments[0], f"{name}, key {key!r}")
            check(item, arguments[1], f"{name}[{key!r}]")
    elif origin is types.UnionType:
        if not any(_fits(value, one) for one in arguments):
            raise TypeError(f"{name} is no {kind}")
    elif not _is_plain(value, kind):
        raise TypeError(f"{name} is no {getattr(kind, '__name__', kind)}")


def _fits(value: Any, kind: Any) -> bool:
    try:
        check(value, kind, "it")
    except TypeError:
        return False
    return True


def _is_plain(value: Any, kind: Any) -> bool:
    """Whether a value is of a kind that has no parts."""
    if typing.get_origin(kind) is Literal:
        return value in typing.get_args(kind)
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    if kind in (int, bool, str, bytes, types.NoneType):
        return type(value) is kind
    return isinstance(kind, type) and issubclass(kind, Enum) and isinstance(value, kind)
