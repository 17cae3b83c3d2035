"""Changes on the way that two rules which are the same may not survive: tests on random gradients, no proofs.

A schedule of the rate, a change of a memory, decoupled weight decay with the same lambda. What survives a schedule here
is proved for every schedule in `claims.py`, or is said to be a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.rules.mapping import Formula, drawn, parts
from netc.compiler.rules.sides import TOLERANCE, Numbers, Side, apart, extended
from netc.compiler.rules.simulate import Distance, make_world
from netc.compiler.rules.trials import Trial
from netc.dsl.record import record

Change = Callable[[int], Numbers]
CHANGE = 6
"""The step at which numbers change."""
CLEAR = 1e-9
"""Relative difference that is none of rounding."""
RATE, SIGN = "the rate", "the sign of the rate"
Formulas = Mapping[str, Formula] | None


@record
class Condition:
    """A change, and whether rules that are the same without it are the same with it."""

    of: str
    """RATE, a memory of A, or nothing that a schedule can change."""
    broken: bool
    words: str
    seen: str = ""
    """By which change it is broken."""


def conditions(a: Side, b: Side, formulas: Formulas) -> tuple[Condition, ...]:
    at: dict[str, Any]
    if formulas is None:
        at, bt = dict(a.values), dict(b.values)
    else:
        start = drawn(a.values, 21)
        at, bt = extended(start), extended({n: f.number(start) for n, f in formulas.items()})
    found = (_schedule(a, b, at, bt), *_memories(a, b, at, formulas), _decay(a, b, at, bt))
    return tuple(c for c in found if c is not None)


def _broken(found: Distance | None) -> bool:
    return found is None or not float(found.points.max()) < TOLERANCE


def rates(values: Mapping[str, float]) -> list[str]:
    """The parameter that is the rate, if there is one: of Chainer's `alpha` and `eta`, the first."""
    return [n for n, p in parts(values).items() if p == "rate"][:1]


def _schedule(a: Side, b: Side, at: Numbers, bt: Numbers) -> Condition | None:
    """Both rates times the same factors."""
    mine, theirs = rates(a.values), rates(b.values)
    if not mine or not theirs:
        return None

    def scaled(values: Numbers, names: list[str]) -> Change:
        return lambda n: {r: values[r] * (1 if n < CHANGE else 0.1) for r in names}

    found = apart(a, b, at, bt, 1, (scaled(at, mine), scaled(bt, theirs)), steps=2 * CHANGE)
    if not _broken(found):
        return Condition(RATE, False, "a schedule of the rate")
    inside = [side.text.name for side in (a, b) if rate_inside(side.rule, rates(side.values))]
    whose = f" ({' and '.join(inside)}: the state keeps steps made with the old rate)" if inside else ""
    return Condition(RATE, True, f"a schedule of the rate{whose}", f"the rate times 0.1 from n = {CHANGE} on")


def slowed(a: Side, b: Side, bt: Mapping[str, float]) -> Trial:
    """A schedule of the rate of A, and of that of B with these numbers, on random gradients."""
    factors = [1.0] * CHANGE + [0.1] * CHANGE
    both = (a, a.values), (b, bt)
    of = [{r: tuple(values[r] * f for f in factors) for r in rates(side.values)} for side, values in both]
    world = make_world(2 * CHANGE, 5, 101, np.float64)
    words = f"the rate times 0.1 from n = {CHANGE} on"
    return Trial(world, words, (of[0], of[1]), CLEAR)


def rate_inside(rule: ir.Rule, rates: list[str]) -> list[str]:
    """The states besides theta that are made with a rate."""
    depends: dict[str, set[str]] = {}
    for stmt in rule.body:
        if isinstance(stmt, ir.Assign):
            names = {n.name for n in ir.postorder(stmt.value) if isinstance(n, ir.Var)}
            depends[stmt.name] = names | {d for n in names for d in depends.get(n, set())}
    theta = next(c.value for c in rule.commits if c.state == "theta")
    return [
        c.state
        for c in rule.commits
        if c.state != "theta" and depends.get(c.value, set()) & set(rates) and theta not in depends[c.value]
    ]


def parts_where(a: Side, b: Side, shared: Mapping[str, str]) -> bool:
    """Do rules that are the same part where parameters of A, and those of B that belong to them, change together?"""

    def halved(values: Mapping[str, float], names: Iterable[str]) -> Change:
        return lambda n: {m: values[m] * (1 if n < CHANGE else 0.5) for m in names}

    changes = halved(a.values, shared), halved(b.values, shared.values())
    return _broken(apart(a, b, a.values, b.values, 2, changes, steps=2 * CHANGE))


def _memories(a: Side, b: Side, at: Numbers, formulas: Formulas) -> list[Condition]:
    """Each memory of A changed on the way, with B's parameters following by their formulas."""
    if formulas is None:
        return []
    tests = []
    for name, what in parts(a.values).items():
        if what != "memory":
            continue

        def changed(n: int, name: str = name) -> Numbers:
            return {**at, name: at[name] if n < CHANGE else at[name] / 2}

        def follows(n: int, changed: Change = changed) -> Numbers:
            return {m: f.value(changed(n)) for m, f in formulas.items()}

        broken = _broken(apart(a, b, at, follows(0), 2, (changed, follows), steps=2 * CHANGE))
        seen = f"{name} halved from n = {CHANGE} on" if broken else ""
        tests.append(
            Condition(name, broken, f"{'a change' if broken else 'changes'} of {name} on the way", seen)
        )
    return tests


def _decay(a: Side, b: Side, at: Numbers, bt: Numbers) -> Condition | None:
    """theta[n+1] less eta*lambda*theta[n], with the same lambda."""
    mine, theirs = rates(a.values), rates(b.values)
    if not mine or not theirs:
        return None
    rate_a, rate_b = at[mine[0]], bt[theirs[0]]
    strength = np.longdouble(0.05)

    def decayed(mine: Any, theirs: Any) -> Distance | None:
        decay = (lambda n: mine * strength, lambda n: theirs * strength)
        return apart(a, b, at, bt, 3, decay=decay, steps=CHANGE)

    if not _broken(decayed(rate_a, rate_b)):
        return Condition("", False, "decoupled weight decay")
    prime = "'" if mine == theirs else ""
    cure = f" (cure: lambda' = lambda*{mine[0]}/{theirs[0]}{prime})"
    words = "decoupled weight decay with the same lambda"
    return Condition("", True, words + ("" if _broken(decayed(rate_a, rate_a)) else cure))
