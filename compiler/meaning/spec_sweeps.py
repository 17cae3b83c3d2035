"""Several trainings of one file, of the checked program: sweeps, the finder of a rate, phases, ensembles."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from netc.compiler.meaning.spec_training import Judged
from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.source import NOWHERE, Span


@record
class Axis:
    """What a sweep changes: `values` in turn, or numbers that are drawn by a law.

    statement  the use of `optimizer`, `init` or `loss`
    setting    a setting of `train`
    name       a name that stands in the file wherever a number, an operation or a size may stand
    parameter  of the optimizer
    """

    name: str
    kind: Literal["statement", "setting", "name", "parameter"]
    values: tuple[ast.Expr, ...]
    law: Literal["", "uniform", "log_uniform"] = ""
    low: float = 0.0
    high: float = 0.0
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    """Of the name."""


@record
class Sweep:
    """Trainings of one file, one for each point."""

    axes: tuple[Axis, ...]
    trials: int
    """Points that are drawn; 0: all of the grid."""
    seed: int
    figure: Judged | None
    """By which the points are sorted; None where the file does not say."""
    by: Literal["", "tpe", "halving"] = ""
    """`tpe`: points are drawn where those before were good; `halving`: only the better ones are trained to the end."""
    at_once: int = 1
    """By tpe: points that are chosen together, by the figures of all before them."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Finder:
    """A short training whose rate grows by a constant factor in each iteration, from `low` to `high`."""

    parameter: str
    low: float
    high: float
    steps: int
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Ensemble:
    """Several trained networks that answer together."""

    phases: tuple[str, ...]
    """The ends of these phases, for each run; empty: all runs."""
    by: Literal["mean", "vote"]
    """The mean of the outputs, or the share of members that choose each class."""
    folds: bool = False
    """The trainings of all folds, for each run; a sweep's points together."""


@record
class Phase:
    """A part of the training: the file with some of its settings replaced (`check/phases.py`)."""

    name: str
    settings: tuple[ast.Setting, ...]
    """What is other than in the file, as it was written."""
    restart: bool
    """Whether its rule begins anew though the one before could go on."""
    freeze: tuple[str, ...] = ()
    """Names of the arrays of parameters that are not trained."""
    of_rule: tuple[str, ...] = ()
    """Names that stand in the file and are parameters of the rule: these are set."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)
