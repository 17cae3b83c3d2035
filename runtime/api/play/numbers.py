"""The numbers of a file that `netc play` moves: those of its rule, and those of its schedules. Runs nothing.

A number of a schedule is a place in the tree of the file; other numbers there make another file, which is checked as any is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from netc.compiler.check.parts.values import COMPONENT
from netc.compiler.meaning.bind_arguments import is_flag
from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.spec import Optimizer, Spec
from netc.dsl import ast
from netc.dsl.walks import conjuncts, dotted, names_in, rebuild

WIDE = 1000.0
"""A slider goes from the number over this to the number times this."""
LEAST = 0.001
"""Between the end of a share of 1 and an end that is not permitted."""
HALVINGS = 60


@dataclass(frozen=True)
class Movable:
    """A number with a slider."""

    name: str
    """`eta`, or `eta.0`, the first number of the schedule of eta."""
    label: str
    value: float
    low: float
    high: float
    logarithmic: bool


def movable(spec: Spec) -> list[Movable]:
    """Of the rule, those that follow a schedule by the numbers of that; flags and numbers that are `none` are left out."""
    scheduled = {s.name: s for s in spec.schedules}
    flags = {p.name for p in spec.optimizer.definition.parameters if is_flag(p)}
    found = []
    for name, value in spec.optimizer.arguments:
        if name in scheduled or name in flags or not math.isfinite(value):
            continue
        label = COMPONENT.sub(r"[\1]", name)
        found.append(_ranged(name, label, value, _permitted(spec.optimizer, name)))
    for statement in (s for s in spec.program.statements if isinstance(s, ast.Schedule)):
        if not statement.defines and statement.name in scheduled:
            for place, (label, number) in enumerate(_numbers(statement)):
                found.append(_ranged(f"{statement.name}.{place}", label, number.value, lambda _: True))
    return found


def moved(program: ast.Program, values: Mapping[str, float]) -> ast.Program:
    """The file with other numbers in its schedules: `{"eta.0": 0.1}`."""

    def in_schedule(statement: ast.Statement) -> ast.Statement:
        if not isinstance(statement, ast.Schedule) or statement.defines:
            return statement
        place = -1

        def put(node: ast.Expr) -> ast.Expr:
            nonlocal place
            if not isinstance(node, ast.Number):
                return rebuild(node, put)
            place += 1
            value = values.get(f"{statement.name}.{place}")
            return node if value is None else replace(node, value=value, text="")

        return rebuild(statement, put)

    return replace(program, statements=tuple(in_schedule(s) for s in program.statements))


def _numbers(schedule: ast.Schedule) -> Iterator[tuple[str, ast.Number]]:
    """With a label each, in the order in which `moved` counts them."""
    for position, piece in enumerate(schedule.pieces, start=1):
        part = f", part {position}" if len(schedule.pieces) > 1 else ""
        yield from _of_value(piece.value, f"{schedule.name}{part}")
        if piece.until is not None:
            yield from _of_value(piece.until, f"end of part {position}")
    for setting in schedule.settings:
        yield from _of_value(setting.value, f"{schedule.name}: {setting.name}")


def _of_value(value: ast.Expr, label: str) -> Iterator[tuple[str, ast.Number]]:
    match value:
        case ast.Number():
            yield label, value
        case ast.Call(function, arguments):
            for place, argument in enumerate(arguments, start=1):
                word = argument.name or f"{dotted(function) or 'argument'}, {place}."
                yield from _of_value(argument.value, f"{label}: {word}")
        case _:
            inside: list[ast.Number] = []

            def note(node: ast.Expr) -> ast.Expr:
                if isinstance(node, ast.Number):
                    inside.append(node)
                return rebuild(node, note)

            rebuild(value, note)
            for place, number in enumerate(inside, start=1):
                yield f"{label}, {place}. number", number


def _permitted(rule: Optimizer, name: str) -> Callable[[float], bool]:
    """Does what the rule requires hold for this value, the others as they are?"""
    conditions = [
        condition
        for setting in rule.definition.settings
        if setting.name == "require"
        for condition in conjuncts(setting.value)
        if name in names_in(condition)
    ]
    values = dict((*rule.arguments, *rule.off))
    return lambda value: all(number_or_none(c, {**values, name: value}) != 0 for c in conditions)


def _ranged(name: str, label: str, value: float, permitted: Callable[[float], bool]) -> Movable:
    """From low to high as far as it is permitted; a share of 1 goes from 0 to 1, a rate over powers of ten."""
    share = 0 <= value <= 1 and not permitted(1.001) and permitted(0.5)
    if share:
        low = 0.0 if permitted(0.0) else min(LEAST, value)
        high = 1.0 if permitted(1.0) else max(1 - LEAST, value)
        return Movable(name, label, value, low, high, False)
    if value == 0:
        low, high, logarithmic = 0.0, 1.0, False
    elif value > 0:
        low, high, logarithmic = value / WIDE, value * WIDE, True
    else:
        low, high, logarithmic = 10 * value, -10 * value, False
    low, high = (_last_permitted(value, end, permitted) for end in (low, high))
    return Movable(name, label, value, low, high, logarithmic)


def _last_permitted(value: float, end: float, permitted: Callable[[float], bool]) -> float:
    if permitted(end):
        return end
    good, bad = value, end
    for _ in range(HALVINGS):
        middle = (good + bad) / 2
        good, bad = (middle, bad) if permitted(middle) else (good, middle)
    return good
