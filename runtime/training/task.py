"""What is to be trained, who watches, and what comes of it. Trains nothing (`train.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Literal

from netc.compiler.calculus import ir
from netc.compiler.kernels.rule_flow import flat
from netc.runtime.aligned import aligned
from netc.runtime.parameters import Array
from netc.runtime.training.history import FOLLOWED
from netc.runtime.training.inside import Inside
from netc.runtime.training.judge import Rules
from netc.runtime.training.metrics import Metric
from netc.runtime.training.report_spacing import Sizes, Spacing, spacing
from netc.runtime.training.sample_layout import Samples, bounds
from netc.runtime.training.state import (
    State,
)
from netc.runtime.training.stretches import Given, OnCpu, Stretches
from netc.runtime.training.varying import OnCpuVarying, Varying
from netc.runtime.training.workers import Workers


@dataclass(frozen=True)
class Task:
    """All that training needs."""

    program: ir.Program
    kernels: ModuleType
    train: Samples
    test: Samples | None
    metric: Metric | None
    """None where there are no outputs to judge (an objective)."""
    every: int
    """Epochs (or steps) between reports; 0: as `report_spacing.py` chooses."""
    threads: int
    history: Literal["all", "summary"] = "all"
    """Whether every run reports, or some of very many."""
    by_steps: bool = False
    """`every` counts steps."""
    validation: Samples | None = None
    rules: Rules | None = None
    """By which figures runs are judged epoch by epoch; None: the last parameters are kept."""
    slopes: Callable[[Array], Array] | None = None
    """Of a row of parameters and states: the derivative (N, inputs) of the training loss, where it is shown."""
    inside: Inside | None = None
    """Where figures of the inside of the network are shown."""
    begin: State | None = None
    """Where all runs begin, if not at the starts of the program."""
    first: int = 0
    """The iteration in which they begin there."""
    until: int = 0
    """The iteration after which this part of the training ends, which a later one goes on from; 0: it is whole."""
    only: tuple[int, int] | None = None
    """Of the runs those from the first number to before the second: the others are trained elsewhere."""
    varying: Varying | None = None
    """What changes the training samples from iteration to iteration."""
    attacked: Mapping[str, Callable[[Array], float]] = field(default_factory=dict)
    """Monitored figures under attack by their names, at a row of parameters and states."""
    whole: Callable[[Array], Array] | None = None
    """Rows of a state -> (rows, P) all parameters, where some are frozen."""

    @property
    def keeps(self) -> bool:
        """Whether the best parameters are the result."""
        return self.rules is not None and self.rules.keep is not None


class Watcher:
    """Told what happens while it happens; the base class does not care."""

    enough = False
    """Set while a report is told: training ends there."""

    def compiled(self, seconds: float) -> None:
        """Before the first iteration."""

    def advanced(self, done: float, total: float) -> None:
        """After each stretch: iterations times runs."""

    def parameters(self, theta: Callable[[], Array]) -> None:
        """Before each report: what gives (rows, P), the parameters of the runs that are going to report."""

    def reported(self, epoch: float, step: int, figures: Array) -> None:
        """After each report: a row (ROW of `report.py`) for each run that reported."""

    def checkpoint(self, arrays: dict[str, Array]) -> None:
        """Now and then, and when interrupted: all that `train(..., resume=arrays)` needs."""


@dataclass(frozen=True)
class Outcome:
    """What came of all runs that were begun; the first axis counts them."""

    theta: Array
    """(runs, P)"""
    best: Array
    """(runs, P): at the best figure of `keep`, or at the lowest training loss seen at a report."""
    best_step: Array
    """(runs,): the iteration in which it was seen."""
    states: Array
    """(runs, S): the states of layers, with `theta`."""
    best_states: Array
    """(runs, S): with `best`."""
    counters: Array
    """(runs, 4), as in docs/kernels.md."""
    history: Array
    """(rows, COLUMNS and monitored functions), run by run; of the followed runs only where the task says `summary`."""
    stops: Array
    """(runs,) index into `outcomes.STOPS`: why each run ended."""
    final: Array
    """(runs, FIGURES): each run at its last parameters."""
    kept: Array | None
    """(runs, FIGURES): each run at its best parameters, where `keep` asks for these."""
    grown: Array
    """(runs, monitored functions): iterations in which the function was more than 1 % above the one before."""
    watched: Array
    """(runs, monitored functions): their values at the end."""
    seconds: dict[str, float]
    interrupted: bool
    every: int
    """Iterations between two reports."""
    before: State | None = None
    """Of the first run that was lost: its state an iteration before, on the CPU."""
    checkpoint: dict[str, Array] = field(default_factory=dict)
    """All that going on beyond the end needs. Empty of runs that were not in hand together."""


def total_steps(program: ir.Program, samples: int) -> tuple[int, int]:
    """(iterations to do at most, iterations of one epoch)."""
    training = program.training
    per_epoch = 1 if program.rule.visits_batches else len(bounds(training.batches, samples)) - 1
    limits = [n for n in (training.steps, training.epochs * per_epoch) if n >= 0]
    return min(limits), per_epoch


def stretches_of(task: Task, hyper: Array, workers: Workers) -> Stretches:
    """Who carries the iterations out."""
    program, train = task.program, task.train
    cuts = aligned(bounds(program.training.batches, train.count))
    layout = bool(task.kernels.BY_SAMPLE), train.panel > 0
    given = Given(hyper, train.x, train.y, train.count, cuts, program.training.seed, *layout)
    if task.kernels.DEVICE == "cpu":
        loops = any(isinstance(s, ir.Repeat | ir.For) for s in flat(program.rule.body))
        if task.varying:
            return OnCpuVarying(task.kernels, given, workers, loops, task.varying)
        return OnCpu(task.kernels, given, workers, loops)
    from netc.runtime.training.cuda_stretches import OnGpu

    return OnGpu(task.kernels.GPU, given)


def spacing_of(task: Task) -> Spacing:
    program, samples = task.program, task.train.count
    others = sum(part.count for part in (task.validation, task.test) if part)
    judged = task.rules is not None
    sizes = Sizes(*total_steps(program, samples), reporting(task), samples, others, judged)
    stated = task.every if task.by_steps else task.every * sizes.per_epoch
    return spacing(program, sizes, stated, task.history == "summary")


def reporting(task: Task) -> int:
    """Runs in the history."""
    runs = task.program.training.runs
    return min(runs, FOLLOWED) if task.history == "summary" else runs


def reports(task: Task) -> int:
    """Rows that the history has at most."""
    total, _ = total_steps(task.program, task.train.count)
    return (total // spacing_of(task).rows + 2) * reporting(task)
