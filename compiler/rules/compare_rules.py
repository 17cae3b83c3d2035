"""Two update rules side by side: a proof that they are the same, or a test.

Two rules are the same if they ask for the gradient at the same points, whatever the gradients are. What differs on
a first trial is not the same; what does not is proved (`proofs.py`), for the numbers as given or for all values of the
parameters. What is not proved is tried where rules may differ (`trials.py`). Which formulas are tried for B's
parameters is in `mapping.py`, which of them hold in `find_mapping.py`, what the equality does not survive in
`conditions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from math import isfinite
from typing import Any, Literal

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.proofs.induction import Unproved
from netc.compiler.proofs.normal_form import NoForm
from netc.compiler.proofs.prove import Argument, prove
from netc.compiler.proofs.ranges import Number, exact
from netc.compiler.rules.find_mapping import find
from netc.compiler.rules.mapping import VANISHING, Formula, Tied, drawn, named_values, parts
from netc.compiler.rules.rule_text import RuleText, read_rule
from netc.compiler.rules.simulate import Distance, World, distance, make_world, simulate
from netc.compiler.rules.trials import Tried, difference, ordinary, try_all

STEPS = 40
SEQUENCES = 20
"""Of random gradients, in each of two worlds and for each choice of parameters."""
TOLERANCE = 1e-10
"""Relative difference that rounding of the parameters can explain (1 - 0.999 has lost three digits)."""
DRAWS = (11, 12)
"""Seeds of A's parameters."""
STRETCHED = (101, 102, 103)
"""Of very small and very large ones."""

How = Literal["proved", "not distinguished", "refuted"]


Pair = tuple[Mapping[str, Number], Mapping[str, Number]]
"""The parameters of A and of B."""


@dataclass(frozen=True)
class Side:
    """A rule with its numbers."""

    text: RuleText
    values: Mapping[str, float]
    rule: ir.Rule

    @property
    def numbers(self) -> Mapping[str, Number]:
        return {n: Number(exact(v)) for n, v in self.values.items()}

    @cached_property
    def counting(self) -> ir.Rule:
        """The rule with the number of parameters of the network as a name, where that is possible."""
        return (self.text.general(()) if self.rule == self.text.rule else None) or self.rule

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
    argument: Argument | None = None
    """Of what is proved."""
    obstacle: str = ""
    """What kept a proof away."""
    tried: tuple[Tried, ...] = ()
    """Where there is none."""


def sides(a: str, b: str) -> tuple[Side, Side]:
    """Raises SpecError."""
    first, second = read_rule(a, "A"), read_rule(b, "B")
    return side(first), side(second)


def side(text: RuleText) -> Side:
    return Side(text, {n: v for n, v in text.optimizer.arguments if isfinite(v)}, text.rule)


Change = Callable[[Side], Side]


def match(a: Side, b: Side, change: Change | None = None) -> Match | None:
    """Formulas for B's parameters, confirmed; a rule of which only the name was given may be opened.

    `change` is done to both; then nothing is proved.
    """
    found = _match(_openings(a), b, change)
    tied = Tied.of(a.values)
    return found if found or tied is None else _match([replace(a, values=tied)], b, change)


def _match(ones: Iterable[Side], b: Side, change: Change | None) -> Match | None:
    for one in ones:
        for other in _openings(b):
            x, y = (change(one), change(other)) if change else (one, other)
            if not alike(x, y):
                continue
            ahead = looks_ahead(x.rule) or looks_ahead(y.rule)
            for reach in (False, True) if ahead else (False,):
                formulas = find(x.rule, y.rule, x.values, y.values, reach)
                found = None if formulas is None else _confirmed(x, y, formulas, change is None)
                if found is not None:
                    return found
    return None


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


def match_as_given(a: Side, b: Side) -> Match | None:
    """With the numbers that were given."""
    at, bt = a.numbers, b.numbers
    if difference(a.counting, b.counting, at, bt, ordinary()) is not None:
        return None
    return _decided(Match(a, b, None, "not distinguished", None), iter([(at, bt)]))


def _confirmed(x: Side, y: Side, formulas: Mapping[str, Formula], prove_it: bool) -> Match | None:
    """For all values of A's parameters that are of their kind: positive, or between 0 and 1."""
    found = Match(x, y, formulas, "not distinguished", None)
    try:
        if prove_it:
            return _decided(found, (_mapped(found, seed) for seed in DRAWS))
        return None if _run(x, y, [_mapped(found, seed) for seed in DRAWS]) is None else found
    except NoForm:
        return None


def _mapped(found: Match, seed: int, stretched: bool = False) -> Pair:
    at = drawn(found.a.values, seed, stretched)
    return at, {n: f.number(at) for n, f in (found.formulas or {}).items()}


def _decided(found: Match, pairs: Iterator[Pair]) -> Match | None:
    """Proved for the first pair of numbers, or tried at length with all of them; None where they differ."""
    first = at, bt = next(pairs)
    varying = [_varying(side, of) for side, of in zip((found.a, found.b), first, strict=True)]
    rules = [side.text.general(v) for side, v in zip((found.a, found.b), varying, strict=True)]
    try:
        if rules[0] is None or rules[1] is None:
            raise Unproved("it hangs on the number of parameters in a way that is not followed")
        proof = prove(rules[0], rules[1], at, bt, named_values(at) if varying[0] else ())
        return replace(found, how="proved", shifted=proof.shifted, argument=proof.argument)
    except Unproved as error:
        return _tried(found, [first, *pairs], rules, str(error))


def _varying(side: Side, of: Mapping[str, Number]) -> list[str]:
    """Parameters for which more than the number as given is meant, or another one."""
    return [n for n, v in of.items() if v.range or v.value != exact(side.values[n])]


def _tried(found: Match, pairs: list[Pair], rules: list[ir.Rule | None], obstacle: str) -> Match | None:
    run = _run(found.a, found.b, pairs)
    if run is None and found.formulas is not None:
        return None
    stretched = [_mapped(found, seed, True) for seed in STRETCHED] if found.formulas is not None else []
    tried = []
    for at, bt in (*pairs, *stretched):
        tried.append(try_all(rules[0] or found.a.rule, rules[1] or found.b.rule, at, bt))
        if tried[-1].difference is not None:
            return None
    shifted = None if run is None else run.thetas
    return replace(found, how="not distinguished", shifted=shifted, obstacle=obstacle, tried=tuple(tried))


@dataclass(frozen=True)
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


def extended(values: Mapping[str, Number]) -> dict[str, Any]:
    """In extended precision."""
    return {
        n: np.longdouble(v.value.numerator) / np.longdouble(v.value.denominator) for n, v in values.items()
    }


Numbers = Mapping[str, Any]


def apart(
    a: Side,
    b: Side,
    at: Numbers,
    bt: Numbers,
    seed: int,
    change: tuple[Callable[[int], Numbers], Callable[[int], Numbers]] | None = None,
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
        simulate(a.counting, at, world, with_a, decay_a),
        simulate(b.counting, bt, world, with_b, decay_b),
        TOLERANCE,
    )
