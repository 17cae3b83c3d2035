"""First agreement, then time: repetitions take turns, so that a slower minute of the machine hits all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import numpy as np

from bench.workloads import Contender, Work, Workload

AGREEMENT = 100
"""Iterations after which all must have the same weights."""


class Disagreement(Exception):
    """Two contenders did not compute the same, so that comparing their times means nothing."""


def measure(
    work: Workload, makers: Sequence[Callable[[Workload], Contender]], repetitions: int, seconds: float
) -> dict[str, float]:
    """Microseconds per iteration and run, the median of each contender.

    `seconds` is what one repetition of one contender takes, about.
    """
    return times(work, [make(work) for make in makers], repetitions, seconds)


def times(work: Work, contenders: Sequence[Contender], repetitions: int, seconds: float) -> dict[str, float]:
    """As `measure`, of contenders that have all done as many iterations."""
    agreement(work, contenders)
    steps = {c.name: _steps(work, c, seconds) for c in contenders}
    taken: dict[str, list[float]] = {c.name: [] for c in contenders}
    for _ in range(repetitions):
        for contender in contenders:
            taken[contender.name].append(_time(contender, steps[contender.name]))
    return {c.name: median(taken[c.name]) / steps[c.name] / c.runs * 1e6 for c in contenders}


def prepared(work: Work, contenders: Sequence[Contender], seconds: float) -> dict[str, int]:
    """Iterations that take each contender about `seconds`, after the agreement. So many, and thrice as many, have been
    done then: some compile each number of iterations anew."""
    agreement(work, contenders)
    found, unit = dict[str, int](), math.ceil(AGREEMENT / work.unit) * work.unit
    for contender in contenders:
        contender.advance(unit)
        taken = _time(contender, unit)
        found[contender.name] = n = math.ceil(max(1.0, min(seconds / taken, 400.0))) * unit
        for steps in (n, 3 * n):
            contender.advance(steps)
    return found


def further(contenders: Sequence[Contender], steps: Mapping[str, int], repetitions: int) -> dict[str, float]:
    """Microseconds of a further iteration and run: (T(3n) - T(n)) / 2n, so that what a call costs besides counts
    nothing; the median of each contender."""
    taken: dict[str, list[float]] = {c.name: [] for c in contenders}
    for _ in range(repetitions):
        for contender in contenders:
            n = steps[contender.name]
            once, thrice = _time(contender, n), _time(contender, 3 * n)
            taken[contender.name].append((thrice - once) / (2 * n))
    return {c.name: median(taken[c.name]) / c.runs * 1e6 for c in contenders}


def agreement(work: Work, contenders: Sequence[Contender]) -> dict[str, float]:
    """How far each is from the first, relative to the largest of a tensor. Raises Disagreement."""
    steps, found = math.ceil(AGREEMENT / work.unit) * work.unit, dict[str, float]()
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


def _steps(work: Work, contender: Contender, seconds: float) -> int:
    """Whole units that take about `seconds`; run once, so that nothing is compiled later."""
    steps = math.ceil(AGREEMENT / work.unit) * work.unit
    while (taken := _time(contender, steps)) < 0.7 * seconds:
        # At most four times as many: the first calls are those with the largest share of compiling.
        steps = math.ceil(steps / work.unit * min(4.0, seconds / taken)) * work.unit
    return steps


def _time(contender: Contender, steps: int) -> float:
    start = time.perf_counter()
    contender.advance(steps)
    return time.perf_counter() - start
