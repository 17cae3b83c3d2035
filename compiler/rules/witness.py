"""What anyone can replay: the gradients on which two rules part, as numbers for `UpdateRule.trajectory`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from netc.compiler.calculus import ir
from netc.compiler.proofs.ranges import Number
from netc.compiler.rules.trials import Difference, difference
from netc.dsl.record import record

Values = Mapping[str, Number]
MANY = 4
"""Evaluations in a step that are told apart, as in `simulate.py`."""


@record
class Witness:
    """Gradients from theta[0] on which the first difference shows, computed in sixty digits."""

    a: str
    b: str
    """The rules, as text for `netc.update_rule`."""
    theta0: tuple[float, ...]
    gradients: tuple[tuple[tuple[float, ...], ...], ...]
    """(T, k, d): of the evaluations of each step; before `first` all are 0 and move nothing."""
    losses: tuple[tuple[float, ...], ...] | None
    """(T, k), where the rules ask for them."""
    batches: int
    first: int
    weights: tuple[float, ...]
    """1 for a weight, 0 for a bias."""
    n: int
    element: int
    what: str
    """`theta`: theta[n] differs; `point`: the point where step n asks does."""
    theta_a: str
    theta_b: str
    """What it is, to thirty digits."""
    schedule_a: Mapping[str, tuple[float, ...]] | None
    schedule_b: Mapping[str, tuple[float, ...]] | None
    """Of rules that are the same for constant parameters: their values in each step."""

    @property
    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def witness(a: tuple[str, ir.Rule, Values], b: tuple[str, ir.Rule, Values], found: Difference) -> Witness:
    """Of the difference, cut down to the steps and, where that is enough, the one element that it needs."""
    (text_a, rule_a, at), (text_b, rule_b, bt) = a, b
    world = found.trial.world
    steps = found.n - world.first + (found.what == "point")
    cut = replace(world, gradients=world.gradients[:steps], losses=world.losses[:steps])
    mine, theirs = ({n: x[:steps] for n, x in of.items()} for of in found.trial.schedules)
    short = replace(found.trial, world=cut, schedules=(mine, theirs))
    if found.element % 2 == 0:  # a weight, as the only element is
        i = slice(found.element, found.element + 1)
        one = replace(short.world, gradients=short.world.gradients[:, :, i], theta=world.theta[i])
        less = replace(short, world=one)
        alone = difference(rule_a, rule_b, at, bt, less)
        if alone is not None and alone.n == found.n:
            short, found = less, alone
    shown = short.world
    elements = len(shown.theta)
    evaluations = [e for rule in (rule_a, rule_b) for e in _evaluations(rule.body)]
    losses, asked = any(e.loss for e in evaluations), 1 if len(evaluations) <= 2 else MANY
    return Witness(
        text_a,
        text_b,
        tuple(float(x) for x in shown.theta),
        tuple(tuple(tuple(float(x) for x in g) for g in step[:asked]) for step in shown.gradients),
        tuple(tuple(float(x) for x in step[:asked]) for step in shown.losses) if losses else None,
        shown.batches,
        shown.first,
        tuple(float(i % 2 == 0) for i in range(elements)),
        found.n,
        found.element,
        found.what,
        f"{found.a:.30g}",
        f"{found.b:.30g}",
        mine or None,
        theirs or None,
    )


def _evaluations(body: tuple[ir.Stmt, ...]) -> Iterator[ir.Evaluate]:
    for stmt in body:
        match stmt:
            case ir.Evaluate():
                yield stmt
            case ir.For(body=inside) | ir.Repeat(body=inside):
                yield from (e for _ in range(MANY) for e in _evaluations(inside))
            case ir.If(_, inside, otherwise):
                yield from (*_evaluations(inside), *_evaluations(otherwise))
