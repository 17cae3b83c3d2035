"""Two update rules side by side: a proof that they are the same, or a test, and under what it breaks.

Two rules are the same if they ask for the gradient at the same points, whatever the gradients are. Rules that
are linear in gradients and states are decided exactly (`linear.py`), with parameters at random fractions, so
that a formula that holds there holds everywhere. The others are brought into normal forms (`induction.py`);
where these coincide that is a proof, too. What is left is run side by side on random gradients in extended
precision. Which formulas are tried is in `mapping.py`,
which of them hold in `find_mapping.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from math import isfinite
from typing import Any, Literal

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.rules.linear import NotLinear, Proof, compare, exact, masked, recursion
from netc.compiler.rules.mapping import VANISHING, Formula, Tied, drawn, parts
from netc.compiler.rules.rule_text import RuleText, read_rule
from netc.compiler.rules.simulate import Distance, World, distance, make_world, simulate

STEPS = 40
SEQUENCES = 20
"""Of random gradients, in each of two worlds and for each choice of parameters."""
TOLERANCE = 1e-10
"""Relative difference that rounding of the parameters can explain (1 - 0.999 has lost three digits)."""
EXACT_STEPS = 16
"""Of rules whose coefficients change with n."""

How = Literal["proved", "not distinguished", "refuted"]


@dataclass(frozen=True)
class Side:
    """A rule with its numbers."""

    text: RuleText
    values: Mapping[str, float]
    rule: ir.Rule

    @cached_property
    def character(self) -> tuple[bool, ...]:
        """Of steps without epsilon and decay, whatever the other numbers: does a hundredth of the gradient make a
        hundredth of the step, the same step; does a gradient act later; do those of other parameters act here?"""
        values = {
            n: {"epsilon": VANISHING, "decay": 0.0}.get(p, self.values[n])
            for n, p in parts(self.values).items()
        }

        def moves(first: float, then: float, others: float = 1.0) -> tuple[float, float]:
            gradients = np.ones((2, 4, 3), np.longdouble) * np.array([first, then])[:, None, None]
            gradients[:, :, 1:] *= others
            world = World(gradients, np.ones((2, 4), np.longdouble), np.zeros(3, np.longdouble))
            thetas = simulate(self.rule, values, world).thetas
            return float(thetas[1][0, 0]), float((thetas[2] - thetas[1])[0, 0])

        small, smaller, apart = moves(1e-9, 0.0), moves(1e-11, 0.0), moves(1e-9, 0.0, 2.0)
        ratio = small[0] / smaller[0] if smaller[0] else 0.0
        return (
            abs(ratio - 100) < 1e-3,
            abs(ratio - 1) < 1e-3,
            bool(abs(small[1]) > 1e-6 * abs(small[0])),
            apart != small,
        )


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


def match(a: Side, b: Side, change: Callable[[Side], Side] = lambda one: one) -> Match | None:
    """Formulas for B's parameters, confirmed; a rule of which only the name was given may be opened.

    `change` is done to both.
    """
    found = _match(_openings(a), b, change)
    tied = Tied.of(a.values)
    return found if found or tied is None else _match([replace(a, values=tied)], b, change)


def _match(ones: Iterable[Side], b: Side, change: Callable[[Side], Side]) -> Match | None:
    from netc.compiler.rules.find_mapping import find

    for x in map(change, ones):
        for y in map(change, _openings(b)):
            if not alike(x, y):
                continue
            ahead = _looks_ahead(x.rule) or _looks_ahead(y.rule)
            for reach in (False, True) if ahead else (False,):
                formulas = find(x.rule, y.rule, x.values, y.values, reach)
                found = None if formulas is None else _confirmed(x, y, formulas)
                if found is not None:
                    return found
    return None


def alike(a: Side, b: Side) -> bool:
    """Whether two rules that start from 0 may be the same for some numbers: they react to small gradients alike."""
    if any(isinstance(s, ir.Repeat) for side in (a, b) for s in side.rule.body):
        return True
    starts = [s.initial for side in (a, b) for s in side.rule.states if s.name != "theta"]
    return any(start != ir.Const(0.0) for start in starts) or a.character == b.character


def _looks_ahead(rule: ir.Rule) -> bool:
    """Is the gradient taken elsewhere than at theta?"""
    return any(isinstance(s, ir.Evaluate) and s.point != "theta" for s in rule.body)


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
    draws = [drawn(a.values, seed) for seed in (11, 12)]
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
    proofs = []
    try:
        for at, bt in pairs:
            for weights in (1, 0) if masked(a.rule) or masked(b.rule) else (1,):
                first = recursion(a.rule, at, weights, EXACT_STEPS)
                second = recursion(b.rule, bt, weights, EXACT_STEPS)
                proofs.append(compare(first, second))
                if not proofs[-1].points:
                    return None
    except NotLinear:
        return ("proved", None) if _by_induction(a, b, pairs) else _tested(a, b, pairs)
    thetas = all(p.thetas for p in proofs)
    sure = not any(p.steps for p in proofs) or (thetas and _by_induction(a, b, pairs))
    return "proved" if sure else "not distinguished", None if thetas else _shifted(proofs)


def _by_induction(a: Side, b: Side, pairs: Pairs) -> bool:
    from netc.compiler.rules.induction import same_for_ever

    return all(same_for_ever(a.rule, b.rule, at, bt) for at, bt in pairs)


def _shifted(proofs: list[Proof]) -> tuple[bool, bool]:
    return all(p.shifted[0] for p in proofs), all(p.shifted[1] for p in proofs)


def _tested(a: Side, b: Side, pairs: Pairs) -> tuple[How, tuple[bool, bool] | None] | None:
    """All pairs at once, as cases."""
    at, bt = (_stacked([_floats(pair[i]) for pair in pairs]) for i in (0, 1))
    found = [apart(a, b, at, bt, seed, elements=SEQUENCES) for seed in (0, 1)]
    worlds = [d for d in found if d is not None and d.points.max() < TOLERANCE]
    if len(worlds) < len(found):
        return None
    same = all(d.thetas.max() < TOLERANCE for d in worlds)
    first, second = (all(d.shifted[i].max() < TOLERANCE for d in worlds) for i in (0, 1))
    return "not distinguished", None if same else (first, second)


def _stacked(draws: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.array([[draw[name]] for draw in draws]) for name in draws[0]}


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
    elements: int = 5,
    steps: int = STEPS,
) -> Distance | None:
    """Both on the same random gradients; None where they ask for different things."""
    world = make_world(steps, elements, 100 + seed, first=first)
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
            return {m: _extended(f.value(changed(n))) for m, f in formulas.items()}

        broken = _broken(apart(a, b, at, follows(0), 2, (changed, follows), steps=2 * CHANGE))
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
