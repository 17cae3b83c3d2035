"""First agreement, then time: repetitions take turns, so that a slower minute of the machine hits all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import numpy as np

from bench.workloads import Contender, Work


class Disagreement(Exception):
    """Two contenders did not compute the same, so that comparing their times means nothing."""


Clock = Callable[[], float]
"""Seconds. The processor's own, `time.process_time`, does not count the minutes that it gave to others."""


def times(
    work: Work,
    contenders: Sequence[Contender],
    repetitions: int,
    seconds: float,
    clock: Clock = time.perf_counter,
) -> dict[str, float]:
    """Microseconds of a further iteration and run; the calls of a repetition of one contender take `seconds`, about."""
    return further(contenders, prepared(work, contenders, seconds / 4, clock), repetitions, clock)


def prepared(
    work: Work, contenders: Sequence[Contender], seconds: float, clock: Clock = time.perf_counter
) -> dict[str, int]:
    """Iterations that take each contender about `seconds`, after the agreement."""
    agreement(work, contenders)
    return {c.name: _steps(work, c, seconds, clock) for c in contenders}


def further(
    contenders: Sequence[Contender],
    steps: Mapping[str, int],
    repetitions: int,
    clock: Clock = time.perf_counter,
) -> dict[str, float]:
    """Microseconds of a further iteration and run, the median of each contender: (T(3n) - T(n)) / 2n, so that what a call
    costs in any case is not in it."""
    taken: dict[str, list[float]] = {c.name: [] for c in contenders}
    for _ in range(repetitions):
        for contender in contenders:
            n = steps[contender.name]
            more = _time(contender, 3 * n, clock) - _time(contender, n, clock)
            taken[contender.name].append(more / (2 * n))
    return {c.name: median(taken[c.name]) / c.runs * 1e6 for c in contenders}


def agreement(work: Work, contenders: Sequence[Contender]) -> dict[str, float]:
    """How far each is from the first, relative to the largest of a tensor. Raises Disagreement."""
    steps, found = math.ceil(work.agreed / work.unit) * work.unit, dict[str, float]()
    for contender in contenders:
        contender.advance(steps)
    first = contenders[0].weights()
    for other in contenders[1:]:
        weights = other.weights()
        for name, ours in first.items():
            distance = float(np.abs(weights[name] - ours).max() / np.abs(ours).max())
            found[other.name] = max(distance, found.get(other.name, 0.0))
            if not distance <= work.tolerance:
                raise Disagreement(
                    f"{work.title}, {work.precision}: after {steps} iterations {name} of {other.name} is"
                    f" {distance:.1e} away from that of {contenders[0].name} (allowed: {work.tolerance:g})"
                )
    return found


def _steps(work: Work, contender: Contender, seconds: float, clock: Clock) -> int:
    """Whole units that take about `seconds`. These and three times as many are compiled after it: JAX compiles for each
    number of iterations, so only a second call with the same number is looked at."""
    steps = math.ceil(work.agreed / work.unit) * work.unit
    while (taken := _second_time(contender, steps, clock)) < 0.7 * seconds:
        steps = math.ceil(steps / work.unit * min(8.0, seconds / taken if taken else 8.0)) * work.unit
    contender.advance(3 * steps)
    return steps


def _second_time(contender: Contender, steps: int, clock: Clock) -> float:
    contender.advance(steps)
    return _time(contender, steps, clock)


def _time(contender: Contender, steps: int, clock: Clock) -> float:
    start = clock()
    contender.advance(steps)
    return clock() - start
