"""`@record`: a frozen dataclass that is made quickly, for the language and the compiler, which have hundreds of them.

`dataclass(frozen=True)` writes and compiles six methods a class: a third of a millisecond, and a fourth of all that
`netc diff` takes for two small rules. Here `__init__` alone is compiled, the others are shared. `fields`, `replace`,
`field`, `match` and inheritance are those of dataclasses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, field
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

C = TypeVar("C")


@overload
def record(cls: type[C]) -> type[C]: ...
@overload
def record(*, kw_only: bool) -> Callable[[type[C]], type[C]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[C] | None = None, *, kw_only: bool = False) -> Any:
    """Makes a class a frozen dataclass; two are equal if they are of one class and have equal fields."""
    return _made(cls, kw_only) if cls is not None else lambda c: _made(c, kw_only)


def _parts(cls: type) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else ()


parts: Callable[[type], tuple[str, ...]] = cache(_parts)
"""The names of the fields of a class; none where it is no dataclass."""


def _made(cls: type[C], kw_only: bool) -> type[C]:
    if not cls.__doc__:  # else `dataclass` makes one of the signature, which takes long
        cls.__doc__ = f"{cls.__name__}({', '.join(cls.__annotations__)})"
    dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    compared = [f.name for f in fields if f.compare] or ["__class__"]
    methods: dict[str, Callable[..., Any]] = {
        "__init__": _init(fields, hasattr(cls, "__post_init__")),
        "__repr__": _repr,
        "__setattr__": _refuse,
        "__delattr__": _refuse,
    }
    own = vars(cls)
    if "__eq__" not in own:
        methods["__eq__"] = _eq
    if own.get("__hash__") is None:
        methods["__hash__"] = _hash
    for name, method in methods.items():
        setattr(cls, name, method)
    cls._compared = attrgetter(*compared, compared[0])  # type: ignore[attr-defined]  # a tuple, of one name too
    return cls


def _init(fields: tuple[dataclasses.Field[Any], ...], post: bool) -> Callable[..., None]:
    known: dict[str, Any] = {"_set": object.__setattr__}
    given, lines = ["self"], []
    for f in sorted(fields, key=lambda f: f.kw_only is True):
        if f.kw_only and "*" not in given:
            given.append("*")
        if f.default_factory is not MISSING:
            raise TypeError(f"{f.name}: a record has no default_factory")
        if f.init:
            known[f"_{f.name}"] = f.default
            given.append(f.name if f.default is MISSING else f"{f.name}=_{f.name}")
            lines.append(f"_set(self, {f.name!r}, {f.name})")
    if post:
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(given)}):\n " + "\n ".join(lines or ["pass"]), known)
    made: Callable[..., None] = known["__init__"]
    return made


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self._compared(self) == self._compared(other)


def _hash(self: Any) -> int:
    return hash(self._compared(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr)
    return f"{type(self).__qualname__}({shown})"


def _refuse(self: object, name: str, *value: object) -> None:
    raise FrozenInstanceError(f"{type(self).__name__} is frozen: {name}")
