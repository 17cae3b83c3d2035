"""Are two update rules the same? The verdict in words: mapping, what breaks it, or the first difference.

How that is found out is in `compare_rules.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import combinations

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.meaning.findings import counted
from netc.compiler.rules.compare_rules import (
    SEQUENCES,
    STEPS,
    TOLERANCE,
    How,
    Match,
    Side,
    apart,
    conditions,
    match,
    match_as_given,
    sides,
)
from netc.compiler.rules.explain import call, short, wrap
from netc.compiler.rules.mapping import VANISHING, parts
from netc.compiler.rules.simulate import Trace, World, distance, make_world, simulate
from netc.dsl.printer import print_expr

LATE = 10**6
"""An n at which corrections such as 1 - beta^n are over."""


@dataclass(frozen=True)
class Verdict:
    """What `netc.equivalent` says of A and B."""

    same: bool
    """As given; a rule of which only the name was given may take what parameters it needs."""
    mapping: Mapping[str, str]
    """B's parameters in terms of A's with which B is A; empty where there are none."""
    breaks_under: tuple[str, ...]
    """What the equality does not survive."""
    text: str
    """All of it in words."""
    how: How
    numbers: Mapping[str, float] = field(default_factory=dict)
    """B's parameters for A's numbers."""
    first_difference: int | None = None
    """The n for which theta[n] is first another one."""
    reasons: tuple[str, ...] = ()
    """What would make them the same."""

    def __bool__(self) -> bool:
        return self.same


def equivalent(a: str, b: str) -> Verdict:
    """Compares two rules: names, calls as `torch.SGD(lr=0.1)`, or blocks. Raises SpecError."""
    for rule in (a, b):
        if not isinstance(rule, str):
            raise TypeError(
                f"a rule is given as text, as in 'torch.SGD(lr=0.1)', not as {type(rule).__name__}"
            )
    return compare(*sides(a, b))


def compare(a: Side, b: Side) -> Verdict:
    given, mapped = match_as_given(a, b), match(a, b)
    free = a.text.free or b.text.free
    found = (mapped if free else given) or (given if free else None)
    numbers = _numbers(mapped)
    mapping = {n: f.text for n, f in mapped.formulas.items()} if mapped and mapped.formulas else {}
    mapping |= {n: text for n, text in (mapped.b.text.switches if mapped else ()) if n not in mapping}
    if found is None:
        return _different(a, b, mapped, mapping, numbers)
    breaks, holds = conditions(mapped or found)
    verdict = Verdict(True, mapping, tuple(breaks), "", found.how, numbers)
    lines = [
        f"{_title(a)}\n{_title(b)}\nare the same rule: {_how(found.how)}.",
        *_mapping_lines(a, b, verdict),
    ]
    lines += _section("It breaks under", breaks) + _section("It survives", holds)
    return replace(verdict, text="\n".join(lines))


def _different(
    a: Side, b: Side, mapped: Match | None, mapping: Mapping[str, str], numbers: Mapping[str, float]
) -> Verdict:
    first, witness = _witness(a, b)
    lines = [_title(a), _title(b), *wrap([f"are not the same rule: {witness}."])]
    if mapped is None:
        reasons = (*_momentary(a, b), *_reasons(a, b))
        lines += _section("They would be the same", reasons)
        return Verdict(False, {}, (), "\n".join(lines), "refuted", {}, first, reasons)
    breaks, holds = conditions(mapped)
    verdict = Verdict(False, mapping, tuple(breaks), "", "refuted", numbers, first)
    lines += [f"With other numbers they are: {_how(mapped.how)}.", *_mapping_lines(a, b, verdict)]
    lines += _section("That breaks under", breaks) + _section("It survives", holds)
    return replace(verdict, text="\n".join(lines))


def _numbers(mapped: Match | None) -> dict[str, float]:
    if mapped is None or mapped.formulas is None:
        return {}
    return {name: float(f.value(mapped.a.values)) for name, f in mapped.formulas.items()}


# -- words -------------------------------------------------------------------------------------------


def _title(side: Side) -> str:
    use = side.text.statement.use
    if use is not None:
        return f"  {print_expr(use)}"
    return f"  {side.text.name if side.text.free else call(side.text.name, side.values.items())}"


def _how(how: How) -> str:
    if how == "proved":
        return "proved, for every sequence of gradients"
    return f"not distinguished by {2 * SEQUENCES} random trials of {STEPS} steps; that is a test, no proof"


def _section(title: str, lines: list[str] | tuple[str, ...]) -> list[str]:
    return ["", title, *(f"  {line}" for line in wrap(lines, 98))] if lines else []


def _mapping_lines(a: Side, b: Side, verdict: Verdict) -> list[str]:
    """B's parameters, in A's terms and as numbers."""
    rows = []
    for name, text in verdict.mapping.items():
        left = f"{name}'" if name in a.values else name
        value = short(verdict.numbers[name]) if name in verdict.numbers else text
        rows.append((left, text, "" if a.text.free or text == value else value))
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    lines = [f"{n:{widths[0]}} = {t:{widths[1]}}  {v and f'= {v}'}".rstrip() for n, t, v in rows]
    prime = " (' marks B's)" if any(n.endswith("'") for n, _, _ in rows) else ""
    return _section(f"B's parameters from A's{prime}", lines)


# -- differences -------------------------------------------------------------------------------------


def _witness(a: Side, b: Side) -> tuple[int | None, str]:
    """The first theta that is another one, and by how much."""
    world = make_world(STEPS, 5, 100)
    first, second = simulate(a.rule, dict(a.values), world), simulate(b.rule, dict(b.values), world)
    if first.labels != second.labels:
        return None, f"in a step A evaluates {_asked(first)}, B {_asked(second)}"
    found = distance(first, second, TOLERANCE)
    assert found is not None
    n = max(1, int(found.first[0]))
    x, y = ((t.thetas[n] - t.thetas[0])[0] for t in (first, second))
    element = int(np.argmax(np.abs(x - y) / np.maximum(np.maximum(np.abs(x), np.abs(y)), 1e-300)))
    gradients = ", ".join(f"{g:.3g}" for g in world.gradients[:n, 0, element][:4])
    moved = f"theta has moved by {x[element]:.4g} in A and by {y[element]:.4g} in B"
    words = f"after the gradient{'s' if n > 1 else ''} {gradients}{', ...' if n > 4 else ''} {moved}"
    return n, f"{words}, that is the first difference, theta[{n}]"


def _asked(trace: Trace) -> str:
    step = [label for label, n in zip(trace.labels, trace.steps, strict=True) if n == 0]
    losses, gradients = sum(w[0] == "1" for w, _ in step), sum(w[1] == "1" for w, _ in step)
    batches = sorted({batch for _, batch in step} - {"current"})
    on = f" on batch {', '.join(batches)}" if batches else ""
    some = [counted(losses, "loss"), counted(gradients, "gradient")]
    return " and ".join(words for words in some if words[0] != "0") + on


def _reasons(a: Side, b: Side) -> Iterator[str]:
    """What the difference hangs on: the fewest changes to both that make the rules the same."""
    changes = [words for words, change in _CHANGES.items() if change(a) != a or change(b) != b]
    for count in range(1, len(changes) + 1):
        found = [*_reasons_of(a, b, list(combinations(changes, count)))]
        if found:
            yield from found
            return


def _reasons_of(a: Side, b: Side, choices: list[tuple[str, ...]]) -> Iterator[str]:
    for chosen in choices:
        found = match(a, b, lambda one, chosen=chosen: reduce(lambda s, c: _CHANGES[c](s), chosen, one))  # type: ignore[misc]
        if found is not None:
            yield " and ".join(chosen) + _with_mapping(found)


def _momentary(a: Side, b: Side) -> Iterator[str]:
    """Differences that come with n and go."""
    if _same(apart(a, b, a.values, b.values, 5, quiet_start=True)):
        yield f"if the first gradient were 0: only the first step is another one{_left_apart(a, b)}"
    elif _same(apart(a, b, a.values, b.values, 5, first=LATE)):
        yield f"at a late n ({LATE}): only a correction that fades with n differs"


def _left_apart(a: Side, b: Side) -> str:
    """By how much a first gradient alone sets theta apart in the end."""
    quiet = np.zeros((200, 4, 1))
    quiet[0] = 1
    world = World(quiet, np.ones((200, 4)), np.zeros(1))
    first, second = (simulate(s.rule, s.values, world).thetas for s in (a, b))
    gap, before = (float((second[n] - first[n])[0, 0]) for n in (-1, -50))
    steady = abs(gap - before) < 1e-6 * abs(gap)
    return f"; theta stays apart by {abs(gap):.3g} times the first gradient" if steady and gap else ""


def _same(found: object) -> bool:
    points = getattr(found, "points", None)
    return points is not None and bool(points.max() < TOLERANCE)


def _with_mapping(found: Match) -> str:
    other = {n: f.text for n, f in (found.formulas or {}).items() if f.text != n and f.cost}
    return "".join(f", {n} = {text}" for n, text in other.items())


def _without(side: Side, part: str, instead: float) -> Side:
    values = {n: instead if p == part else side.values[n] for n, p in parts(side.values).items()}
    return replace(side, values=values)


def _from_zero(side: Side) -> Side:
    states = tuple(s if s.name == "theta" else replace(s, initial=ir.Const(0.0)) for s in side.rule.states)
    return replace(side, rule=replace(side.rule, states=states))


_CHANGES: Mapping[str, Callable[[Side], Side]] = {
    "with a vanishing epsilon": lambda side: _without(side, "epsilon", VANISHING),
    "without weight decay": lambda side: _without(side, "decay", 0.0),
    "with states that start at 0": _from_zero,
}
