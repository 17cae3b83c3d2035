"""Expressions of a layer's equations -> ir: subscripts become Views and Picks, reductions are over named indices.

Outside an array is 0; a reduction by max or min takes no notice of places outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import count
from math import floor, inf, isfinite, prod

from netc.compiler.calculus import ir
from netc.compiler.calculus.laws import spread
from netc.compiler.calculus.primitives import ONE, ZERO
from netc.compiler.lower.expressions import BINARY, COMPARE
from netc.compiler.lower.index_ranges import BATCH
from netc.compiler.lower.layer_activations import activation_of
from netc.compiler.lower.layer_faults import fault
from netc.compiler.lower.layer_text import TRAINING
from netc.compiler.lower.reads import name_of, subscripts
from netc.compiler.lower.subscripts import Floor, Linear, linear
from netc.compiler.meaning.kinds import ELEMENTWISE, FUNCTION_NAMES
from netc.compiler.meaning.resolve_values import CONSTANTS, number_or_none
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.record import record
from netc.dsl.walks import dotted

INSIDE = "inside"
"""inside(x[h + p - 1, c]): 1 where the array has such a place, else 0."""


@record
class Array:
    var: ir.Var
    slots: tuple[ir.Axes, ...]
    """The axes of each of its indices: one, or those of an image that is read as a row."""


@dataclass
class Values:
    arrays: dict[str, Array]
    absent: set[str]
    axes: Mapping[str, ir.Axes]
    """Of each index."""
    sizes: Mapping[str, int]
    lead: ir.Axes
    """Leading axes: the layer acts for each of their places as for each sample."""
    functions: Mapping[str, ast.Activation | ast.Schedule]
    name: str
    """Of the layer, for axes of its own."""
    noun: str = "layer"
    """What the equations are of, for messages."""

    def __post_init__(self) -> None:
        self.fresh = count(1)
        self.edges: list[ir.Expr] = []
        """Of what was read since it was emptied: 1 where a place lies inside its array, 0 outside."""

    def of(self, expr: ast.Expr) -> ir.Expr:
        if (value := number_or_none(expr)) is not None and not isinstance(expr, ast.Name):
            return ir.Const(value)
        match expr:
            case ast.Name(id):
                return self._name(expr, id)
            case ast.Unary(op, operand):
                return ir.apply("neg", self.of(operand)) if op == "-" else self.of(operand)
            case ast.Absolute(operand):
                return ir.apply("abs", self.of(operand))
            case ast.Binary(op, left, right):
                return _without_absent(op, self.of(left), self.of(right))
            case ast.Compare(op, left, right):
                return ir.apply(COMPARE[op], self.of(left), self.of(right))
            case ast.Logic(op, left, right):
                return ir.apply(op, self.of(left), self.of(right))
            case ast.Not(operand):
                return ir.apply("not", self.of(operand))
            case ast.Choose(then, condition, otherwise):
                return ir.apply("select", self.of(condition), self.of(then), self.of(otherwise))
            case ast.Index(ast.Name(id), index):
                return self._read(id, subscripts(index))
            case ast.Call(ast.Index(ast.Name(op), over), (argument,)):
                return self._reduction(op, subscripts(over), argument.value)
            case ast.Call(function, arguments):
                return self._call(expr, dotted(function) or "", arguments)
        raise fault("E0230", expr.span, f"this cannot stand in the equation of a {self.noun}")

    def _name(self, expr: ast.Expr, name: str) -> ir.Expr:
        if name in self.absent:
            return ZERO
        if name in self.arrays and not self.arrays[name].slots:
            return self.arrays[name].var
        if name in self.axes:
            if len(self.axes[name]) > 1:
                raise fault("E0230", expr.span, f"'{name}' runs over an image, it is no number")
            return ir.Place(self.axes[name][0])
        if name == TRAINING:
            return ir.TRAINING
        if name in CONSTANTS:
            return ir.Const(CONSTANTS[name])
        if name in self.arrays:
            raise fault("E0230", expr.span, f"'{name}' is an array: its indices are missing, {name}[...]")
        known = [*self.arrays, *self.axes]
        raise fault("E0230", expr.span, f"'{expr.span.text or name}' means nothing in this {self.noun}",
                    *(did_you_mean(name, known) or (f"known here: {', '.join(known)}",)))  # fmt: skip

    # -- reductions and functions ------------------------------------------------------------------

    def _reduction(self, op: str, over: tuple[ast.Expr, ...], argument: ast.Expr) -> ir.Expr:
        axes: ir.Axes = ()
        for index in over:
            axes += (ir.SAMPLES, *self.lead) if name_of(index) == BATCH else self.axes[name_of(index)]
        match op:
            case "max" | "min":
                return self._extreme(op, axes, argument)
        value = self.of(argument)
        if op == "softmax":
            value = spread(value, ir.union(value.axes, axes))
            largest = ir.apply("stop_gradient", ir.Reduce("max", value, axes))
            e = ir.apply("exp", ir.apply("sub", value, largest))
            return ir.apply("div", e, ir.Reduce("sum", e, axes))
        total = ir.Reduce("sum", spread(value, ir.union(value.axes, axes)), axes)
        if op == "sum":
            return total
        return ir.apply("div", total, _number_of(axes))

    def _extreme(self, op: ir.Reduction, axes: ir.Axes, argument: ast.Expr) -> ir.Expr:
        before, self.edges = self.edges, []
        value = self.of(argument)
        edges, self.edges = self.edges, before
        outside = -inf if op == "max" else inf
        if edges and isinstance(argument, ast.Index):
            value = _with_outside(value, outside)
        elif edges:
            inside = ir.apply("gt", _product(edges), ZERO)
            value = ir.apply("select", inside, value, ir.Const(outside))
        return ir.Reduce(op, spread(value, ir.union(value.axes, axes)), axes)

    def _call(self, call: ast.Expr, name: str, arguments: tuple[ast.Argument, ...]) -> ir.Expr:
        if name == INSIDE and len(arguments) == 1 and isinstance(arguments[0].value, ast.Index):
            before, self.edges = self.edges, []
            self.of(arguments[0].value)
            edges, self.edges = self.edges, before
            return _product(edges)
        positional = [a.value for a in arguments if a.name is None]
        if len(positional) == len(arguments):
            values = [self.of(v) for v in positional]
            if name in ("max", "min") and len(values) >= 2:
                return reduce(lambda a, b: ir.apply(name, a, b), values)
            if name == "where" and len(values) == 3:
                return ir.apply("select", *values)
            if ELEMENTWISE.get(name) == len(values):
                return ir.apply(name, *values)
        match self.functions.get(name.lower()):
            case ast.Activation() as definition:
                return activation_of(self.of, call, definition, arguments, self.functions, self.noun)
        if name in ("sum", "mean", "max", "min", "softmax") and len(arguments) == 1:
            raise fault("E0230", call.span, f"'{name}' says over which index: {name}[i](...)")
        if isinstance(call, ast.Call) and isinstance(call.function, ast.Index):
            what = call.function.span.text
            raise fault("E0230", call.span, f"'{what}' is of one expression, {len(arguments)} stand here")
        if name in ("norm", "dot"):
            inner = "x[i]^2" if name == "norm" else "x[i]*y[i]"
            hint = f"sqrt(sum[i]({inner}))" if name == "norm" else f"sum[i]({inner})"
            raise fault("E0230", call.span, f"'{name}' does not say over which index", hint)
        known = [*FUNCTION_NAMES, *self.functions, INSIDE]
        raise fault(
            "E0230",
            call.span,
            f"there is no function '{name}' of {len(arguments)} in a {self.noun}",
            *did_you_mean(name, known),
        )

    # -- reading arrays ----------------------------------------------------------------------------

    def _read(self, name: str, found: tuple[ast.Expr, ...]) -> ir.Expr:
        if name in self.absent:
            return ZERO
        array = self.arrays[name]
        moved = [
            (slot, s) for slot, s in zip(array.slots, found, strict=True) if self.axes.get(name_of(s)) != slot
        ]
        value: ir.Expr = array.var
        places: list[tuple[ir.Axis, ast.Expr]] = []
        for slot, subscript in moved:
            if len(slot) > 1:
                raise fault("E0230", subscript.span, "an image that is read as a row is read with one index")
            (axis,) = slot
            others = {
                a for _, s in moved if s is not subscript for n in self._indices(s) for a in self.axes[n]
            }
            if axis in others:  # its name is about to be another's
                apart = ir.Axis(f"{self.name}.{next(self.fresh)}", axis.size)
                value, axis = ir.View(value, axis, ir.Index(((apart, 1),))), apart
            places.append((axis, subscript))
        for axis, subscript in places:
            value = self._at(value, axis, subscript)
        return value

    def _indices(self, subscript: ast.Expr) -> set[str]:
        place = linear(subscript, self.axes)
        return set(place.names) if place else set()

    def _at(self, value: ir.Expr, axis: ir.Axis, subscript: ast.Expr) -> ir.Expr:
        """The value read at a place along the axis."""
        place = linear(subscript, self.axes)
        number = number_or_none(subscript)
        if number is not None and not (isfinite(number) and number == floor(number)):
            raise fault("E0228", subscript.span, f"a place is a whole number, this is {number:g}")
        if place is None or (place.names and not place.names <= set(self.axes)):
            return ir.Pick(value, axis, self.of(subscript))
        if any(len(self.axes[n]) > 1 for n in place.names):
            raise fault("E0230", subscript.span, "an index over an image stands alone")
        return self._view(value, axis, place, subscript)

    def _view(self, value: ir.Expr, axis: ir.Axis, place: Linear, subscript: ast.Expr) -> ir.Expr:
        rounded = False
        if len(place.terms) == 1 and isinstance(part := place.terms[0][0], Floor) and place.terms[0][1] == 1:
            place, rounded = part.inner.plus(Linear((), place.offset)), True
        inner: list[tuple[ir.Axis, Linear]] = []
        divisor, terms = place.divisor, []
        for part, factor in place.terms:
            if isinstance(part, str):
                there = self.axes[part][0]
            else:
                least, most = (floor(b) for b in part.inner.bounds(self.sizes))
                if least < 0:
                    raise fault("E0228", subscript.span, "what is rounded down here goes below 0")
                there = ir.Axis(f"{self.name}.{next(self.fresh)}", most + 1)
                inner.append((there, Linear(((part, Fraction(1)),))))
            terms.append((there, int(factor * divisor)))
        index = ir.Index(tuple(terms), int(place.offset * divisor), divisor, rounded)
        low, high = place.bounds(self.sizes)
        assert axis.size is not None
        if not rounded and not place.is_a_place:
            raise fault("E0222", subscript.span, f"no place that this reads is a whole number: {place.offset} is left over",
                        "floor(...) rounds down")  # fmt: skip
        if low >= axis.size or high < 0:
            raise fault("E0222", subscript.span, f"no place that this reads is inside: the array has {axis.size} there",
                        "places are counted from 0")  # fmt: skip
        if low < 0 or floor(high) >= axis.size or (divisor > 1 and not rounded):
            edge: ir.Expr = ir.View(ir.Const(1.0, (axis,)), axis, index)
            for there, part_of in inner:
                edge = self._view(edge, there, part_of, subscript)
            self.edges.append(edge)
        value = ir.View(value, axis, index)
        for there, part_of in inner:
            value = self._view(value, there, part_of, subscript)
        return value


def _without_absent(op: str, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    """An array that is left out adds nothing."""
    if right is ZERO and op in "+-":
        return left
    return right if left is ZERO and op == "+" else ir.apply(BINARY[op], left, right)


def _number_of(axes: ir.Axes) -> ir.Expr:
    """How many places there are; of samples it is known only when it runs."""
    known = ir.Const(float(prod(a.size or 1 for a in axes)))
    if ir.SAMPLES not in axes:
        return known
    samples = ir.Reduce("sum", ir.Const(1.0, (ir.SAMPLES,)), (ir.SAMPLES,))
    return samples if known.value == 1 else ir.apply("mul", known, samples)


def _product(factors: list[ir.Expr]) -> ir.Expr:
    return reduce(lambda a, b: ir.apply("mul", a, b), factors[1:], factors[0]) if factors else ONE


def _with_outside(value: ir.Expr, outside: float) -> ir.Expr:
    match value:
        case ir.View(arg, axis, index):
            return ir.View(_with_outside(arg, outside), axis, index, outside)
    return value
