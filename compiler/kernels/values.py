"""The value of a let -> statements and a name, for every kind of node; how the let's own loops go is each target's.

A part of a value is computed in the outermost loop in which all its axes are known, and once. A View is an index and,
where that may fall outside, a condition. A Pick is a sum over all places of which one counts. The sample in hand is `j`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import PRIMITIVES, TRUTHS, ZERO
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.vectors import COMBINE
from netc.dsl.record import record

NUMBERS = {"sum": "add", "max": "max", "min": "min"}


@record
class Layout:
    """Where arrays are: of a sample `array[first + place*stride + j]`, of a number `array[first + place]`."""

    array: str
    first: L.Expr
    stride: L.Expr
    axes: ir.Axes
    strides: Mapping[ir.Axis, int]
    """Places from one to the next along each axis but the samples."""


def strides(array: ir.Var, aliased: int = 0) -> dict[ir.Axis, int]:
    """Places from one to the next along each axis, the last one running fastest; one more where they are a multiple of
    `aliased`."""
    found: dict[ir.Axis, int] = {}
    inner = 1
    for a in reversed([a for a in array.axes if a != ir.SAMPLES]):
        if aliased and inner > 1 and inner % aliased == 0:
            inner += 1
        found[a] = inner
        inner *= a.size or 1
    return dict(reversed(found.items()))


@dataclass
class Scope:
    stmts: list[L.Stmt] = field(default_factory=list)
    names: dict[tuple[object, ...], L.Expr] = field(default_factory=dict)
    """What has been computed here: node and places -> its name."""


Places = Mapping[ir.Axis, tuple[L.Expr, int]]
"""The place along an axis, and the depth of the scope in which it is known."""


class ValueWriter:
    """Of one let."""

    def __init__(self, layouts: Mapping[str, Layout], fresh: Callable[[], str], places: Places) -> None:
        self.layouts, self.fresh, self.places = layouts, fresh, dict(places)
        self.scopes = [Scope()]
        self.opened: list[L.Name] = []
        """Of the loops that are open, the innermost last."""
        self.sample_depth = -1
        """Of the scope in which the sample, or the vector of them, is known; -1: plain numbers."""

    def open(self, axes: list[ir.Axis], places: Places) -> dict[ir.Axis, tuple[L.Expr, int]]:
        found = dict(places)
        for a in axes:
            self.scopes.append(Scope())
            self.opened.append(L.Name(self.fresh()))
            found[a] = (self.opened[-1], len(self.scopes) - 1)
        return found

    def close(self, axes: list[ir.Axis], depth: int) -> None:
        """The loops over these axes, the innermost first, down to the scope at `depth`."""
        for a in reversed(axes):
            body, name = self.scopes.pop().stmts, self.opened.pop()
            assert a.size is not None
            self.scopes[-1].stmts.append(L.loop(name.id, a.size, body))
        assert len(self.scopes) == depth + 1

    def emit(self, e: ir.Expr, places: Places) -> L.Expr:
        match e:
            case ir.Const(number):
                return self.constant(number)
            case ir.Apply(op, args):
                if expansion := PRIMITIVES[op].expansion:
                    return self.emit(expansion(*args), places)
                if op in TRUTHS:
                    return L.Call(op, tuple(self.emit(a, places) for a in args))
            case ir.Pick(arg, axis, place):
                here = ir.apply("select", ir.apply("eq", ir.Place(axis), place), arg, ZERO)
                return self.emit(ir.Reduce("sum", here, (axis,)), places)
        known = [places[a] for a in e.axes if a != ir.SAMPLES]
        depth = max([d for _, d in known], default=0)
        if ir.SAMPLES in e.axes:
            depth = max(depth, self.sample_depth)
        key = (e, *(place for place, _ in known))
        for scope in self.scopes:
            if key in scope.names:
                return scope.names[key]
        opened, self.scopes = self.scopes, self.scopes[: depth + 1]
        value = self.made(e, places)
        if not isinstance(value, L.Name):
            name = self.fresh()
            self.scopes[-1].stmts.append(L.let(name, value))
            value = L.Name(name)
        self.scopes = opened
        self.scopes[depth].names[key] = value
        return value

    def made(self, e: ir.Expr, places: Places) -> L.Expr:
        """In the innermost of the scopes."""
        match e:
            case ir.Var(name, axes):
                array, at = self.address(name, places)
                if self.sample_depth < 0:
                    return L.call("float64", L.At(array, at))
                return L.load(array, at) if ir.SAMPLES in axes else L.call("broadcast", array, at)
            case ir.Place(axis):
                return self.constant(L.call("float64", places[axis][0]))
            case ir.Apply(op, args):
                return L.Call(op, tuple(self.emit(a, places) for a in args))
            case ir.Reduce():
                return self.reduced(e, places)
            case ir.View():
                return self.viewed(e, places)
            case _:
                raise AssertionError(f"{type(e).__name__} has no loops")

    def constant(self, value: float | L.Expr) -> L.Expr:
        return L.call("splat", value) if self.sample_depth >= 0 else L.expr(value)

    def reduced(self, e: ir.Reduce, places: Places) -> L.Expr:
        depth, total = len(self.scopes) - 1, self.fresh()
        combine, neutral, _ = COMBINE[e.op]
        combine = combine if self.sample_depth >= 0 else NUMBERS[e.op]
        self.scopes[-1].stmts.append(L.let(total, self.constant(neutral)))
        inner = self.open(list(e.over), places)
        term = self.emit(e.arg, inner)
        self.scopes[-1].stmts.append(L.let(total, L.call(combine, total, term)))
        self.close(list(e.over), depth)
        return L.Name(total)

    def viewed(self, e: ir.View, places: Places) -> L.Expr:
        index, size = e.index, e.axis.size
        assert size is not None
        depth, at = len(self.scopes) - 1, self.fresh()
        place: L.Expr = L.Int(index.offset)
        for a, factor in index.terms:
            place = L.add(L.mul(factor, places[a][0]), place)
        checks: list[L.Expr] = []
        if index.divisor > 1:
            if not index.floor:
                checks.append(L.call("eq", L.call("mod", place, index.divisor), 0))
            place = L.call("floordiv", place, index.divisor)
        self.scopes[-1].stmts.append(L.let(at, place))
        low, high = _reach(index)
        checks += [L.call("ge", at, 0)] if low < 0 else []
        checks += [L.call("lt", at, size)] if high >= size else []
        if not checks:
            return self.emit(e.arg, {**places, e.axis: (L.Name(at), depth)})
        value = self.fresh()
        self.scopes[-1].stmts.append(L.let(value, self.constant(e.outside)))
        self.scopes.append(Scope())
        found = self.emit(e.arg, {**places, e.axis: (L.Name(at), depth + 1)})
        self.scopes[-1].stmts.append(L.let(value, found))
        body = tuple(self.scopes.pop().stmts)
        condition = checks[0]
        for check in checks[1:]:
            condition = L.call("and", condition, check)
        self.scopes[-1].stmts.append(L.If(condition, body))
        return L.Name(value)

    def address(self, name: str, places: Places) -> tuple[L.Expr, L.Expr]:
        layout = self.layouts[name]
        place: L.Expr = L.Int(0)
        for a, stride in layout.strides.items():
            place = L.add(place, L.mul(stride, places[a][0]))
        place = L.add(L.mul(place, layout.stride), layout.first)
        return L.Name(layout.array), L.add("j", place) if ir.SAMPLES in layout.axes else place


def _reach(index: ir.Index) -> tuple[int, int]:
    """The least and the largest place that the index says."""
    low = high = index.offset
    for a, factor in index.terms:
        assert a.size is not None
        ends = (0, factor * (a.size - 1))
        low, high = low + min(ends), high + max(ends)
    return low // index.divisor, high // index.divisor
