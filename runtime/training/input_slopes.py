"""The derivative of the loss by the inputs, sample by sample, by kernels. Scaling is its caller's."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from netc.compiler.calculus import ir
from netc.runtime.aligned import zeros
from netc.runtime.parameters import Array
from netc.runtime.training.report import IN_ORDER
from netc.runtime.training.sample_layout import lay_out


class InputSlopes:
    def __init__(self, kernels: ModuleType, problem: ir.Problem, real: type[np.floating]) -> None:
        """`kernels`: those of `by_inputs(problem)`."""
        self.kernels, self.problem, self.real = kernels, problem, real

    def of(self, row: Array, x: Array, y: Array) -> Array:
        """(N, inputs) float64, of the loss of these samples together, at a row of parameters and states as kernels have."""
        samples = lay_out(x, y, self.kernels.BLOCK, self.real, bool(self.kernels.BY_SAMPLE))
        columns = samples.y.shape[1]
        out = zeros((self.problem.inputs, columns), self.real)
        scratch = zeros(self.kernels.SCRATCH, self.real)
        self.kernels.predict(row, samples.x, samples.y, IN_ORDER, 0, samples.count, out, scratch)
        share = 1 / samples.count if self.problem.mean else 1.0
        return out[:, : samples.count].T.astype(np.float64) * share
