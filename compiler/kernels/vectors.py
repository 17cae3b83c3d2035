"""Passes -> loops over vector lanes: how element-by-element work on one space is written for the CPU.

Two spaces share this code. Over `theta` the lanes are parameters, a number is splatted, and a sum ends with
a horizontal sum. Over the `output` units of a layer the lanes are samples, so what is one number per sample
is itself a vector, the loop steps from unit to unit, and sums need no horizontal step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import PRIMITIVES, TRUTHS
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.fuse import Element, Gather, PerLayer, Scalar, Sweep
from netc.dsl.record import record

COMBINE = {
    "sum": ("add", 0.0, "hsum"),
    "max": ("vmax", -float("inf"), "hmax"),
    "min": ("vmin", float("inf"), "hmin"),
}
"""Reduction -> how two lanes combine, the neutral element, the horizontal step."""


def number(e: ir.Expr) -> L.Expr:
    """A scalar expression as plain float64 code."""
    match e:
        case ir.Const(value):
            return L.Real(value)
        case ir.Var(name):
            return L.Name(name)
        case ir.Apply(op, args):
            expansion = PRIMITIVES[op].expansion
            return number(expansion(*args)) if expansion else L.Call(op, tuple(number(a) for a in args))
        case _:
            raise AssertionError(f"{type(e).__name__} is a pass of its own")


def lanes(e: ir.Expr, register: Callable[[str], str], per_lane: bool) -> L.Expr:
    """An expression as vector code; `per_lane`: scalars are vectors too (one number per sample)."""
    # A mask is made by comparing vectors: a truth value cannot be splatted.
    truth = isinstance(e, ir.Apply) and e.op in TRUTHS
    if not e.axes and not per_lane and not truth:
        return L.call("splat", number(e))
    match e:
        case ir.Const(value):
            return L.call("splat", value)
        case ir.Var(name, ()):
            return L.Name(name)
        case ir.Var(name):
            return L.Name(register(name))
        case ir.Apply(op, args):
            if expansion := PRIMITIVES[op].expansion:
                return lanes(expansion(*args), register, per_lane)
            return L.Call(op, tuple(lanes(a, register, per_lane) for a in args))
        case _:
            raise AssertionError(f"{type(e).__name__} is a pass of its own")


@record
class Space:
    """Where the elements are and how a loop visits them.

    `address(name, index)` gives array and flat offset of the vector at `index` of a variable in memory.
    """

    index: str
    stop: int
    """Parameters P, or units."""
    step: int
    """Lanes over theta, 1 over units."""
    address: Callable[[str, L.Expr], tuple[L.Expr, L.Expr]]
    per_lane: bool

    def register(self, name: str) -> str:
        return f"{name}_{self.index}"

    def sweep(self, sweep: Sweep) -> list[L.Stmt]:
        gathers = [x for x in sweep.items if isinstance(x, Gather)]
        out: list[L.Stmt] = [L.let(self._sum(g.name), L.call("splat", COMBINE[g.op][1])) for g in gathers]
        whole = self.stop // self.step * self.step
        rest = self.stop - whole
        if rest and not gathers:
            whole, rest = whole + self.step, 0  # the padding may hold anything: nobody reads it
        if whole:
            body = self._body(sweep, L.Name(self.index), self.step)
            out.append(L.loop(self.index, whole, body, step=self.step))
        if rest:
            out += self._body(sweep, L.Int(whole), rest)
        for g in gathers:
            value: L.Expr = L.Name(self._sum(g.name))
            if not self.per_lane:
                value = L.call("float64", L.call(COMBINE[g.op][2], value))
                out.append(L.let(g.name, value))
        return out

    def _sum(self, name: str) -> str:
        return name if self.per_lane else f"{name}_lanes"

    def _body(self, sweep: Sweep, at: L.Expr, valid: int) -> list[L.Stmt]:
        """Loads, then the items in order, then stores; `valid` lanes count in sums."""
        out: list[L.Stmt] = []
        known: set[str] = set()
        for item in sweep.items:
            for name in sorted(vector_names(item.value) - known):
                known.add(name)
                out.append(L.let(self.register(name), L.call("load", *self.address(name, at))))
            value = lanes(item.value, self.register, self.per_lane)
            match item:
                case Element(name):
                    known.add(name)
                    out.append(L.let(self.register(name), value))
                case Gather(name, op):
                    combine, neutral, _ = COMBINE[op]
                    if valid < self.step:
                        value = L.call("keep", value, valid, neutral)
                    total = self._sum(name)
                    out.append(L.let(total, L.call(combine, total, value)))
        for item in sweep.items:
            if isinstance(item, Element) and item.kept:
                array, offset = self.address(item.name, at)
                out.append(L.store(array, offset, self.register(item.name)))
        return out

    def passes(self, passes: Iterable[Scalar | Sweep | PerLayer]) -> list[L.Stmt]:
        out: list[L.Stmt] = []
        for p in passes:
            match p:
                case Sweep():
                    out += self.sweep(p)
                case Scalar(name, value):
                    out.append(
                        L.let(name, lanes(value, self.register, True) if self.per_lane else number(value))
                    )
                case PerLayer():
                    raise AssertionError("per-layer reductions belong to theta: see rule.py")
                case _:
                    assert_never(p)
        return out


def vector_names(e: ir.Expr) -> frozenset[str]:
    """The vector variables an expression reads."""
    return frozenset(node.name for node in ir.postorder(e) if isinstance(node, ir.Var) and node.axes)


def arrays(passes: Iterable[Scalar | Sweep | PerLayer]) -> frozenset[str]:
    """The vector variables that passes read or keep in memory."""
    found: set[str] = set()
    for p in passes:
        match p:
            case Sweep(items):
                own: set[str] = set()
                for x in items:
                    found |= vector_names(x.value) - own
                    own.add(x.name)
                found |= {x.name for x in items if isinstance(x, Element) and x.kept}
            case PerLayer(name, _, value):
                found |= {name} | vector_names(value)
            case Scalar():
                pass
    return frozenset(found)
