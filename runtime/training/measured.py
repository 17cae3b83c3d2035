"""Where runs are measured: at theta, or at the state that the rule names (`evaluate at avg[n]`).

The states of layers that are averages over batches (batch norm's statistics) belong to the parameters that were trained.
At another point they are computed anew: what each batch of the training part alone would make of them, the mean over
the batches, as `torch.optim.swa_utils.update_bn` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import reads
from netc.runtime.aligned import aligned, zeros
from netc.runtime.parameters import Array
from netc.runtime.training.report import IN_ORDER
from netc.runtime.training.sample_layout import Samples, bounds
from netc.runtime.training.state import State
from netc.runtime.training.workers import Workers


@dataclass(frozen=True)
class Measured:
    """Gives rows as kernels have them, theta and states, of the point where runs are measured."""

    program: ir.Program
    kernels: ModuleType
    train: Samples

    @property
    def elsewhere(self) -> bool:
        return bool(self.program.rule.point)

    def rows(self, state: State, rows: Array, workers: Workers) -> Array:
        """(runs, STRIDE), of which only `rows` are meant."""
        if not self.elsewhere:
            return state.theta
        own = self.program.rule.states
        vectors = [s.name for s in own if s.axes and s.name != "theta" and not s.per_batch]
        found, parameters = state.theta.copy(), slice(self.kernels.PARAMETERS)
        found[rows, parameters] = state.vectors[rows, vectors.index(self.program.rule.point), parameters]
        kept = list(averages(self.program.problem))
        if kept:
            self._settle(found, rows, kept, workers, state)
        return found

    def _settle(
        self, found: Array, rows: Array, kept: list[tuple[slice, float]], workers: Workers, state: State
    ) -> None:
        first = self.kernels.STRIDE - self.program.problem.state_numbers
        cuts = bounds(self.program.training.batches, self.train.count)

        def settle(piece: Array, at: slice, scratch: Array) -> None:
            for row in piece:
                theta = aligned(found[row])
                for part, _ in kept:
                    theta[first + part.start : first + part.stop] = 0
                sums = np.zeros(self.program.problem.state_numbers)
                for low, high in pairwise(cuts.tolist()):
                    sums += self._next_states(theta, low, high - low, scratch, state, row)[first:]
                for part, share in kept:
                    mean = sums[part] / (len(cuts) - 1) / (1 - share)
                    found[row, first + part.start : first + part.stop] = mean

        workers.each(rows, settle, most=max(1, len(rows)))

    def _next_states(
        self, theta: Array, low: int, count: int, scratch: Array, state: State, row: int
    ) -> Array:
        """A row with what a batch in training mode makes of the states."""
        gradient = zeros(self.kernels.STRIDE, theta.dtype)
        clock: tuple[Any, ...] = ()
        if self.program.problem.draws:
            clock = (self.program.training.seed, int(state.counters[row, 4]), int(state.counters[row, 0]))
        samples = self.train.x, self.train.y, IN_ORDER, low, count
        self.kernels.training_gradient(theta, *samples, gradient, scratch, *clock)
        return gradient


def averages(problem: ir.Problem) -> Iterator[tuple[slice, float]]:
    """Places and weights r of the states with s[n+1] = r*s[n] + what the batch gives, which nothing else in training
    reads."""
    lets = {let.name: let for let in ir.flat((*problem.forward, *problem.backward))}
    tensors = {t.name: t for t in problem.states}
    for update in problem.updates:
        tensor = tensors[update.state]
        readers = [name for name, let in lets.items() if tensor.var in reads(let)]
        share = _share(lets[update.value].value, tensor.var)
        if readers == [update.value] and share is not None and share != 1:
            yield slice(tensor.offset, tensor.stop), share


def _share(expr: ir.Expr, state: ir.Var) -> float | None:
    """The constant r of an expression r*state + rest; None where it has none."""
    if expr == state:
        return 1.0
    if all(node != state for node in ir.postorder(expr)):
        return 0.0
    match expr:
        case ir.Apply("add" | "sub" as op, (a, b)):
            left, right = _share(a, state), _share(b, state)
            if left is None or right is None:
                return None
            return left + right if op == "add" else left - right
        case ir.Apply("mul", (ir.Const(factor), other) | (other, ir.Const(factor))):
            share = _share(other, state)
            return None if share is None else factor * share
        case ir.Apply("div", (other, ir.Const(divisor))):
            share = _share(other, state)
            return None if share is None else share / divisor
        case ir.Apply("neg", (other,)):
            share = _share(other, state)
            return None if share is None else -share
    return None
