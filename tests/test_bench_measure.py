"""What the bench measures: the cost of a further iteration, whatever a call costs besides; by a clock of the test's own."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from bench.measure import Disagreement, times
from bench.report import Row, spreads, table
from bench.workloads import Workload
from peers.problems import boston


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Made:
    """A contender that takes `call` seconds a call, `step` an iteration, and `compiling` at each new number of them."""

    name: str
    clock: Clock
    call: float
    step: float
    compiling: float = 0.0
    runs: int = 1
    end: float = 1.0
    known: set = field(default_factory=set)
    calls: list = field(default_factory=list)

    def advance(self, steps: int) -> None:
        self.clock.now += self.call + steps * self.step + (steps not in self.known) * self.compiling
        self.known.add(steps)
        self.calls.append(steps)

    def weights(self) -> dict[str, np.ndarray]:
        return {"layer1.weight": np.array([self.end])}


WORK = Workload("Boston", boston(samples=384), "f64", 32, 1, 0.05)


def test_neither_calls_nor_compiling_are_counted():
    clock = Clock()
    netc = Made("netc", clock, call=0.2, step=3e-6)
    jax = Made("JAX", clock, call=0.001, step=5e-6, compiling=30.0)
    many = Made("64 networks", clock, call=0.0, step=64e-6, runs=64)
    found = times(WORK, [netc, jax, many], 3, 1.0, clock)
    assert found == pytest.approx({"netc": 3.0, "JAX": 5.0, "64 networks": 1.0}, rel=1e-6)
    # Compiling is not taken for iterations: all that are measured take their part of a second.
    assert max(jax.calls) * jax.step > 0.5
    assert all(steps % WORK.unit == 0 for steps in jax.calls)


def test_who_computes_something_else_is_not_timed():
    clock = Clock()
    with pytest.raises(Disagreement, match="JAX"):
        times(WORK, [Made("netc", clock, 0, 1), Made("JAX", clock, 0, 1, end=1.0001)], 3, 1.0, clock)


def test_processes_that_are_apart_are_said():
    row = Row(WORK, [{"netc": 10.0, "JAX": 30.0}, {"netc": 12.0, "JAX": 30.0}, {"netc": 11.0, "JAX": 33.0}])
    assert "| Boston, f64 | **11** | 30 (2.7×) |" in table([row])
    said = spreads([row])
    assert "netc 18% (Boston, f64); JAX 10% (Boston, f64)" in said
    assert "netc is beyond 10% in: Boston, f64 18%" in said
    close = Row(WORK, [{"netc": 10.0}, {"netc": 10.5}])
    assert "beyond" not in spreads([close])
