"""netc beside its peers at the same work: first agreement, then time, in turns, so that a slow minute hits all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from netc.runtime.aligned import aligned
from netc.runtime.bench import peers
from netc.runtime.bench.iterations import DROWNED, REPETITIONS, NotMeasured
from netc.runtime.bench.plain_descent import Chain
from netc.runtime.parameters import Array, unflatten
from netc.runtime.session import Session
from netc.runtime.training.state import fresh, real_type
from netc.runtime.training.task import stretches_of
from netc.runtime.training.workers import Workers

TOGETHER, ALLOWED = 100, {"f64": 1e-9, "f32": 1e-3}
"""Iterations after which all must have the same parameters, and how far apart these may be, of the largest."""
LONG = 0.1
"""Seconds that n iterations take, about."""


@dataclass(frozen=True)
class Compared:
    name: str
    seconds: float
    """Of a further iteration; NaN where it did not come to the same parameters."""
    apart: float
    """After the first iterations, of the largest parameter."""


class _Netc:
    name = "netc"

    def __init__(self, session: Session) -> None:
        task, self.problem = session.task, session.program.problem
        hyper = aligned([h.value for h in task.program.rule.hypers], np.float64)
        workers = Workers(task.kernels, real_type(task.program), 1)
        self.stretches = stretches_of(task, hyper, workers)
        self.state, self.at = fresh(task.kernels, task.program, hyper, task.train.count, 0, 1), 0
        self.stretches.begin(self.state)

    def advance(self, steps: int) -> None:
        self.at += steps
        self.stretches.queue(self.at, report=False)
        self.stretches.wait()

    def weights(self) -> list[Array]:
        tensors = unflatten(self.problem, self.state.theta[0, : self.problem.parameters])
        return [np.asarray(tensor, np.float64) for tensor in tensors.values()]


def compared(session: Session, chain: Chain) -> Iterator[Compared]:
    """Of a session `by_descent`: netc first."""
    own = _Netc(session)
    contenders: list[peers.Peer] = [own, *(made() for made in peers.installed(chain))]
    turns = len(chain.batches)
    for contender in contenders:
        contender.advance(-(-TOGETHER // turns) * turns)
    wanted = own.weights()
    apart = [_apart(contender.weights(), wanted) for contender in contenders]
    fit = [c for c, far in zip(contenders, apart, strict=True) if far <= ALLOWED[chain.precision]]
    times = _times(fit, turns)
    for contender, far in zip(contenders, apart, strict=True):
        yield Compared(contender.name, times.get(contender.name, float("nan")), far)


def _apart(found: Sequence[Array], wanted: Sequence[Array]) -> float:
    largest = max(float(np.abs(w).max()) for w in wanted)
    return (
        max(float(np.abs(f.reshape(w.shape) - w).max()) for f, w in zip(found, wanted, strict=True)) / largest
    )


def _times(contenders: Sequence[peers.Peer], turns: int) -> dict[str, float]:
    steps = {c.name: _steps(c, turns) for c in contenders}
    taken: dict[str, list[float]] = {c.name: [] for c in contenders}
    for _ in range(REPETITIONS):
        for contender in contenders:
            n = steps[contender.name]
            taken[contender.name].append((_time(contender, 3 * n) - _time(contender, n)) / (2 * n))
    found = {name: median(all_of_it) for name, all_of_it in taken.items()}
    if min(found.values()) <= 0:
        raise NotMeasured(DROWNED)
    return found


def _steps(contender: peers.Peer, turns: int) -> int:
    """How many take LONG. Every number of steps is compiled, and warm, when its time is taken."""
    n = turns
    while True:
        contender.advance(n)
        if (seconds := _time(contender, n)) > LONG / 4:
            break
        n *= 4
    n = max(turns, int(n * LONG / seconds) // turns * turns)
    for steps in (n, 3 * n):
        contender.advance(steps)
    return n


def _time(contender: peers.Peer, steps: int) -> float:
    began = time.perf_counter()
    contender.advance(steps)
    return time.perf_counter() - began
