"""Reductions over what is kept per batch, `sum(L)`, `argmax(L)`, as a loop over the batches."""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.calculus.laws import spread
from netc.compiler.lower.evaluations import Builder
from netc.dsl.source import NOWHERE

BATCHES = ir.Var("m", ir.SCALAR)


def over_batches(builder: Builder, memory: str, axes: ir.Axes, reduction: str) -> ir.Expr:
    """The reduction, in statements before the place where it is asked for."""
    result, index = ir.Var(builder.name(f"{reduction}_{memory}"), axes), builder.name("batch_of")
    first = {"max": float("-inf"), "min": float("inf")}.get(reduction, 0.0)
    if reduction == "argmax":
        return _argmax(builder, memory, result.name, index)
    builder.assign(result.name, spread(ir.Const(first), axes), NOWHERE)
    with builder.for_(index, ir.Const(1.0), BATCHES, [result.name]):
        value = builder.fetch(memory, ir.Var(index, ir.SCALAR), axes)
        op = "add" if reduction in ("sum", "mean") else reduction
        builder.assign(result.name, ir.apply(op, result, value), NOWHERE)
    return ir.apply("div", result, BATCHES) if reduction == "mean" else result


def _argmax(builder: Builder, memory: str, result: str, index: str) -> ir.Expr:
    """The first batch with the largest value."""
    found, most = ir.Var(result, ir.SCALAR), ir.Var(builder.name(f"max_{memory}"), ir.SCALAR)
    builder.assign(result, ir.Const(1.0), NOWHERE)
    builder.assign(most.name, ir.Const(float("-inf")), NOWHERE)
    with builder.for_(index, ir.Const(1.0), BATCHES, [result, most.name]):
        value = builder.fetch(memory, ir.Var(index, ir.SCALAR), ir.SCALAR)
        larger = ir.apply("gt", value, most)
        builder.assign(result, ir.apply("select", larger, ir.Var(index, ir.SCALAR), found), NOWHERE)
        builder.assign(most.name, ir.apply("max", value, most), NOWHERE)
    return found
