"""What the equality of two rules does not survive, and what it does: tests on random gradients, no proofs.

A schedule of the rate, a change of a memory on the way, decoupled weight decay with the same lambda.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.rules.compare_rules import TOLERANCE, Match, Numbers, Side, apart, extended
from netc.compiler.rules.mapping import Tied, drawn, parts
from netc.compiler.rules.simulate import Distance

Change = Callable[[int], Numbers]
CHANGE = 6
"""The step at which numbers change."""


def conditions(found: Match) -> tuple[list[str], list[str]]:
    """What the equality does not survive, and what it does."""
    a, b = found.a, found.b
    at: dict[str, Any]
    if found.formulas is None:
        at, bt = dict(a.values), dict(b.values)
    else:
        start = drawn(a.values, 21)
        at = extended(start)
        bt = extended({n: f.number(start) for n, f in found.formulas.items()})
    tests = [_schedule(a, b, at, bt), *_memories(a, b, at, found), _decay(a, b, at, bt)]
    breaks = [words for broken, words in tests if broken]
    if isinstance(a.values, Tied):
        breaks += [f"{other} other than {name}" for name, other in a.values.pairs]
    if found.shifted is not None:
        breaks.append(_shift_text(found.shifted, a.text.name, b.text.name))
    return breaks, [words for broken, words in tests if not broken and words]


def _broken(found: Distance | None) -> bool:
    return found is None or not float(found.points.max()) < TOLERANCE


def _rates(values: Mapping[str, Any]) -> list[str]:
    return [n for n, p in parts({n: float(v) for n, v in values.items()}).items() if p == "rate"]


def _schedule(a: Side, b: Side, at: Numbers, bt: Numbers) -> tuple[bool, str]:
    """Both rates times the same factors."""
    if not _rates(at) or not _rates(bt):
        return False, ""

    def scaled(values: Numbers) -> Change:
        return lambda n: {r: values[r] * (1 if n < CHANGE else 0.1) for r in _rates(values)}

    found = apart(a, b, at, bt, 1, (scaled(at), scaled(bt)), steps=2 * CHANGE)
    if not _broken(found):
        return False, "a schedule of the rate"
    inside = [side.text.name for side in (a, b) if rate_inside(side.rule, _rates(side.values))]
    whose = f" ({' and '.join(inside)}: the state keeps steps made with the old rate)" if inside else ""
    return True, f"a schedule of the rate{whose}"


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


def _memories(a: Side, b: Side, at: Numbers, found: Match) -> list[tuple[bool, str]]:
    """Each memory of A changed on the way, with B's parameters following by their formulas."""
    if found.formulas is None:
        return []
    formulas, tests = found.formulas, []
    for name, what in parts(a.values).items():
        if what != "memory":
            continue

        def changed(n: int, name: str = name) -> Numbers:
            return {**at, name: at[name] if n < CHANGE else at[name] / 2}

        def follows(n: int, changed: Change = changed) -> Numbers:
            return {m: f.value(changed(n)) for m, f in formulas.items()}

        broken = _broken(apart(a, b, at, follows(0), 2, (changed, follows), steps=2 * CHANGE))
        tests.append((broken, f"{'a change' if broken else 'changes'} of {name} on the way"))
    return tests


def _decay(a: Side, b: Side, at: Numbers, bt: Numbers) -> tuple[bool, str]:
    """theta[n+1] less eta*lambda*theta[n], with the same lambda."""
    if not _rates(at) or not _rates(bt):
        return False, ""
    rate_a, rate_b = at[_rates(at)[0]], bt[_rates(bt)[0]]
    strength = np.longdouble(0.05)
    found = apart(
        a, b, at, bt, 3, decay=(lambda n: rate_a * strength, lambda n: rate_b * strength), steps=CHANGE
    )
    if not _broken(found):
        return False, "decoupled weight decay"
    mapped = apart(
        a, b, at, bt, 3, decay=(lambda n: rate_a * strength, lambda n: rate_a * strength), steps=CHANGE
    )
    names = _rates(a.values)[0], _rates(b.values)[0]
    prime = "'" if names[0] == names[1] else ""
    cure = f" (cure: lambda' = lambda*{names[0]}/{names[1]}{prime})"
    words = "decoupled weight decay with the same lambda"
    return True, words + ("" if _broken(mapped) else cure)


def _shift_text(shifted: tuple[bool, bool], a: str, b: str) -> str:
    match shifted:
        case (_, True):
            return f"a look at theta itself: that of {b} is the point where {a} takes its gradient"
        case (True, _):
            return f"a look at theta itself: that of {a} is the point where {b} takes its gradient"
    return "a look at theta itself: only the points of the gradients are the same"
