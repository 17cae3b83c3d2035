"""Loops -> the same loops, in which pieces that are equal but for the places of arrays are one function.

What differs between equal layers, and between the two modes of one, is where their arrays lie: the constants with names.
A piece becomes a function of these, and is compiled once for all layers that are like it; compiling takes the longer the
more different layers a network has, not the deeper it is. Chooses nothing of the loops themselves.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from netc.compiler.kernels import loops as L
from netc.dsl.record import parts


@dataclass
class Outline:
    """Of one module: its pieces, the equal ones once."""

    types: Mapping[str, str]
    """Of the names that pieces are given; what is not in it they give themselves."""
    made: dict[str, L.Function] = field(default_factory=dict)
    """By what they say; 0.0 and -0.0 are not the same."""
    counts: Counter[str] = field(default_factory=Counter)
    """Of their names."""

    def piece(self, what: str, body: Sequence[L.Stmt]) -> L.Stmt:
        """The call of the body as a function. Local names in equal bodies must be equal."""
        places: dict[str, L.Int] = {}
        inside = tuple(_placed(s, places) for s in body)
        used = {n.id for n in L.nodes(inside) if isinstance(n, L.Name)}
        given = tuple(n for n in self.types if n in used)
        parameters = (*given, *(at for at in _numbered(len(places))))
        key = repr((parameters, inside))
        if key not in self.made:
            types = (*(self.types[n] for n in given), *("int64" for _ in places))
            self.made[key] = L.Function(self._name(what), parameters, inside, types=types)
        return L.Do(L.Call(self.made[key].name, (*(L.Name(n) for n in given), *places.values())))

    @property
    def functions(self) -> list[L.Function]:
        return list(self.made.values())

    def _name(self, what: str) -> str:
        """Without the layer's number: a deeper network has the same functions."""
        word = "make_" + re.sub(r"[^A-Za-z]+", "_", what).strip("_")
        self.counts[word] += 1
        return word if self.counts[word] == 1 else f"{word}_{self.counts[word]}"


class Placed(NamedTuple):
    """A function that is given the places of the arrays it is about, and these places."""

    function: L.Function
    places: tuple[L.Int, ...]

    def call(self, *given: str) -> L.Call:
        return L.call(self.function.name, *given, *self.places)


def by_places(function: L.Function) -> Placed:
    """Of a function with declared types: the same one for all networks in which it stands."""
    places: dict[str, L.Int] = {}
    body = tuple(_placed(s, places) for s in function.body)
    parameters = (*function.parameters, *_numbered(len(places)))
    types = (*function.types, *("int64" for _ in places))
    return Placed(replace(function, parameters=parameters, body=body, types=types), tuple(places.values()))


def _numbered(count: int) -> Iterator[str]:
    return (f"at{i}" for i in range(count))


def _placed(node: Any, places: dict[str, L.Int]) -> Any:
    """With a parameter in the place of each constant that has a name."""
    match node:
        case L.Int(_, name) if name:
            places.setdefault(name, node)
            return L.Name(f"at{list(places).index(name)}")
        case tuple():
            return tuple(_placed(n, places) for n in node)
        case _ if names := parts(type(node)):
            return replace(node, **{name: _placed(getattr(node, name), places) for name in names})
        case _:
            return node
