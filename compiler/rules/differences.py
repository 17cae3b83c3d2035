"""What the difference of two rules hangs on, found by trying: changes to both that make them the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial, reduce
from itertools import combinations

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.rules.admitted import admitted
from netc.compiler.rules.compare_rules import Match, match_changed
from netc.compiler.rules.mapping import VANISHING, parts
from netc.compiler.rules.sides import TOLERANCE, Side, apart
from netc.compiler.rules.simulate import Distance, TooLong, World, simulate
from netc.compiler.rules.trials import Difference

LATE = 10**6
"""An n at which corrections such as 1 - beta^n are over."""


def because(a: Side, b: Side, found: Difference | None) -> tuple[str, ...]:
    """What the difference hangs on; of one that is too small for these tests nothing is said."""
    if found is not None and found.what != "asks":
        way = abs(float(found.a) - found.trial.world.theta[found.element])
        if abs(float(found.a - found.b)) < TOLERANCE * way:
            return ()
    return (*momentary(a, b), *reasons(a, b))


def reasons(a: Side, b: Side) -> Iterator[str]:
    """The fewest changes to both that make the rules the same."""
    changes = [words for words, change in _CHANGES.items() if change(a) != a or change(b) != b]
    for count in range(1, len(changes) + 1):
        found = [*_reasons_of(a, b, list(combinations(changes, count)))]
        if found:
            yield from found
            return


def _reasons_of(a: Side, b: Side, choices: list[tuple[str, ...]]) -> Iterator[str]:
    for chosen in choices:
        found = match_changed(a, b, partial(_changed, chosen))
        if found is not None and _moves(_changed(chosen, a)):
            yield " and ".join(chosen) + _with_mapping(found)


def _changed(chosen: tuple[str, ...], side: Side) -> Side:
    return reduce(lambda one, words: _CHANGES[words](one), chosen, side)


def _moves(side: Side) -> bool:
    """Two rules that stand still are the same, which tells nothing: a search whose first step is 0."""
    world = World(np.ones((5, 4, 3)), np.ones((5, 4)), np.ones(3))
    return bool(np.any(simulate(side.rule, side.values, world).thetas[-1] != 1))


def momentary(a: Side, b: Side) -> Iterator[str]:
    """Differences that come with n and go."""
    if _same(apart(a, b, a.values, b.values, 5, quiet_start=True)):
        yield f"if the first gradient were 0: only the first step is another one{_left_apart(a, b)}"
    elif _same(_late(a, b)):
        yield f"at a late n ({LATE}): only a correction that fades with n differs"


def _late(a: Side, b: Side) -> Distance | None:
    """None too where loops have grown with n beyond what is tried."""
    with suppress(TooLong):
        return apart(a, b, a.values, b.values, 5, first=LATE)
    return None


def _left_apart(a: Side, b: Side) -> str:
    """By how much a first gradient alone sets theta apart in the end."""
    quiet = np.zeros((200, 4, 1))
    quiet[0] = 1
    world = World(quiet, np.ones((200, 4)), np.zeros(1))
    first, second = (simulate(s.rule, s.values, world).thetas for s in (a, b))
    gap, before = (float((second[n] - first[n])[0, 0]) for n in (-1, -50))
    steady = abs(gap - before) < 1e-6 * abs(gap)
    return f"; theta stays apart by {abs(gap):.3g} times the first gradient" if steady and gap else ""


def _same(found: Distance | None) -> bool:
    return found is not None and bool(found.points.max() < TOLERANCE)


def _with_mapping(found: Match) -> str:
    other = {n: f.text for n, f in (found.formulas or {}).items() if f.text != n and f.cost}
    return "".join(f", {n} = {text}" for n, text in other.items())


def _without(side: Side, part: str, instead: float) -> Side:
    """Where the rule admits such a number: a search's `lambda > 0` is no decay."""
    admits = {n for n, where in admitted(side.text.optimizer).items() if instead or where.sign != 2}
    chosen = {n: instead for n, p in parts(side.values).items() if p == part and n in admits}
    return replace(side, values={**side.values, **chosen})


def _from_zero(side: Side) -> Side:
    states = tuple(s if s.name == "theta" else replace(s, initial=ir.Const(0.0)) for s in side.rule.states)
    return replace(side, rule=replace(side.rule, states=states))


_CHANGES: Mapping[str, Callable[[Side], Side]] = {
    "with a vanishing epsilon": lambda side: _without(side, "epsilon", VANISHING),
    "without weight decay": lambda side: _without(side, "decay", 0.0),
    "with states that start at 0": _from_zero,
}
