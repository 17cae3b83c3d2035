"""When a training reports, and which reports look at all samples: by counted work, never by a clock.

A row of the history costs nothing but a few numbers; the losses, metrics and the gradient of all samples cost as much as an
epoch or two. Unless the file says `every`, rows are some hundred, and those of them that look at all samples are as
many as take SHARE of the work of the iterations. So the rows of a history depend on the program and the sizes alone, not
on how busy the machine is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod

from netc.compiler.calculus import ir
from netc.compiler.rules.cost import count

ROWS = 200
"""How many reports a run makes unless the file says `every`; fewer each when there are many runs."""
ROWS_OF_ALL = 50_000
SHARE = 0.03
"""Of the multiply-adds of all iterations, what reports on all samples may take."""
SHORT = 2**28
"""Multiply-adds that they may take in any case: some hundredths of a second."""
CALL = 2**19
"""Multiply-adds in the time that a report takes outside of kernels."""


@dataclass(frozen=True)
class Spacing:
    """Both in iterations; `whole` is a multiple of `rows`. The first and the last moment of a run are reported in any
    case, on all samples."""

    rows: int
    """Between two rows of the history."""
    whole: int
    """Between two that look at all samples."""


@dataclass(frozen=True)
class Sizes:
    """Of a training: iterations at most, those of an epoch, runs that report, samples that train and that do not."""

    total: int
    per_epoch: int
    reporting: int
    train: int
    others: int
    judged: bool = False
    """Whether runs are judged at the end of each epoch, which then has a row where that is not too many."""


def spacing(program: ir.Program, sizes: Sizes, every: int, summary: bool) -> Spacing:
    """`every`: iterations between two reports, as the file says, or 0; of a `summary` every row looks at all samples."""
    if every:
        return Spacing(every, every)
    rows = max(1, min(ROWS, ROWS_OF_ALL // sizes.reporting))
    apart = max(1, -(-sizes.total // (rows * sizes.per_epoch))) * sizes.per_epoch
    epochs = sizes.total / sizes.per_epoch
    allowed = max(SHORT, SHARE * epochs * program.training.runs * work_of_epoch(program, sizes.train))
    most = max(
        1, int(allowed // (CALL + sizes.reporting * work_of_report(program, sizes.train, sizes.others)))
    )
    whole = -(-sizes.total // (apart * most)) * apart
    if summary:
        return Spacing(whole, whole)
    return Spacing(
        sizes.per_epoch if sizes.judged and epochs * sizes.reporting <= ROWS_OF_ALL else apart, whole
    )


def work_of_report(program: ir.Program, train: int, others: int) -> int:
    """Multiply-adds of a run's: the gradient and the outputs on the training part, the outputs on the other parts."""
    forward, gradient = multiply_adds(program.problem)
    return train * (gradient + forward) + others * forward


def work_of_epoch(program: ir.Program, train: int) -> float:
    """Multiply-adds of a run's iterations over all samples, at least: a search may need more rounds than one."""
    forward, gradient = multiply_adds(program.problem)
    cost = count(program.rule)
    gradients = cost.gradients + cost.gradients_per_round
    losses = max(0, cost.losses + cost.losses_per_round - gradients)
    once = gradients * gradient + losses * forward
    if not program.rule.visits_batches:
        return train * once
    return train * (cost.gradients_per_batch * gradient + once / batches(program, train))


def batches(program: ir.Program, train: int) -> int:
    cut = program.training.batches
    return {"full": 1, "size": -(-train // cut.count) if cut.count else 1, "parts": cut.count}[cut.mode]


@lru_cache(maxsize=8)
def multiply_adds(problem: ir.Problem) -> tuple[int, int]:
    """Of the loss of one sample, and of its gradient; an operation on elements counts as one for each."""
    forward, backward = (
        sum(_work(let) for let in ir.flat(steps)) for steps in (problem.forward, problem.backward)
    )
    return forward, forward + backward


def products(problem: ir.Problem) -> tuple[int, int]:
    """The same of sums alone: matrix products, convolutions, sums over units and samples."""
    forward, backward = (
        sum(
            _work(let)
            for let in ir.flat(steps)
            if any(isinstance(n, ir.Reduce) for n in ir.postorder(let.value))
        )
        for steps in (problem.forward, problem.backward)
    )
    return forward, forward + backward


def _work(let: ir.Let) -> int:
    """Elements times what each is a sum over; samples count as one."""
    sums = (node.over for node in ir.postorder(let.value) if isinstance(node, ir.Reduce))
    return prod(axis.size or 1 for axis in ir.union(let.axes, *sums))
