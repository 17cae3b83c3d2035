"""What a callback is told while a model trains, and how its answer ends the training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.runtime.results.make_result import named
from netc.runtime.training.report import ROW
from netc.runtime.training.task import Watcher

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Report:
    """One moment of a training; arrays have a row for each run that goes on."""

    epoch: float
    step: int
    figures: dict[str, Reals]
    """The columns of `result.history`, (runs,) each: `loss_train`, `gradient_norm`, ...; NaN in a report that has not
    looked at all samples, which has `loss_batches` alone."""
    parameters: Callable[[], NDArray[Any]]

    @property
    def theta(self) -> NDArray[Any]:
        """(runs, P), a copy."""
        return self.parameters()

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {np.median(values):.4g}" for name, values in self.figures.items())
        return f"<report at epoch {self.epoch:g}, step {self.step}: {told}>"


class Calls(Watcher):
    """Tells a callback; without one it says nothing."""

    def __init__(
        self, callback: Callable[[Report], object] | None, metric: str, parts: tuple[str, ...]
    ) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(f"callback is a function of one report, not {type(callback).__name__}")
        self.callback, self.metric = callback, metric
        self.absent = tuple(f"_{part}" for part in ("validation", "test") if part not in parts)
        self._theta: Callable[[], NDArray[Any]] = lambda: np.zeros((0, 0))

    def parameters(self, theta: Callable[[], NDArray[Any]]) -> None:
        self._theta = theta

    def reported(self, epoch: float, step: int, figures: NDArray[Any]) -> None:
        if self.callback is None or self.enough:
            return
        columns = dict(zip(ROW, figures.T, strict=True))
        told = named(columns, self.metric, self.absent, several=True)
        answer = self.callback(Report(epoch, step, told, self._theta))
        self.enough = bool(answer)
