"""Expressions of the units of a layer -> loops over units and sample vectors, from buffers to buffers."""

from __future__ import annotations

from collections.abc import Sequence

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import common
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu.blocks import place_of
from netc.compiler.kernels.cpu.plan import TILE_VECTORS, Plan, Stage
from netc.compiler.kernels.fuse import fuse, names
from netc.compiler.kernels.names import constant_name
from netc.compiler.kernels.vectors import Space, lanes


def of_each(
    plan: Plan, stage: Stage, wanted: Sequence[tuple[ir.Expr, L.Int]], buffers: dict[str, L.Int]
) -> L.Stmt:
    """Expressions to their places, unit by unit; a tile of sample vectors at a time, so that their latencies overlap."""
    product = stage.layer.product
    units = L.Int(product.outputs, f"{constant_name(product.name)}_UNITS")
    bindings, results = common([e for e, _ in wanted])
    out = dict(zip(("value", "kept"), results, strict=False))
    read = sorted({n for e, _ in wanted for n in names(e)})
    body: list[L.Stmt] = [L.let("p", L.add(L.mul("o", plan.block), "j"))]
    for v in range(TILE_VECTORS):
        here = {n: f"{n}{v}" for n in (*buffers, *(n for n, _ in bindings), *out)}
        for n in read:
            body.append(L.let(here[n], L.load("scratch", L.add(L.add("p", buffers[n]), v * plan.lanes))))
        body += [L.let(here[n], lanes(e, here.__getitem__, True)) for n, e in [*bindings, *out.items()]]
    for name, (_, place) in zip(out, wanted, strict=True):
        body += [
            L.store("scratch", L.add(L.add("p", place), v * plan.lanes), f"{name}{v}")
            for v in range(TILE_VECTORS)
        ]
    return L.loop("o", units, [L.loop("j", "width", body, step=plan.step)])


def of_all(plan: Plan, units: int, wanted: list[tuple[str, ir.Expr]], buffers: dict[str, L.Int],
                after: Sequence[L.Stmt] = ()) -> list[L.Stmt]:  # fmt: skip
    """Expressions with reductions over the units of a layer, sample vector by sample vector."""

    def address(name: str, o: L.Expr) -> tuple[L.Expr, L.Expr]:
        if name == "y":
            return L.Name("ys"), L.add(L.add("yfirst", L.mul(o, "ystride")), "j")
        return L.Name("scratch"), place_of(plan, buffers[name], o, "j")

    bindings, results = common([e for _, e in wanted])
    names = [name for name, _ in wanted]
    assigns = [ir.Assign(n, e) for n, e in [*bindings, *zip(names, results, strict=True)]]
    buffers = {**{n: plan.at(place) for n, place in plan.temporaries.items()}, **buffers}
    live = frozenset(n for n, e in wanted if e.axes)
    space = Space("o", units, 1, address, per_lane=True)
    return [L.loop("j", "width", [*space.passes(fuse(assigns, live)), *after], step=plan.lanes)]
