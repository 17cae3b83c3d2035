"""What a further iteration of a training takes: (T(3n) - T(n))/2n, so that what a call costs in any case is not in it.

Every time is taken from a fresh start, and n is so small that the training has not ended before 3n. Nothing is reported
meanwhile. Kernels count the evaluations themselves, so that those of a search are known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np

from netc.compiler.calculus import ir
from netc.runtime.aligned import aligned
from netc.runtime.training.report_spacing import batches, products
from netc.runtime.training.state import RUNNING, State, fresh, real_type, runs_at_once
from netc.runtime.training.task import Task, stretches_of, total_steps
from netc.runtime.training.workers import Workers

LONG, REPETITIONS, TRIES = 0.05, 5, 4
"""Seconds that n iterations take, about; how often all of it is measured; how often anew, where other work drowned it."""

DROWNED = "other work on this machine takes more time than what is measured: measure when it is idle"


@dataclass(frozen=True)
class Further:
    """Of an iteration of all runs in hand; times in seconds."""

    median: float
    least: float
    most: float
    runs: int
    losses: float
    """Evaluations a run."""
    gradients: float
    multiply_adds: float
    """Of products, all runs together."""
    steps: int
    """How many were measured."""


class NotMeasured(ValueError):
    """The training ends before anything can be measured, or other work on the machine takes more than it does."""


def further(task: Task) -> Further:
    """Raises NotMeasured."""
    program, kernels = task.program, task.kernels
    runs = runs_at_once(kernels, program, task.train.count)
    hyper = aligned([h.value for h in program.rule.hypers], np.float64)
    most, _ = total_steps(program, task.train.count)
    with Workers(kernels, real_type(program), min(task.threads, runs)) as workers:
        stretches = stretches_of(task, hyper, workers)

        def took(steps: int) -> tuple[float, State]:
            state = fresh(kernels, program, hyper, task.train.count, 0, runs)
            stretches.begin(state)
            stretches.queue(steps, report=False)
            return stretches.wait(), state

        took(1)
        n = _enough(took, most)
        times = _differences(lambda steps: took(steps)[0], n)
        after, before = took(3 * n)[1].counters, took(n)[1].counters
    losses, gradients = (float((after[:, i] - before[:, i]).mean()) / (2 * n) for i in (1, 2))
    return Further(
        median(times), min(times), max(times), runs, losses, gradients,
        runs * _work(program, task.train.count, losses, gradients), 2 * n,
    )  # fmt: skip


def _differences(seconds: Callable[[int], float], n: int) -> list[float]:
    """None of a longer run that took less than a shorter one: there it was other work that was measured."""
    for _ in range(TRIES):
        times = [(seconds(3 * n) - seconds(n)) / (2 * n) for _ in range(REPETITIONS)]
        if min(times) > 0:
            return times
    raise NotMeasured(DROWNED)


def _enough(took: Callable[[int], tuple[float, State]], most: int) -> int:
    """Iterations that take LONG, three times as many of which no run is at its end before."""
    n = 1
    while True:
        if 3 * n > most or (took(3 * n)[1].counters[:, 3] != RUNNING).any():
            if n == 1:
                raise NotMeasured("the training ends within three iterations: there is nothing to measure")
            return n // 2
        if (seconds := took(n)[0]) > LONG:
            return n
        n = max(2 * n, min(int(n * LONG / max(seconds, 1e-9)), 16 * n))


def _work(program: ir.Program, samples: int, losses: float, gradients: float) -> float:
    """Every loss or gradient is of a batch, or of all samples where the rule says nothing of batches."""
    forward, gradient = products(program.problem)
    return (
        samples / batches(program, samples) * (gradients * gradient + max(0.0, losses - gradients) * forward)
    )
