"""Are the equations of two layers the same but for names? Then what they compute is, for all inputs and parameters.

Lets are written as text in which axes and arrays have numbers instead of names, and terms of sums and products an order
of their own. Equal texts are a proof; unequal ones say nothing. Numbers count to 15 digits: those of a layer's parameters
are rounded when they are put together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from netc.compiler.calculus import ir

COMMUTES = ("add", "mul", "max", "min", "and", "or", "eq", "ne")


class Numbered:
    """The axes and arrays of one side, numbered as they are met; what is paired has its number before."""

    def __init__(self, axes: Mapping[ir.Axis, str], arrays: Mapping[str, str]) -> None:
        self.axes = dict(axes)
        self.arrays = dict(arrays)

    def text(self, steps: Sequence[ir.Step], name: str) -> str:
        """The lets, and which of them is asked for."""
        lines = [self._step(step) for step in steps]
        return "\n".join([*lines, self._array(name)])

    def _step(self, step: ir.Step) -> str:
        match step:
            case ir.Let():
                value = self._of(step.value)
                return f"{self._array(step.name)}{self._axes(step.axes)} = {value}"
            case ir.Scan(axis, lets, backward):
                for let in lets:  # they read one another
                    self._array(let.name)
                inside = "; ".join(self._step(let) for let in lets)
                return f"along {self._axis(axis)} {backward}: {inside}"
            case _:
                assert_never(step)

    def _array(self, name: str) -> str:
        return self.arrays.setdefault(name, f"l{len(self.arrays)}")

    def _axis(self, axis: ir.Axis) -> str:
        return self.axes.setdefault(axis, f"a{len(self.axes)}") + f":{axis.size}"

    def _axes(self, axes: ir.Axes) -> str:
        return "[" + ",".join(sorted(map(self._axis, axes))) + "]"

    def _of(self, e: ir.Expr) -> str:
        match e:
            case ir.Const(value, axes):
                return f"{value:.15g}{self._axes(axes)}"  # 1 - 0.9 is 0.1
            case ir.Var(name, axes):
                return f"{self._array(name)}{self._axes(axes)}"
            case ir.Apply(op, args):
                parts = [self._of(a) for a in args]
                return f"{op}({', '.join(sorted(parts) if op in COMMUTES else parts)})"
            case ir.Reduce(op, arg, over, per):
                inside = self._of(arg)
                return f"{op}{self._axes(over)}{per}({inside})"
            case ir.Place(axis):
                return f"place {self._axis(axis)}"
            case ir.View(arg, axis, index, outside):
                inside = self._of(arg)
                terms = sorted(f"{factor}*{self._axis(a)}" for a, factor in index.terms)
                where = f"{terms} + {index.offset} / {index.divisor} {index.floor} else {outside!r}"
                return f"view({inside}, {self._axis(axis)} at {where})"
            case ir.Pick(arg, axis, place):
                return f"pick({self._of(arg)}, {self._axis(axis)}, {self._of(place)})"
            case ir.Draw(law, arguments, purpose, axes):
                return f"{law}{arguments} {self._array(purpose)}{self._axes(axes)}"
            case _:
                assert_never(e)
