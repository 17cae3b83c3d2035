"""Two update rules side by side: a proof that they are the same, or a test.

Two rules are the same if they ask for the gradient at the same points, whatever the gradients are. What differs on
a first trial is not the same; what does not is proved (`claims.py`), for the numbers as given or for all values of the
parameters. What is not proved is tried where rules may differ (`trials.py`). Which formulas are tried for B's
parameters is in `mapping.py`, which of them hold in `find_mapping.py`, what the equality does not survive in
`conditions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice
from typing import Any, Literal

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.proofs.induction import Unproved
from netc.compiler.proofs.normal_form import NoForm
from netc.compiler.proofs.prove import Argument
from netc.compiler.proofs.ranges import Number
from netc.compiler.rules.claims import Claim, claim, varying
from netc.compiler.rules.conditions import RATE, Condition, conditions
from netc.compiler.rules.find_mapping import find
from netc.compiler.rules.mapping import Formula, Tied, drawn
from netc.compiler.rules.sides import TOLERANCE, Side, apart, extended, side
from netc.compiler.rules.trials import Difference, Tried, difference, ordinary, try_all
from netc.dsl.record import record

SEQUENCES = 20
"""Of random gradients, in each of two worlds and for each choice of parameters."""
DRAWS = (11, 12)
"""Seeds of A's parameters."""
STRETCHED = (101, 102, 103)
"""Of very small and very large ones."""

How = Literal["proved", "not distinguished", "refuted"]


Pair = tuple[Mapping[str, Number], Mapping[str, Number]]
"""The parameters of A and of B."""


@record
class Match:
    """B does what A does for B's parameters `formulas` of A's; None: only for the numbers as given."""

    a: Side
    b: Side
    """As they were given, or opened."""
    formulas: Mapping[str, Formula] | None
    how: How
    shifted: tuple[bool, bool] | None
    """None: theta is the same; else which one's theta is the other one's point."""
    changes: tuple[Condition, ...] = ()
    """On the way, and what they do."""
    claim: Claim | None = None
    """What is proved."""
    obstacle: str = ""
    """What kept a proof away."""
    tried: tuple[Tried, ...] = ()
    """Where there is none."""

    @property
    def argument(self) -> Argument | None:
        return None if self.claim is None else self.claim.proof.argument


Change = Callable[[Side], Side]
Decide = Callable[[Side, Side, Mapping[str, Formula]], "Match | None"]


def breaks(found: Match) -> tuple[str, ...]:
    """What the equality does not survive."""
    words = [c.words for c in found.changes if c.broken]
    if isinstance(found.a.values, Tied):
        words += [f"{other} other than {name}" for name, other in found.a.values.pairs]
    if found.shifted is not None:
        words.append(_shift_text(found.shifted, found.a.text.name, found.b.text.name))
    return tuple(words)


def _shift_text(shifted: tuple[bool, bool], a: str, b: str) -> str:
    match shifted:
        case (_, True):
            return f"a look at theta itself: that of {b} is the point where {a} takes its gradient"
        case (True, _):
            return f"a look at theta itself: that of {a} is the point where {b} takes its gradient"
    return "a look at theta itself: only the points of the gradients are the same"


def match(a: Side, b: Side, thorough: bool = True) -> Match | None:
    """Formulas for B's parameters, confirmed; a rule of which only the name was given may be opened.

    If not `thorough`, what is proved is so for open intervals of parameters that stay what they are.
    """
    return _match(
        a, b, lambda x, y, formulas: _decided(Match(x, y, formulas, "not distinguished", None), thorough)
    )


def match_changed(a: Side, b: Side, change: Change) -> Match | None:
    """As `match`, of both with a change, tested only."""

    def tested(x: Side, y: Side, formulas: Mapping[str, Formula]) -> Match | None:
        found = Match(x, y, formulas, "not distinguished", None)
        return None if _run(x, y, [_mapped(found, seed) for seed in DRAWS]) is None else found

    return _match(a, b, tested, change)


def _match(a: Side, b: Side, decide: Decide, change: Change | None = None) -> Match | None:
    tied = Tied.of(a.values)
    ones = chain(_openings(a), () if tied is None else (replace(a, values=tied),))
    for one, other in _each_with_each(ones, _openings(b)):
        x, y = (change(one), change(other)) if change else (one, other)
        if not alike(x, y):
            continue
        ahead = looks_ahead(x.rule) or looks_ahead(y.rule)
        for reach in (False, True) if ahead else (False,):
            formulas = find(x.rule, y.rule, x.values, y.values, reach)
            with suppress(NoForm):
                found = None if formulas is None else decide(x, y, formulas)
                if found is not None:
                    return found
    return None


