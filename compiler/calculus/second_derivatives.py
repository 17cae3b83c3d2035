"""Second derivatives of a problem, derived from its first ones: what Hessians and their products are made of.

    objective   the lower triangle of the Hessian, an expression each
    network     how z, a, the cotangents and the head's adjoint change along a direction (forward over reverse:
                B. A. Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994)

Evaluates nothing (`runtime/results/hessian.py`). At a point without a second derivative (the kink of relu) it is that of
the chosen side, as with first derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass

from netc.compiler.calculus import ir
from netc.compiler.calculus.derive import A, C, Z, gradient, tangent

DZ, DA, DC = (ir.Var(f"d{v.name}", v.kind) for v in (Z, A, C))
"""Tangents of z, a and c."""


@dataclass(frozen=True)
class MapTangents:
    """Of an activation: `value` from z, dz; `vjp` from z, a, c, dz, da, dc."""

    value: ir.Expr
    vjp: ir.Expr


@dataclass(frozen=True)
class NetworkTangents:
    maps: tuple[MapTangents | None, ...]
    """One for each op; None for a Dense."""
    adjoint: ir.Expr
    """Of the head's adjoint, from z, y, dz."""


def lower_triangle(objective: ir.Objective) -> tuple[tuple[ir.Expr, ...], ...]:
    """Row i: the second derivatives by variable i and by each of the variables 0..i."""
    return tuple(
        gradient(partial, objective.variables[: i + 1]) for i, partial in enumerate(objective.gradient)
    )


def network_tangents(network: ir.Network) -> NetworkTangents:
    maps = tuple(
        MapTangents(tangent(op.value, {Z: DZ}), tangent(op.vjp, {Z: DZ, A: DA, C: DC}))
        if isinstance(op, ir.Map)
        else None
        for op in network.ops
    )
    return NetworkTangents(maps, tangent(network.head.adjoint, {Z: DZ}))
