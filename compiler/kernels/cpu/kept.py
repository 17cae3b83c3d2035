"""What the forward pass computes of a unit, costs much, and is wanted again by the backward pass: GELU's erf, say. It is
kept in a buffer. Of an activation that reduces over units nothing is.
"""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import expand, rebuild
from netc.compiler.kernels.patterns import Layer, pointwise

COSTLY = {"exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf", "sin", "cos", "tan", "atan", "pow"}
NAME = "k"


def kept(layer: Layer) -> ir.Expr | None:
    """The largest such part of the activation that its derivative has, too."""
    if layer.activation is None or not pointwise(layer.value):
        return None
    known = set(ir.postorder(expand(layer.value)))
    shared = [
        e
        for e in ir.postorder(expand(layer.vjp))
        if isinstance(e, ir.Apply) and e.op in COSTLY and e in known
    ]
    return shared[-1] if shared else None


def vjp(layer: Layer) -> ir.Expr:
    """The derivative, with the part that is kept as a variable."""
    found = kept(layer)
    if found is None:
        return layer.vjp
    return rebuild(expand(layer.vjp), lambda node: ir.Var(NAME, node.axes) if node == found else node)
