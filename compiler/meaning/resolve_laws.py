"""Laws of starts and their numbers, once the fans of a layer are known."""

from __future__ import annotations

from collections.abc import Mapping

from netc.compiler.meaning.resolve_values import number
from netc.compiler.meaning.spec import Law
from netc.dsl import ast

LAWS: Mapping[str, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "normal": ("mean", "deviation"),
    "orthogonal": ("gain",),
}
"""Laws to draw from and their arguments, in order."""

PLACE = ("fan_in", "fan_out", "layer")
"""What a law knows of the weights it draws: layers with weights are counted from 1."""
Fans = tuple[int, int, int]


def law_numbers(law: Law, fans: Fans | None) -> tuple[str, tuple[float, ...]]:
    """The law's name (`constant` where nothing is drawn) and its numbers in a layer with these fans.

    `fans`, values for PLACE, is None for theta, which has none. Raises NotANumber.
    """
    names = dict(law.arguments)
    if fans is not None:
        names |= zip(PLACE, map(float, fans), strict=True)
    for name, value in law.helpers:
        names[name] = number(value, names)
    match law.law:
        case ast.Call(ast.Name(kind), arguments) if law.drawn:
            given = {a.name or LAWS[kind][i]: number(a.value, names) for i, a in enumerate(arguments)}
            return kind, tuple(given[p] for p in LAWS[kind])
        case value:
            return "constant", (number(value, names),)
