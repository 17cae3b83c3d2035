"""What an update rule costs: evaluations in one iteration and memory, read off its statements."""

from __future__ import annotations

from collections.abc import Iterator

from netc.compiler.calculus import ir
from netc.dsl.record import record


@record
class Cost:
    """Of one iteration, the rounds of a search counted once and those of a loop over batches apart."""

    losses: int
    """Evaluations of the loss alone or beside a gradient, outside of searches and loops."""
    gradients: int
    losses_per_round: int
    """In each round of a `repeat:`."""
    gradients_per_round: int
    losses_per_batch: int
    """In each round of a `for` loop."""
    gradients_per_batch: int
    vectors: int
    """States like theta, without theta: numbers of memory per parameter."""
    scalars: int
    """States that are one number."""


def count(rule: ir.Rule) -> Cost:
    done = [
        (place, bool(e.loss and e.counts[0]), bool(e.gradient and e.counts[1]))
        for place, e in _evaluations(rule.body, "body")
    ]

    def losses(place: str) -> int:
        return sum(loss for where, loss, _ in done if where == place)

    def gradients(place: str) -> int:
        return sum(gradient for where, _, gradient in done if where == place)

    states = [s for s in rule.states if s.name != "theta"]
    return Cost(
        losses("body"),
        gradients("body"),
        losses("repeat"),
        gradients("repeat"),
        losses("for"),
        gradients("for"),
        vectors=sum(bool(s.axes) for s in states),
        scalars=sum(not s.axes for s in states),
    )


def _evaluations(stmts: tuple[ir.Stmt, ...], place: str) -> Iterator[tuple[str, ir.Evaluate]]:
    """Each evaluation, and the innermost kind of loop around it."""
    for stmt in stmts:
        match stmt:
            case ir.Evaluate():
                yield place, stmt
            case ir.Repeat(body):
                yield from _evaluations(body, "repeat")
            case ir.For(body=body):
                yield from _evaluations(body, "for")
            case ir.If(_, then, otherwise):
                yield from _evaluations((*then, *otherwise), place)
