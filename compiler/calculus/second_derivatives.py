"""Second derivatives of a problem, as lets: how all that its loss and gradient are made of changes along directions.

Forward over reverse: B. A. Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994. The
directions are one more axis, so one evaluation has them all. Evaluates nothing (`runtime/results/hessian.py`). At a point
without a second derivative (the kink of relu) it is that of the chosen side, as with first derivatives.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.calculus.derive import tangent
from netc.compiler.calculus.laws import spread

DIRECTIONS = ir.Axis("k")


def moved(name: str) -> str:
    """The name of the change of a tensor or a let."""
    return f"moved {name}"


def tangents(problem: ir.Problem) -> tuple[ir.Step, ...]:
    """For each let that the parameters move, a let of its change, in the same order; those of the parameters are given."""
    along = {t.var: _moved(t.var) for t in problem.weights}
    steps: list[ir.Step] = []
    for step in (*problem.forward, *problem.backward):
        match step:
            case ir.Let():
                if (change := tangent(step.value, along)) != spread(ir.Const(0.0), step.value.axes):
                    steps.append(_change(step, change))
                    along[step.var] = _moved(step.var)
            case ir.Scan():
                along |= {let.var: _moved(let.var) for let in step.lets}
                lets = tuple(_change(let, tangent(let.value, along)) for let in step.lets)
                steps.append(replace(step, lets=lets))
            case _:
                assert_never(step)
    return tuple(steps)


def _moved(v: ir.Var) -> ir.Var:
    return ir.Var(moved(v.name), (DIRECTIONS, *v.axes))


def _change(let: ir.Let, change: ir.Expr) -> ir.Let:
    return ir.Let(moved(let.name), (DIRECTIONS, *let.axes), change, let.text, let.span)
