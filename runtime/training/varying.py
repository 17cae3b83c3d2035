"""Training on samples that change: attacked at the parameters of now.

The host changes them between iterations, for one run after the other, so that no kernel has to know. What a sample is hangs
on run, iteration and parameters alone, and so do all bits.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np

from netc.compiler.calculus import ir
from netc.runtime.aligned import zeros
from netc.runtime.parameters import Array
from netc.runtime.random import order_of_epoch
from netc.runtime.training.attacker import Attacker
from netc.runtime.training.sample_layout import bounds
from netc.runtime.training.state import RUNNING
from netc.runtime.training.stretches import Given, OnCpu
from netc.runtime.training.workers import Workers


class Varying:
    """What the training samples are in an iteration."""

    def __init__(self, training: ir.Training, x: Array, y: Array, attacker: Attacker) -> None:
        """`x` (N, inputs) and `y` (N, targets) as the loss sees them."""
        self.training, self.x, self.y, self.attacker = training, x, y, attacker
        self.cuts = bounds(training.batches, len(x))

    def until(self, at: int, last: int) -> int:
        """Up to which iteration the samples stay as they are in iteration `at`."""
        return min(last, at + 1)

    def put(self, given: Given, row: Array, run: int, at: int) -> None:
        """Those of the batch of iteration `at`, into what the kernels read; `row`: the run's parameters and states."""
        chosen = self.batch(run, at)
        x = self.attacker.of(row, self.x[chosen], self.y[chosen])
        if given.by_sample:
            given.x[chosen] = x
        else:
            given.x[:, chosen] = x.T

    def batch(self, run: int, at: int) -> Array:
        """Its samples, by their numbers."""
        epoch, batch = divmod(at, len(self.cuts) - 1)
        order = order_of_epoch(self.training.batches.order, len(self.x), self.training.seed, run, epoch)
        found: Array = order[self.cuts[batch] : self.cuts[batch + 1]]
        return found


class OnCpuVarying(OnCpu):
    """One run after the other, each in stretches in which its samples stay as they are."""

    def __init__(
        self, kernels: ModuleType, given: Given, workers: Workers, searching: bool, varying: Varying
    ) -> None:
        x = zeros(given.x.shape, given.x.dtype)  # the samples that are reported stay as they are
        x[...] = given.x
        super().__init__(kernels, replace(given, x=x), workers, searching)
        self.varying = varying

    def wait(self) -> float:
        state, rows, last = self.state, self.state.running(self.rows), self.last
        seconds = 0.0
        if not len(rows) or state.counters[rows, 0].min() >= last:
            return super().wait()  # the kernels are compiled
        for row in rows.tolist():
            while self._goes_on(row, last):
                at = int(self.state.counters[row, 0])
                self.varying.put(self.given, self.state.theta[row], int(self.state.counters[row, 4]), at)
                self.rows, self.last = np.array([row]), self.varying.until(at, last)
                seconds += super().wait()
        self.rows, self.last = rows, last
        return seconds

    def _goes_on(self, row: int, last: int) -> bool:
        return bool(self.state.counters[row, 0] < last and self.state.counters[row, 3] == RUNNING)
