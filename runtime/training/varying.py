"""Training on samples that change: augmented anew each epoch, attacked at the parameters of now.

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
from netc.runtime.training.augmenting import Augmenter
from netc.runtime.training.sample_layout import bounds, put_into_panels
from netc.runtime.training.state import RUNNING
from netc.runtime.training.stretches import Given, OnCpu
from netc.runtime.training.workers import Workers


class Varying:
    """What the training samples are in an iteration."""

    def __init__(
        self, program: ir.Program, x: Array, y: Array, attacker: Attacker | None, augmenter: Augmenter | None
    ) -> None:
        """`x` (N, inputs) and `y` (N, targets) as the loss sees them."""
        self.training, self.attacker, self.augmenter = program.training, attacker, augmenter
        self.x, self.y = x, y
        """Of the epoch `held`."""
        self.held: tuple[int, int] | None = None
        self.cuts = bounds(program.training.batches, len(x))
        self.per_epoch = 1 if program.rule.visits_batches else len(self.cuts) - 1

    def until(self, at: int, last: int) -> int:
        """Up to which iteration the samples stay as they are in iteration `at`."""
        return min(last, at + 1 if self.attacker else (at // self.per_epoch + 1) * self.per_epoch)

    def put(self, given: Given, row: Array, run: int, at: int) -> None:
        """Those of iteration `at` into what the kernels read; `row`: the run's parameters and states."""
        epoch, batch = divmod(at, self.per_epoch)
        if self.augmenter and self.held != (run, epoch):
            self.x, self.y = self.augmenter.of(run, epoch)
            self.held = run, epoch
            self._write(given, np.arange(len(self.x)), self.x)
            given.y[:, : len(self.y)] = self.y.T
        if self.attacker:
            order = order_of_epoch(self.training.batches.order, len(self.x), self.training.seed, run, epoch)
            chosen = order[self.cuts[batch] : self.cuts[batch + 1]]
            self._write(given, chosen, self.attacker.of(row, self.x[chosen], self.y[chosen]))

    def _write(self, given: Given, chosen: Array, x: Array) -> None:
        if given.by_sample:
            given.x[chosen] = x
        elif given.panels:
            put_into_panels(given.x, chosen, x)
        else:
            given.x[:, chosen] = x.T


class OnCpuVarying(OnCpu):
    """One run after the other, each in stretches in which its samples stay as they are."""

    def __init__(
        self, kernels: ModuleType, given: Given, workers: Workers, searching: bool, varying: Varying
    ) -> None:
        x, y = (
            zeros(a.shape, a.dtype) for a in (given.x, given.y)
        )  # those that are reported stay as they are
        x[...], y[...] = given.x, given.y
        super().__init__(kernels, replace(given, x=x, y=y), workers, searching)
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
