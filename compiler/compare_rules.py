"""Two update rules side by side: a proof that they are the same, or a test, and under what it breaks.

Two rules are the same if they ask for the gradient at the same points, whatever the gradients are. Rules that
are linear in gradients and states are decided exactly (`linear.py`), with parameters at random fractions, so
that a formula that holds there holds everywhere. For the others nothing is proved: they are run side by side
on random gradients in extended precision. Which formulas are tried is in `mapping.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import isfinite
from typing import Any, Literal

import numpy as np

from netc.compiler import ir
from netc.compiler.linear import NotLinear, Proof, compare, exact, recursion
from netc.compiler.mapping import Formula, drawn, find, parts
from netc.compiler.rule_text import RuleText, read_rule
from netc.compiler.simulate import Distance, distance, make_world, simulate

STEPS = 40
TRIALS = 12
TOLERANCE = 1e-10
"""Relative difference that rounding of the parameters can explain (1 - 0.999 has lost three digits)."""
EXACT_STEPS = 16

How = Literal["proved", "not distinguished", "refuted"]


@dataclass(frozen=True)
class Side:
    """A rule with its numbers."""

    text: RuleText
    values: Mapping[str, float]
    rule: ir.Rule


@dataclass(frozen=True)
class Match:
    """B does what A does for B's parameters `formulas` of A's; None: only for the numbers as given."""

    a: Side
    b: Side
    """As they were given, or opened."""
    formulas: Mapping[str, Formula] | None
    how: How
    shifted: tuple[bool, bool] | None
    """None: theta is the same; else which one's theta is the other one's point."""


def sides(a: str, b: str) -> tuple[Side, Side]:
    """Raises SpecError."""
    first, second = read_rule(a, "A"), read_rule(b, "B")
    return side(first), side(second)


def side(text: RuleText) -> Side:
    return Side(text, {n: v for n, v in text.optimizer.arguments if isfinite(v)}, text.rule)


def match(a: Side, b: Side) -> Match | None:
    """Formulas for B's parameters, confirmed; a rule of which only the name was given may be opened."""
    for x in _openings(a):
        for y in _openings(b):
            for reach in (False, True):
                formulas = find(x.rule, y.rule, x.values, y.values, reach)
                found = None if formulas is None else _confirmed(x, y, formulas)
                if found is not None:
                    return found
    return None


def _openings(one: Side) -> Iterator[Side]:
    yield one
    yield from (side(text) for text in islice(one.text.openings(), 1, None))


def match_as_given(a: Side, b: Side) -> Match | None:
    """With the numbers that were given."""
    how = _decided(
        a, b, [({n: exact(v) for n, v in a.values.items()}, {n: exact(v) for n, v in b.values.items()})]
    )
    return None if how is None else Match(a, b, None, *how)


def _confirmed(a: Side, b: Side, formulas: Mapping[str, Formula]) -> Match | None:
    draws = [drawn(a.values, seed) for seed in range(11, 14)]
    pairs = []
    for at in draws:
        try:
            pairs.append((at, {n: Fraction(f.value(at)) for n, f in formulas.items()}))
        except NotLinear:
            return None
    how = _decided(a, b, pairs)
    return None if how is None else Match(a, b, formulas, *how)


Pairs = list[tuple[dict[str, Fraction], dict[str, Fraction]]]


def _decided(a: Side, b: Side, pairs: Pairs) -> tuple[How, tuple[bool, bool] | None] | None:
    """Whether the rules are the same for all the pairs of numbers, how that is known, and their thetas."""
    try:
        proofs = [
            compare(recursion(a.rule, at, weights, EXACT_STEPS), recursion(b.rule, bt, weights, EXACT_STEPS))
            for at, bt in pairs
            for weights in (1, 0)
        ]
    except NotLinear:
        return _tested(a, b, pairs)
    if not all(p.points for p in proofs):
        return None
    how: How = "not distinguished" if any(p.steps for p in proofs) else "proved"
    return how, None if all(p.thetas for p in proofs) else _shifted(proofs)


def _shifted(proofs: list[Proof]) -> tuple[bool, bool]:
    return all(p.shifted[0] for p in proofs), all(p.shifted[1] for p in proofs)


def _tested(a: Side, b: Side, pairs: Pairs) -> tuple[How, tuple[bool, bool] | None] | None:
    same, shifts = True, (True, True)
    for trial in range(TRIALS):
        at, bt = pairs[trial % len(pairs)]
        found = apart(a, b, _floats(at), _floats(bt), trial)
        if found is None or not found.points.max() < TOLERANCE:
            return None
        same = same and bool(found.thetas.max() < TOLERANCE)
        shifts = (
            shifts[0] and bool(found.shifted[0].max() < TOLERANCE),
            shifts[1] and bool(found.shifted[1].max() < TOLERANCE),
        )
    return "not distinguished", None if same else shifts


def _floats(values: Mapping[str, Fraction]) -> dict[str, Any]:
    """In extended precision."""
    return {n: np.longdouble(v.numerator) / np.longdouble(v.denominator) for n, v in values.items()}


Numbers = Mapping[str, Any]
Change = Callable[[int], Numbers]


def apart(
    a: Side,
    b: Side,
    at: Numbers,
    bt: Numbers,
    seed: int,
    change: tuple[Change, Change] | None = None,
    decay: tuple[Callable[[int], Any], Callable[[int], Any]] | None = None,
    first: int = 0,
    quiet_start: bool = False,
) -> Distance | None:
    """Both on the same random gradients; None where they ask for different things."""
    world = make_world(STEPS, 5, 100 + seed, first=first)
    if quiet_start:
        world.gradients[0] = 0
    with_a, with_b = change or (None, None)
    decay_a, decay_b = decay or (None, None)
    return distance(
        simulate(a.rule, at, world, with_a, decay_a),
        simulate(b.rule, bt, world, with_b, decay_b),
        TOLERANCE,
    )


# -- what breaks it ----------------------------------------------------------------------------------

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
        at, bt = _floats(start), _floats({n: Fraction(f.value(start)) for n, f in found.formulas.items()})
    tests = [_schedule(a, b, at, bt), *_memories(a, b, at, found), _decay(a, b, at, bt)]
    breaks = [words for broken, words in tests if broken]
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

    found = apart(a, b, at, bt, 1, (scaled(at), scaled(bt)))
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
            return {m: _extended(f.value(changed(n))) for m, f in formulas.items()}

        broken = _broken(apart(a, b, at, follows(0), 2, (changed, follows)))
        tests.append((broken, f"{'a change' if broken else 'changes'} of {name} on the way"))
    return tests


def _extended(value: Any) -> Any:
    if isinstance(value, Fraction):
        return np.longdouble(value.numerator) / np.longdouble(value.denominator)
    return value


def _decay(a: Side, b: Side, at: Numbers, bt: Numbers) -> tuple[bool, str]:
    """theta[n+1] less eta*lambda*theta[n], with the same lambda."""
    if not _rates(at) or not _rates(bt):
        return False, ""
    rate_a, rate_b = at[_rates(at)[0]], bt[_rates(bt)[0]]
    strength = np.longdouble(0.05)
    found = apart(a, b, at, bt, 3, decay=(lambda n: rate_a * strength, lambda n: rate_b * strength))
    if not _broken(found):
        return False, "decoupled weight decay"
    mapped = apart(a, b, at, bt, 3, decay=(lambda n: rate_a * strength, lambda n: rate_a * strength))
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