def _each_with_each(ones: Iterator[Side], others: Iterator[Side]) -> Iterator[tuple[Side, Side]]:
    """Both are made when they are asked for, and once."""
    first, known = next(ones), list[Side]()
    for other in others:
        known.append(other)
        yield first, other
    yield from ((one, other) for one in ones for other in known)


def alike(a: Side, b: Side) -> bool:
    """Whether two rules that start from 0 may be the same for some numbers: they react to small gradients alike."""
    if any(isinstance(s, ir.Repeat) for side in (a, b) for s in side.rule.body):
        return True
    starts = [s.initial for side in (a, b) for s in side.rule.states if s.name != "theta"]
    return any(start != ir.Const(0.0) for start in starts) or a.character == b.character


def looks_ahead(rule: ir.Rule) -> bool:
    """Is the gradient taken elsewhere than at theta?"""
    return any(isinstance(s, ir.Evaluate) and s.point != "theta" for s in rule.body)


def _openings(one: Side) -> Iterator[Side]:
    yield one
    yield from (side(text) for text in islice(one.text.openings(), 1, None))


def match_as_given(a: Side, b: Side) -> Match | Difference | None:
    """With the numbers that were given; the difference if the first trial shows one."""
    found = difference(a.counting, b.counting, a.numbers, b.numbers, ordinary())
    return found or _decided(Match(a, b, None, "not distinguished", None), True)


def _mapped(found: Match, seed: int, stretched: bool = False) -> Pair:
    """For A's parameters numbers of their kind: positive, or between 0 and 1."""
    at = drawn(found.a.values, seed, stretched)
    return at, {n: f.number(at) for n, f in (found.formulas or {}).items()}


def _decided(found: Match, thorough: bool) -> Match | None:
    """Proved, or tried at length with numbers for the parameters; None where they differ."""
    changes = conditions(found.a, found.b, found.formulas)
    found = replace(found, changes=changes)
    survivors = frozenset(c.of for c in changes if c.of and not c.broken)
    if isinstance(found.a.values, Tied):
        survivors &= {RATE}
    try:
        claimed = claim(found.a, found.b, found.formulas, survivors, thorough)
        return replace(found, how="proved", shifted=claimed.proof.shifted, claim=claimed)
    except Unproved as error:
        return _tried(found, str(error))


def _tried(found: Match, obstacle: str) -> Match | None:
    mapped = found.formulas is not None
    pairs = [_mapped(found, seed) for seed in DRAWS] if mapped else [(found.a.numbers, found.b.numbers)]
    run = _run(found.a, found.b, pairs)
    if run is None and mapped:
        return None
    both = zip((found.a, found.b), pairs[0], strict=True)
    rules = [one.text.general(varying(one, of)) or one.rule for one, of in both]
    stretched = [_mapped(found, seed, True) for seed in STRETCHED] if mapped else []
    tried = []
    for at, bt in (*pairs, *stretched):
        tried.append(try_all(rules[0], rules[1], at, bt))
        if tried[-1].difference is not None:
            return None
    shifted = None if run is None else run.thetas
    return replace(found, how="not distinguished", shifted=shifted, obstacle=obstacle, tried=tuple(tried))


@record
class _Run:
    thetas: tuple[bool, bool] | None


def _run(a: Side, b: Side, pairs: Sequence[Pair]) -> _Run | None:
    """All pairs at once, as cases, in extended precision; None where points differ."""
    at, bt = (_stacked([extended(pair[i]) for pair in pairs]) for i in (0, 1))
    found = [apart(a, b, at, bt, seed, elements=SEQUENCES) for seed in (0, 1)]
    worlds = [d for d in found if d is not None and d.points.max() < TOLERANCE]
    if len(worlds) < len(found):
        return None
    if all(d.thetas.max() < TOLERANCE for d in worlds):
        return _Run(None)
    first, second = (all(bool(d.shifted[i].max() < TOLERANCE) for d in worlds) for i in (0, 1))
    return _Run((first, second))


def _stacked(draws: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.array([[draw[name]] for draw in draws]) for name in draws[0]}
