"""What in a schedule is a time, a number of epochs or of iterations, where a share would be part of one. Reports nothing.

epoch < t, epoch - t, epoch/t, min(epoch, t)     t is a time
epoch/epochs < p, beta*epoch, rise*steps         p, beta and rise are none
"""

from __future__ import annotations

from collections.abc import Iterator

from netc.dsl import ast
from netc.dsl.walks import walk

NAMED = {
    "period", "warmup", "every", "patience", "step_size", "T_max", "T_0", "total_iters", "total_steps", "decay_steps",
    "warmup_steps", "transition_steps", "step_size_up", "step_size_down", "cooldown", "alpha_steps",
}  # fmt: skip
"""Parameters of schedules that count epochs or iterations, as the libraries call them."""
CLOCKS = ("epoch", "step")
SAME = ("floor", "ceil", "round", "abs", "min", "max")
"""Functions of a time that are one."""


def times_of(definition: ast.Schedule) -> set[str]:
    """The parameters of a schedule that are times, by their names or by what its equations do with them."""
    clocks = (*CLOCKS, "k") if definition.body else CLOCKS
    values = [p.value for p in definition.pieces]
    values += [e.value for action in definition.body for e in walk(action) if isinstance(e, ast.Equation)]
    beside = {e.id for value in values for e in beside_clock(value, clocks) if isinstance(e, ast.Name)}
    names = {p.name for p in definition.parameters}
    return names & (NAMED | beside)


def beside_clock(value: ast.Expr, clocks: tuple[str, ...] = CLOCKS) -> Iterator[ast.Expr]:
    """What is compared with the time that has passed, taken from it, or divides it."""
    for node in walk(value):
        match node:
            case ast.Compare(_, left, right) | ast.Binary("+" | "-", left, right):
                pairs = [(left, right), (right, left)]
            case ast.Binary("/", left, right):
                pairs = [(left, right)]
            case ast.Call(ast.Name("min" | "max"), arguments):
                pairs = [(a.value, b.value) for a in arguments for b in arguments if a is not b]
            case _:
                pairs = []
        yield from (other for time, other in pairs if _is_time(time, clocks))


def _is_time(value: ast.Expr, clocks: tuple[str, ...]) -> bool:
    match value:
        case ast.Name(name):
            return name in clocks
        case ast.Binary("+" | "-", left, right):
            return _is_time(left, clocks) or _is_time(right, clocks)
        case ast.Binary("*", ast.Number(), factor) | ast.Binary("*", factor, ast.Number()):
            return _is_time(factor, clocks)
        case ast.Call(ast.Name(name), arguments) if name in SAME:
            return any(_is_time(a.value, clocks) for a in arguments)
    return False
