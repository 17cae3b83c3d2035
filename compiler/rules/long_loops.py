"""Rules whose step goes round a loop so often that no step of theirs is tried where rules are compared or judged."""

from __future__ import annotations

from typing import Literal

from netc.compiler.meaning.rule_body import loops
from netc.compiler.meaning.spec import Optimizer
from netc.compiler.rules.sides import Side
from netc.compiler.rules.simulate import MOST_TURNS, TooLong, make_world, simulate
from netc.dsl.diagnostics import Diagnostic


def the_long_one(a: Side, b: Side) -> Optimizer:
    """Of two of which one is too long; of loops that grow with n, the first rule that has one."""
    looped = [side for side in (a, b) if any(loops(side.text.optimizer.body.actions))]
    return next((side for side in looped if _at_once(side)), looped[0]).text.optimizer


def _at_once(side: Side) -> bool:
    try:
        simulate(side.rule, side.values, make_world(1, 1, 0))
    except TooLong:
        return True
    return False


def too_long(rule: Optimizer, therefore: str, severity: Literal["error", "warning"]) -> Diagnostic:
    """At its first loop; that of a search which it calls is among them."""
    name, loop = rule.definition.name, next(loops(rule.body.actions))
    message = f"a step of '{name}' goes round its loops more than {MOST_TURNS} times: {therefore}"
    return Diagnostic("E0428", message, loop.values.span, severity=severity)
