"""The sums of the weight gradient: cleared before the first block, brought to their places behind the last.

Each is one compiled function for all layers and all networks, as the register tiles are. A vector may reach into what
comes behind it in theta: that is written later, and behind the last parameter there is room for a vector.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu.plan import Plan

TYPES = {"grad": "reals", "scratch": "reals", "scale": "float64"}
COLLECT = ("grad", "to", "scratch", "sums", "padded", "outputs", "inputs", "scale")
"""The gradient of `outputs` x `inputs` weights from `to` on; sums whose rows are `padded` apart."""
COLLECTED = (2, 3, 3)
"""Arguments of `collect` and `collect_turned` that belong together."""


def clear(lanes: int) -> L.Function:
    zero = L.store("scratch", L.add("q", "at"), L.call("splat", 0.0))
    body = L.loop("q", "size", [zero], step=lanes)
    return _function("clear", ("scratch", "at", "size"), body, "Sums begin at 0.")


def collect(plan: Plan) -> L.Function:
    """A row of sums for each output, vector by vector."""
    at = L.add(L.add(L.mul("o", "padded"), "i"), "sums")
    found = _over_chunks(plan, at, lambda at: L.load("scratch", at))
    put = L.store("grad", _place(), L.call("mul", found, L.call("splat", "scale")))
    body = L.loop("o", "outputs", [L.loop("i", "inputs", [put], step=plan.lanes)])
    return _function("collect", COLLECT, body, "grad[o, i] = scale * sums[o, i]")


def collect_turned(plan: Plan) -> L.Function:
    """A row of sums for each input."""
    at = L.add(L.add(L.mul("i", "padded"), "o"), "sums")
    found = _over_chunks(plan, at, lambda at: L.At(L.Name("scratch"), at))
    put = L.Store(L.Name("grad"), _place(), L.call("mul", found, "scale"))
    body = L.loop("o", "outputs", [L.loop("i", "inputs", [put])])
    return _function("collect_turned", COLLECT, body, "grad[o, i] = scale * sums[i, o]")


def _place() -> L.Expr:
    return L.add(L.add(L.mul("o", "inputs"), "i"), "to")


def _over_chunks(plan: Plan, at: L.Expr, one: Callable[[L.Expr], L.Expr]) -> L.Expr:
    """The sum over the ranges of samples that have sums of their own, in their order."""
    found = [one(L.add(L.Int(c * plan.size), at)) for c in range(plan.chunks)]
    return reduce(lambda a, b: L.call("add", a, b), found)


def _function(name: str, parameters: tuple[str, ...], body: L.Stmt, note: str) -> L.Function:
    return L.Function(name, parameters, (body,), note, types=tuple(TYPES.get(p, "int64") for p in parameters))
