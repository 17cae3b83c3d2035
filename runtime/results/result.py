"""What a training gave: the arrays for Python, the figures for `--json`.

Makes no files (`folder.py`) and judges nothing (`expect.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from netc.compiler.meaning.spec import KINDS, Points
from netc.runtime.parameters import Array
from netc.runtime.results import reached_points as reached
from netc.runtime.results.plain_result import plain, summary_of
from netc.runtime.training.history import summarise
from netc.runtime.training.outcomes import OUTCOMES, SETTLED, STOPS, has_criterion, outcomes
from netc.runtime.training.report import COLUMNS, FIGURES
from netc.runtime.training.train import Outcome, Task, total_steps

MetricName = Literal["accuracy", "r2", ""]


@dataclass(frozen=True)
class Verdict:
    """One `expect`, judged."""

    text: str
    value: float | bool | list[float] | None
    """The left side as it came out."""
    holds: bool
    source: str = ""
    """What the figure is in the paper: `table 2, row 1`."""
    op: str = ""
    """Of the comparison, or empty."""
    paper: float | bool | list[float] | str | None = None
    """What the paper says: `claimed`, or else the right side."""
    agrees: bool = True
    """Whether what was found agrees with what the paper says."""
    tolerance: str = ""
    percent: bool = False
    """The figures are shares, to be shown as percentages."""

    @property
    def words(self) -> Literal["reproduced", "differs from the paper as stated", "FAILED"]:
        if not self.holds:
            return "FAILED"
        return "reproduced" if self.agrees else "differs from the paper as stated"

    @property
    def plain(self) -> dict[str, Any]:
        """For `--json`."""
        full = {
            "text": self.text,
            "value": plain(self.value),
            "holds": self.holds,
            "source": self.source,
            "paper": plain(self.paper),
            "tolerance": self.tolerance,
            "verdict": self.words,
        }
        return {key: value for key, value in full.items() if value != ""}


@dataclass(frozen=True, eq=False)
class Result:
    """Of one or more runs; the first axis of every array counts the runs."""

    theta: Array
    """(runs, P) last parameters, in the order of `Model.unflatten`."""
    best: Array
    """(runs, P) parameters at the lowest training loss seen at a report."""
    history: dict[str, Array]
    """The columns of `history.csv`, a row for each report: `step`, `epoch`, `loss_train`, `gradient_norm`,
    `theta_norm`, `loss_batches` (the mean of the losses that the iterations of the last epoch have seen, each on its
    batch), where they have a meaning `loss_test`, `accuracy_train`, `accuracy_test`, `r2_train`, `r2_test`,
    and with several runs `run`. Of very many runs it is a summary, a row for each moment: `step`, `epoch`,
    `running` (the share of runs that reached the step) and quantiles over runs, `loss_train_q05`, `_q25`,
    `_median`, `_q75`, `_q95`, ..."""
    final: dict[str, Array]
    """These figures of every run at its last parameters, (runs,) each."""
    steps: Array
    """(runs,) iterations done; of a diverged run those before the loss was lost."""
    epochs: Array
    """(runs,) the same in epochs."""
    stop_codes: Array
    """(runs,) why each run ended, an index into `outcomes.STOPS`."""
    outcome_codes: Array
    """(runs,) what came of it, an index into `outcomes.OUTCOMES`."""
    point_codes: Array
    """(runs,) the listed point that each has reached, an index into `point_names`."""
    kind_codes: Callable[[], Array] = field(repr=False)
    """() -> (runs,) the kind of point that each has reached, an index into `spec.KINDS`, or -1; computed once."""
    point_names: tuple[str, ...]
    """`minima(0, -1)`, ... of the file's `points`; the last two are the codes -2 and -1."""
    evaluations: dict[str, Array]
    """`loss` and `gradient`: (runs,) evaluations on a batch, as the rule asked for them."""
    grows: dict[str, Array]
    """Of each function V that `monitor V = ...` names: (runs,) the share of iterations in which it grows by more
    than 1 %. The loss that ends a run because it is no longer finite is a growth; what the last of all iterations
    that the file allows does to V is not looked at."""
    seconds: dict[str, float]
    """`compile` and `train`."""
    metric: MetricName
    seed: int
    target: str
    precision: str
    threads: int
    interrupted: bool = False
    file: str = ""
    expect: tuple[Verdict, ...] = ()
    folder: Path | None = field(default=None)

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and copy: the kinds of points are computed now."""
        return {**vars(self), "kind_codes": _Known(self.kind_codes())}

    @property
    def summary(self) -> dict[str, Any]:
        """What `netc run --json` prints: plain numbers, texts, lists; None where a figure is not finite."""
        return summary_of(self)

    @property
    def runs(self) -> int:
        return len(self.theta)

    @property
    def iterations(self) -> Array:
        """(runs,) the steps, as the papers call them."""
        return self.steps

    @property
    def stopped(self) -> Array:
        """(runs,) texts: `epochs`, `steps`, `criterion`, `diverged`, `search` (a `repeat` reached its bound),
        `step too small`, `interrupted`."""
        return np.array(STOPS)[self.stop_codes]

    @property
    def outcome(self) -> Array:
        """(runs,) texts: `converged` (the stop criterion holds), `not converged`, `diverged`, `step too small` (a
        search found no step that rounding can see), `finished` (there is no criterion), `interrupted`."""
        return np.array(OUTCOMES)[self.outcome_codes]

    @property
    def reached(self) -> Array:
        """(runs,) texts: the point of the file's `points` that the run has reached, as `minima(0, -1)`; `far` where
        it ended elsewhere; empty where it did not converge."""
        return np.array(self.point_names)[self.point_codes]

    @property
    def kind(self) -> Array:
        """(runs,) texts: `minimum`, `maximum`, `saddle` or `degenerate`, by the eigenvalues of the Hessian at the last
        parameters (see `kinds.py` for what counts as zero); empty where the run did not converge. Computed when it is
        first asked for."""
        return np.array([*KINDS, ""])[self.kind_codes()]

    @property
    def diverged(self) -> Array:
        """(runs,) bool: the loss became infinite or NaN, or what `diverged` of `train` says."""
        return self.has("diverged")

    def has(self, outcome: str) -> Array:
        """(runs,) bool: which runs came to this."""
        found: Array = self.outcome_codes == OUTCOMES.index(outcome)
        return found

    @property
    def loss_train(self) -> Array:
        """(runs,)"""
        return self.final["loss_train"]

    @property
    def loss_test(self) -> Array | None:
        """(runs,), None without a test part; likewise below."""
        return self.final.get("loss_test")

    @property
    def accuracy_train(self) -> Array | None:
        return self.final.get("accuracy_train")

    @property
    def accuracy_test(self) -> Array | None:
        return self.final.get("accuracy_test")

    @property
    def r2_train(self) -> Array | None:
        return self.final.get("r2_train")

    @property
    def r2_test(self) -> Array | None:
        return self.final.get("r2_test")

    @property
    def gradient_norm(self) -> Array:
        """(runs,) of the training loss at the last parameters."""
        return self.final["gradient_norm"]


@dataclass(frozen=True, eq=False)
class _Known:
    """A function of nothing whose value is known."""

    value: Array

    def __call__(self) -> Array:
        return self.value


def make_result(
    task: Task, outcome: Outcome, points: tuple[Points, ...], kinds: Callable[[Array, Array], Array]
) -> Result:
    """`kinds(theta, settled)` are the kinds of points that the settled runs have reached."""
    program, counters = task.program, outcome.counters
    metric: MetricName = task.metric.kind if task.metric else ""
    total, per_epoch = total_steps(program, task.train.count)
    several = program.training.runs > 1
    history = dict(zip(COLUMNS, outcome.history.T, strict=True))
    if task.history == "summary":
        history = summarise(outcome.history, outcome.every, total, per_epoch)
    for whole in history.keys() & {"run", "step"}:
        history[whole] = history[whole].astype(np.int64)
    steps = counters[:, 0]
    lost = (outcome.stops == STOPS.index("diverged")) & ~np.isfinite(outcome.final[:, 0])
    final = dict(zip(FIGURES, outcome.final.T, strict=True))
    outcome_codes = outcomes(outcome.stops, has_criterion(program.rule))
    settled = np.isin(outcome_codes, [OUTCOMES.index(name) for name in SETTLED])
    return Result(
        theta=outcome.theta,
        best=outcome.best,
        history=_named(history, metric, task.test is not None, several),
        final=_named(final, metric, task.test is not None, several),
        steps=steps,
        epochs=steps / per_epoch,
        stop_codes=outcome.stops,
        outcome_codes=outcome_codes,
        point_codes=reached.reached(points, outcome.theta, settled),
        kind_codes=cache(lambda: kinds(outcome.theta, settled)),
        point_names=reached.names(points),
        evaluations={"loss": counters[:, 1], "gradient": counters[:, 2]},
        grows={
            name: (column + lost) / np.maximum(1, steps)
            for (name, _), column in zip(program.rule.watched, outcome.grown.T, strict=True)
        },
        seconds=outcome.seconds,
        metric=metric,
        seed=program.training.seed,
        target=program.training.target,
        precision=program.training.precision,
        threads=task.threads,
        interrupted=outcome.interrupted,
    )


def _named(columns: dict[str, Array], metric: str, test: bool, several: bool) -> dict[str, Array]:
    """Those that mean something here, by their public names."""
    found = {}
    for name, column in columns.items():
        if (name == "run" and not several) or ("_test" in name and not test):
            continue
        if name.startswith("metric") and not metric:
            continue
        found[name.replace("metric", metric)] = column
    return found
