"""The axes of each index of equations: those of an array that is given where the index runs over them, else its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netc.compiler.calculus import ir
from netc.compiler.lower.layer_text import LayerText
from netc.compiler.lower.reads import name_of, reads, subscripts
from netc.dsl import ast


def index_axes(
    text: LayerText,
    sizes: Mapping[str, int],
    given: Mapping[str, Sequence[ir.Axes]],
    name: str,
    last: str = "",
) -> dict[str, ir.Axes]:
    """`given`: of each array that is there before, the axes of its indices. `name` begins the names of axes, and is that
    of the index `last`."""
    found: dict[str, ir.Axes] = {}
    taken: set[ir.Axes] = set()
    for formula in text.formulas:
        for read in reads(formula.value):
            slots = given.get(read.base.id) if isinstance(read.base, ast.Name) else None
            if slots is None:
                continue
            for slot, subscript in zip(slots, subscripts(read.index), strict=True):
                index = name_of(subscript)
                if index in sizes and index not in found and slot not in taken:
                    found[index] = slot
                    taken.add(slot)
    for index, size in sizes.items():
        found.setdefault(index, (ir.Axis(name if index == last else f"{name}.{index}", size),))
    return found
