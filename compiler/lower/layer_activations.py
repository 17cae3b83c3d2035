"""Activations that a layer's equations call on numbers, element by element -> ir."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from netc.compiler.calculus import ir
from netc.compiler.lower.expressions import Environment, add_defaults, lower_expr
from netc.compiler.lower.layer_faults import LayerFault, fault
from netc.compiler.meaning.kinds import REDUCTIONS
from netc.compiler.meaning.layer_parameters import unsaid
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.walks import dotted, walk


def activation_of(
    value: Callable[[ast.Expr], ir.Expr],
    call: ast.Expr,
    definition: ast.Activation,
    arguments: tuple[ast.Argument, ...],
    functions: Mapping[str, ast.Activation | ast.Schedule],
    noun: str,
) -> ir.Expr:
    """`value` lowers an argument, `noun` says what the equation is of. Raises LayerFault."""
    own = definition.name
    if _is_over_units(definition):
        hint = f"{own}[i](...)" if own == "softmax" else "its equation, with sum[i](...)"
        message = f"'{own}' is over all units of a {noun}: say over which index"
        raise fault("E0230", call.span, message, hint)
    names = [definition.variable, *(p.name for p in definition.parameters)]
    bound: dict[str, ir.Expr] = {}
    for position, argument in enumerate(arguments):
        name = argument.name or (names[position] if position < len(names) else "")
        if name not in names or name in bound:
            raise fault("E0230", argument.span, f"'{own}' takes {', '.join(names)}")
        bound[name] = value(argument.value)
    if found := unsaid(definition, bound):
        hint = f"say it: {own}(x[i], 0.01)"
        raise LayerFault(Diagnostic("E0103", found[0], call.span, notes=found[1], hints=(hint,)))
    needed = [definition.variable, *(p.name for p in definition.parameters if p.default is None)]
    if missing := [n for n in needed if n not in bound]:
        raise fault("E0230", call.span, f"'{own}' needs {missing[0]}")
    env = Environment(bound, functions)
    add_defaults(bound, definition.parameters, env)
    return lower_expr(definition.value, env)


def _is_over_units(definition: ast.Activation) -> bool:
    """Whether it sums, or the like, over all units; min(a, b), max(a, b) do not."""
    calls = (n for n in walk(definition.value) if isinstance(n, ast.Call))
    return any(dotted(c.function) in REDUCTIONS and len(c.arguments) <= 1 for c in calls)
