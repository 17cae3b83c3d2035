"""An attack -> its steps in a row: expressions in the inputs x, those of the data x0, and the slopes by x."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import simplify
from netc.compiler.lower.expressions import Environment, lower_expr
from netc.compiler.lower.flow import of_all_samples
from netc.compiler.meaning.attacks import INPUTS, SLOPE, without_slopes
from netc.compiler.meaning.spec import Attack
from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.walks import walk


@record
class Step:
    """`name = value`, of all samples at once."""

    name: str
    value: ir.Expr
    sloped: bool
    """Whether it reads the slopes at the x of now."""


Functions = Mapping[str, ast.Activation]
"""Activations that equations may call, by lower-case name."""


def lower_attack(attack: Attack, inputs: int, functions: Functions) -> tuple[Step, ...]:
    axis = ir.Axis("inputs", inputs)
    names: dict[str, ir.Expr] = {name: ir.Var(name, (axis,)) for name in (*INPUTS, SLOPE)}
    names |= {name: ir.Const(value) for name, value in attack.arguments}
    return tuple(_steps(attack.definition.body, names, functions))


def _steps(
    actions: tuple[ast.Action, ...], names: dict[str, ir.Expr], functions: Functions
) -> Iterator[Step]:
    for action in actions:
        match action:
            case ast.Equation(name, (), value):
                lowered = simplify(lower_expr(without_slopes(value), Environment(names, functions)))
                names[name] = ir.Var(name, lowered.axes)
                sloped = any(isinstance(n, ast.InputGradient) for n in walk(value))
                yield Step(name, of_all_samples(lowered), sloped)
            case ast.For(name, ast.Range(_, stop), body):
                last = lower_expr(stop, Environment(names))
                assert isinstance(last, ir.Const)
                for i in range(1, int(last.value) + 1):
                    names[name] = ir.Const(float(i))
                    yield from _steps(body, names, functions)
            case _:
                raise AssertionError(f"{action} was let through by the check")
