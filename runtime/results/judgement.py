"""What a trained model says of samples whose truth is known: figures, confusion, residuals, calibration, and which samples
it knows best and least. Takes outputs as they come from the model; runs and trains nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.runtime.results import calibration

Reals = NDArray[np.float64]
SUREST = 1e-300
"""Smallest probability whose logarithm is taken."""


@dataclass(frozen=True, eq=False, repr=False)
class Judgement:
    """Of N samples. With classes, `truth` are their numbers, 0 to K - 1, in the order of `classes`."""

    part: str
    """`train`, `validation`, `test`, or `given`."""
    inputs: Reals
    """(N, inputs), raw."""
    outputs: Reals
    """(N, outputs) of the network, in the units of the data."""
    truth: NDArray[Any]
    """(N,) numbers of classes, or (N, outputs) numbers."""
    rows: NDArray[np.int64]
    """(N,) which sample of the data each is, counted from 0."""
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    probable: bool = False
    """Whether the outputs are probabilities of classes."""
    threshold: float = 0.5
    """Of one output: above it is the second class."""
    image: tuple[int, ...] = ()
    """(height, width) or (height, width, channels) where the inputs are an image."""
    predict: Any = field(default=None, repr=False)
    """(M, inputs) raw -> (M, outputs), for pictures between the samples."""

    def __len__(self) -> int:
        return len(self.truth)

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        return f"<netc judgement of {len(self)} samples ({self.part}): {told}>"

    # -- classes -----------------------------------------------------------------------------------

    @cached_property
    def scores(self) -> Reals:
        """(N, K) what the network gives each class: of one output p, 1 - p and p; of one score, itself on both sides."""
        if self.outputs.shape[1] > 1:
            return self.outputs
        p = self.outputs[:, 0]
        return np.column_stack([1 - p if self.probable else 2 * self.threshold - p, p])

    @cached_property
    def said(self) -> NDArray[np.int64]:
        """(N,) the class that the model names."""
        if self.outputs.shape[1] > 1:
            found: NDArray[np.int64] = self.outputs.argmax(axis=1)
            return found
        return (self.outputs[:, 0] > self.threshold).astype(np.int64)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(K, K) samples: a row for each true class, a column for each that is named."""
        k = len(self.classes)
        found: NDArray[np.int64] = np.bincount(self.truth * k + self.said, minlength=k * k).reshape(k, k)
        return found

    @property
    def confidence(self) -> tuple[Reals, Reals]:
        """(N,) the probability that is said and (N,) whether it came true: of one output the second class, of several
        the class that is named. ValueError where the outputs are no probabilities."""
        if not self.probable:
            raise ValueError(
                "the outputs are no probabilities: the last activation is neither softmax nor a sigmoid"
            )
        if self.outputs.shape[1] == 1:
            return self.outputs[:, 0], (self.truth == 1).astype(np.float64)
        return self.outputs.max(axis=1), (self.said == self.truth).astype(np.float64)

    @property
    def ece(self) -> float:
        """Expected calibration error over 15 bins. ValueError as `confidence`, likewise below."""
        return calibration.ece(*self.confidence)

    @property
    def ece_levels(self) -> float:
        """The same over the level sets of what is said."""
        return calibration.ece_levels(*self.confidence)

    @property
    def smooth_ece(self) -> float:
        """The smooth calibration error."""
        return calibration.smooth_ece(*self.confidence)

    # -- numbers -----------------------------------------------------------------------------------

    @property
    def residuals(self) -> Reals:
        """(N, outputs) what the model says minus the truth. ValueError with classes."""
        if self.classes:
            raise ValueError("the targets are classes: they have no residuals")
        found: Reals = self.outputs - self.truth
        return found

    # -- both --------------------------------------------------------------------------------------

    @cached_property
    def losses(self) -> Reals:
        """(N,) how wrong the model is: -log of the probability of the true class; of scores how far the best other one is
        above it; of numbers the distance from the truth, each output in units of its deviation."""
        if self.classes:
            at = np.arange(len(self))
            own = self.scores[at, self.truth]
            if self.probable:
                surprise: Reals = -np.log(np.maximum(own, SUREST))
                return surprise
            others = self.scores.copy()
            others[at, self.truth] = -np.inf
            above: Reals = others.max(axis=1) - own
            return above
        spread = self.truth.std(axis=0)
        found: Reals = np.sqrt(np.square(self.residuals / np.where(spread > 0, spread, 1)).sum(axis=1))
        return found

    def worst(self, count: int = 10) -> NDArray[np.int64]:
        """Places of samples here, the most wrong first."""
        return np.argsort(-self.losses, kind="stable")[:count]

    def best(self, count: int = 10) -> NDArray[np.int64]:
        """The least wrong first."""
        return np.argsort(self.losses, kind="stable")[:count]

    def uncertain(self, count: int = 10) -> NDArray[np.int64]:
        """Those whose two likeliest classes are nearest to each other first. ValueError without classes."""
        if not self.classes:
            raise ValueError("the targets are numbers: none is more certain than another")
        first, second = -np.partition(-self.scores, 1, axis=1)[:, :2].T
        return np.argsort(first - second, kind="stable")[:count]

    @property
    def figures(self) -> dict[str, float]:
        """By name: `accuracy`, `ece`, `ece_levels`; or of each target `rmse`, `mae`, `bias` and `r2`."""
        if self.classes:
            found = {"accuracy": float(np.mean(self.said == self.truth))}
            return found | ({"ece": self.ece, "ece_levels": self.ece_levels} if self.probable else {})
        return {k: v for i in range(self.outputs.shape[1]) for k, v in self._of_column(i).items()}

    def _of_column(self, i: int) -> dict[str, float]:
        residual, truth = self.residuals[:, i], self.truth[:, i]
        spread = float(np.square(truth - truth.mean()).sum())
        of = f"({self.targets[i]})" if self.outputs.shape[1] > 1 and i < len(self.targets) else ""
        figures = {
            "rmse": float(np.sqrt(np.mean(np.square(residual)))),
            "mae": float(np.mean(np.abs(residual))),
            "bias": float(np.mean(residual)),
        }
        if spread > 0:
            figures["r2"] = 1 - float(np.square(residual).sum()) / spread
        return {name + of: value for name, value in figures.items()}
