"""Any let -> loops for the CPU: right for every kind of node, fast for none. The lanes are samples.

    of each sample   for a vector of samples, for each place: the value, into the buffer
    a sum over them  for each place: the vectors' values added up, their lanes added, onto what earlier blocks gave
    a number         for each place: the value, plain code (made of parameters and of finished sums)

A part of a value is computed in the outermost loop in which all its axes are known, and once. A View is an index and,
where that may fall outside, a condition. A Pick is a sum over all places of which one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import PRIMITIVES, TRUTHS, ZERO
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.sweeps import is_sum
from netc.compiler.kernels.vectors import COMBINE

NUMBERS = {"sum": "add", "max": "max", "min": "min"}


@dataclass(frozen=True)
class Layout:
    """Where arrays are: of a sample `array[first + place*stride + j]`, of a number `array[first + place]`."""

    array: str
    first: L.Expr
    stride: L.Expr
    axes: ir.Axes
    strides: Mapping[ir.Axis, int]
    """Places from one to the next along each axis but the samples."""


@dataclass
class Scope:
    stmts: list[L.Stmt] = field(default_factory=list)
    names: dict[tuple[object, ...], L.Expr] = field(default_factory=dict)
    """What has been computed here: node and places -> its name."""


Places = Mapping[ir.Axis, tuple[L.Expr, int]]
"""The place along an axis, and the depth of the scope in which it is known."""


@dataclass
class LetWriter:
    """Of one function: names are given once in it."""

    layouts: Mapping[str, Layout]
    lanes: int
    names: count[int] = field(default_factory=count)
    by_tiles: Callable[[ir.Let, Mapping[ir.Axis, L.Expr]], list[L.Stmt] | None] = lambda let, here: None
    """The let by register tiles, given the places that are known; None where there are none for it."""

    def step(self, step: ir.Step) -> list[L.Stmt]:
        if isinstance(step, ir.Let):
            return self.let(step, {})
        axis = step.axis
        assert axis.size is not None
        name = self.fresh()
        place: L.Expr = L.call("sub", axis.size - 1, name) if step.backward else L.Name(name)
        here = self.fresh()
        body = [s for let in step.lets for s in self.let(let, {axis: (L.Name(here), 0)})]
        return [L.loop(name, axis.size, [L.let(here, place), *body])]

    def let(self, let: ir.Let, fixed: Places) -> list[L.Stmt]:
        found = self.by_tiles(let, {a: place for a, (place, _) in fixed.items()})
        if found is not None:
            return found
        maker = _Let(self, let, dict(fixed))
        if is_sum(let):
            return maker.sum()
        return maker.of_each_sample() if ir.SAMPLES in let.axes else maker.number()

    def fresh(self) -> str:
        return f"v{next(self.names)}_"


class _Let:
    def __init__(self, writer: LetWriter, let: ir.Let, fixed: dict[ir.Axis, tuple[L.Expr, int]]) -> None:
        self.writer, self.let, self.places = writer, let, fixed
        self.scopes = [Scope()]
        self.opened: list[L.Name] = []
        """Of the loops that are open, the innermost last."""
        self.sample_depth = -1
        """Of the scope in which the vector of samples is known; -1: plain numbers."""

    # -- loops ---------------------------------------------------------------------------------------

    def of_each_sample(self) -> list[L.Stmt]:
        self.sample_depth = 0
        axes = [a for a in self.let.axes if a != ir.SAMPLES and a not in self.places]
        places = self.open(axes, self.places)
        value = self.emit(self.let.value, places)
        if self.let.name.startswith("d_"):  # lanes beyond the last sample count nothing
            value = L.call("keep", value, L.call("sub", "valid", "j"), 0.0)
        array, at = self.address(self.let.name, places)
        self.scopes[-1].stmts.append(L.store(array, at, value))
        self.close(axes, 0)
        return [L.loop("j", "width", self.scopes[0].stmts, step=self.writer.lanes)]

    def number(self) -> list[L.Stmt]:
        axes = [a for a in self.let.axes if a not in self.places]
        places = self.open(axes, self.places)
        value = self.emit(self.let.value, places)
        array, at = self.address(self.let.name, places)
        self.scopes[-1].stmts.append(L.Store(array, at, value))
        self.close(axes, 0)
        return self.scopes[0].stmts

    def sum(self) -> list[L.Stmt]:
        value = self.let.value
        assert isinstance(value, ir.Reduce)
        assert value.op == "sum"
        axes = list(self.let.axes)
        places = self.open(axes, self.places)
        depth, total = len(self.scopes) - 1, self.writer.fresh()
        self.scopes[-1].stmts.append(L.let(total, L.call("splat", 0.0)))
        self.scopes.append(Scope())
        self.sample_depth = depth + 1
        others = [a for a in value.over if a != ir.SAMPLES]
        inner = self.open(others, places)
        term = L.call("keep", self.emit(value.arg, inner), L.call("sub", "valid", "j"), 0.0)
        self.scopes[-1].stmts.append(L.let(total, L.call("add", total, term)))
        self.close(others, depth + 1)
        self.scopes[depth].stmts.append(L.loop("j", "width", self.scopes.pop().stmts, step=self.writer.lanes))
        array, at = self.address(self.let.name, places)
        self.scopes[depth].stmts.append(
            L.Store(array, at, L.call("add", L.At(array, at), L.call("hsum", total)))
        )
        self.close(axes, 0)
        return self.scopes[0].stmts

    def open(self, axes: list[ir.Axis], places: Places) -> dict[ir.Axis, tuple[L.Expr, int]]:
        found = dict(places)
        for a in axes:
            self.scopes.append(Scope())
            self.opened.append(L.Name(self.writer.fresh()))
            found[a] = (self.opened[-1], len(self.scopes) - 1)
        return found

    def close(self, axes: list[ir.Axis], depth: int) -> None:
        """The loops over these axes, the innermost first, down to the scope at `depth`."""
        for a in reversed(axes):
            body, name = self.scopes.pop().stmts, self.opened.pop()
            assert a.size is not None
            self.scopes[-1].stmts.append(L.loop(name.id, a.size, body))
        assert len(self.scopes) == depth + 1

    # -- values --------------------------------------------------------------------------------------

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
            name = self.writer.fresh()
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
        depth, total = len(self.scopes) - 1, self.writer.fresh()
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
        depth, at = len(self.scopes) - 1, self.writer.fresh()
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
        value = self.writer.fresh()
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
        layout = self.writer.layouts[name]
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
