"""The checked program at the level of the user's concepts: every name resolved, every default written out.

Between the ast (what was written) and the ir (what is computed). `check.py` makes it, `lower.py` reads it,
the runtime takes from it what concerns data, reports and verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from netc.dsl import ast
from netc.dsl.source import NOWHERE, Span

Scaling = Literal["none", "zscore", "minmax"]


@dataclass(frozen=True)
class DataSpec:
    """The `data` statement, before anything is read.

    kind        origin
    named       (name,): a shipped, scikit-learn or IDX set
    files       absolute paths, inputs first (`"x.npy", "y.npy"`, or one table)
    inline      empty; `rows` holds (inputs, outputs) numbers
    generated   empty; `rows` holds the evaluated grid
    none        an objective has no data
    arrays      empty; the arrays come from Python (`model.train(X, y)`)
    """

    kind: Literal["named", "files", "inline", "generated", "none", "arrays"]
    origin: tuple[str, ...] = ()
    rows: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()
    target: tuple[str, ...] = ()
    """Names of target columns; empty: the named set's own, or the last column."""
    inputs: tuple[str, ...] = ()
    """Names of input columns; empty: all but the targets."""
    scale: Scaling = "none"
    """Of the inputs, fitted on the training part."""
    factor: float = 1.0
    """All inputs times this number (`scale = 1/255` for images); `scale` is "none" then."""
    scale_target: Scaling = "none"
    """Of numeric targets; the default is that of `scale`. Classes are never scaled."""
    split: float = 1.0
    """Fraction of the samples that train (floor), or a count if above 1; 1.0 trains on all."""
    seed: int = 0
    """Of the split's permutation."""
    classes: int = 0
    """Number of classes if the file states it, else 0."""
    limit: int = 0
    """At most so many samples (0: all), before the split."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    """Of the statement's source part, for messages."""
    spans: tuple[tuple[str, Span], ...] = field(default=(), compare=False, repr=False)
    """Of each setting, by name, for messages (`target`, `split`, ...)."""


@dataclass(frozen=True)
class Facts:
    """What the checker must know of the data to check sizes. The runtime reads them off the data set."""

    inputs: int
    targets: int
    """Target columns as they stand in the data."""
    samples: int
    """Training samples."""
    labels: tuple[str, ...] = ()
    """Class labels, in order, where the single target can be read as classes (text, or few integers)."""
    text: bool = False
    """Whether the target is text, so that it is fit for classification only; integers are fit for both."""


@dataclass(frozen=True)
class Expectation:
    """One `expect`, to be judged by the runtime once results are there."""

    claim: ast.Expr
    within: ast.Expr | None
    text: str
    """The statement's own text, for the table."""
    settings: tuple[ast.Setting, ...] = ()
