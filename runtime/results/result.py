"""What a training gave: the arrays for Python; the figures for `--json` are made of them in `result_figures.py`.

Makes no files (`folder.py`) and judges nothing (`expect.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import KINDS
from netc.runtime.parameters import Array
from netc.runtime.results.result_figures import short, summary_of
from netc.runtime.results.verdict import Verdict
from netc.runtime.training.outcomes import OUTCOMES, STOPS

MetricName = Literal["accuracy", "r2", ""]
Reals = NDArray[np.float64]
Texts = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Ended:
    """The end of a phase; the first axis of every array counts the runs."""

    name: str
    theta: NDArray[np.floating]
    """(runs, P) what the phase has handed on."""
    states: NDArray[np.floating]
    """(runs, S)"""
    final: dict[str, Reals]
    """Figures there, on the data of the phase: `loss_train`, `accuracy_test`, ..., (runs,) each."""
    steps: NDArray[np.int64]
    """(runs,) iterations of the phase."""
    epochs: Reals


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Of one or more runs; the first axis of every array counts the runs."""

    theta: NDArray[np.floating]
    """(runs, P) parameters, in the order of `Model.unflatten`: the last ones, or those that `keep` chose."""
    best: NDArray[np.floating]
    """(runs, P) parameters at the best figure of `keep`; without it at the lowest training loss seen at a report."""
    last: NDArray[np.floating]
    """(runs, P) the last parameters."""
    keep: str
    """`loss(validation)` where the file says `keep = best(loss(validation))`; empty: the last parameters are kept."""
    kept_steps: NDArray[np.int64]
    """(runs,) the iteration in which `best` was seen."""
    kept_epochs: Reals
    """(runs,) the same in epochs."""
    states: NDArray[np.floating]
    """(runs, S) the states of layers (running statistics) that belong to `theta`; S is 0 where no layer has any."""
    best_states: NDArray[np.floating]
    """(runs, S) those that belong to `best`."""
    last_states: Array
    """(runs, S) those that belong to `last`."""
    history: dict[str, Array]
    """The columns of `history.csv`, a row for each report: `step`, `epoch`, `loss_train`, `gradient_norm`,
    `theta_norm`, `loss_batches` (the mean of the losses that the iterations of the last epoch have seen, each on its
    batch), where they have a meaning `loss_validation`, `loss_test`, `accuracy_train`, `accuracy_test`, `r2_train`, ...,
    and with several runs `run`. Of very many runs it is a summary, a row for each moment: `step`, `epoch`,
    `running` (the share of runs that reached the step) and quantiles over runs, `loss_train_q05`, `_q25`,
    `_median`, `_q75`, `_q95`, ..."""
    final: dict[str, Reals]
    """These figures of every run at `theta`, (runs,) each."""
    steps: NDArray[np.int64]
    """(runs,) iterations done; of a diverged run those before the loss was lost."""
    epochs: Reals
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
    evaluations: dict[str, NDArray[np.int64]]
    """`loss` and `gradient`: (runs,) evaluations on a batch, as the rule asked for them."""
    grows: dict[str, Reals]
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
    classes: tuple[str, ...] | tuple[int, ...] = ()
    """The labels of the target in the order of the outputs; none where it is a number."""
    columns: tuple[str, ...] = ()
    """The names of the inputs."""
    target_columns: tuple[str, ...] = ()
    fault: str = ""
    """Of one run that was lost: what is not finite, in which iteration and, where it can be told, by which operation; or
    what a schedule was where it left what is required of it."""
    file: str = ""
    expect: tuple[Verdict, ...] = ()
    folder: Path | None = field(default=None)
    phases: tuple[Ended, ...] = ()
    """The end of each phase, where the file has phases; the last one's is that of the result."""
    ensemble: dict[str, Reals] = field(default_factory=dict)
    """Of the file's `ensemble`: `loss_test`, `accuracy_test`, ...; one number of all runs together, (runs,) of the ends of
    phases. Empty of a result that was read back."""
    members: int = 0
    """Of an ensemble."""
    checkpoint: dict[str, Array] = field(default_factory=dict, repr=False)
    """All that going on needs, `train(resume=...)`: arrays as a checkpoint has them. Empty where the runs were too many to
    be in hand together, of a training in phases, and of a result that was read back from a folder that has none: the last
    state is kept up to 8 MiB."""

    def __repr__(self) -> str:
        return "\n".join(short(self))

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
    def iterations(self) -> NDArray[np.int64]:
        """(runs,) the steps, as the papers call them."""
        return self.steps

    @property
    def stopped(self) -> Texts:
        """(runs,) texts: `epochs`, `steps`, `criterion`, `diverged`, `search` (a `repeat` reached its bound),
        `step too small`, `no such batch`, `out of range`, `no such loop`, `interrupted`, `no gain` (the patience of
        `stop` is over), `callback` (one has asked for the end)."""
        return np.array(STOPS)[self.stop_codes]

    @property
    def outcome(self) -> Texts:
        """(runs,) texts: `converged` (the stop criterion holds), `not converged`, `diverged`, `step too small` (a
        search found no step that rounding can see), `finished` (there is no criterion), `interrupted`."""
        return np.array(OUTCOMES)[self.outcome_codes]

    @property
    def reached(self) -> Texts:
        """(runs,) texts: the point of the file's `points` that the run has reached, as `minima(0, -1)`; `far` where
        it ended elsewhere; empty where it did not converge."""
        return np.array(self.point_names)[self.point_codes]

    @property
    def kind(self) -> Texts:
        """(runs,) texts: `minimum`, `maximum`, `saddle` or `degenerate`, by the eigenvalues of the Hessian at the last
        parameters (see `kinds.py` for what counts as zero); empty where the run did not converge. Computed when it is
        first asked for."""
        return np.array([*KINDS, ""])[self.kind_codes()]

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """(runs,) bool: the loss became infinite or NaN, or what `diverged` of `train` says."""
        return self.has("diverged")

    def has(self, outcome: str) -> NDArray[np.bool_]:
        """(runs,) bool: which runs came to this."""
        found: NDArray[np.bool_] = self.outcome_codes == OUTCOMES.index(outcome)
        return found

    @property
    def loss_train(self) -> Reals:
        """(runs,)"""
        return self.final["loss_train"]

    @property
    def loss_test(self) -> Reals | None:
        """(runs,), None without a test part; likewise below."""
        return self.final.get("loss_test")

    @property
    def loss_validation(self) -> Reals | None:
        """(runs,), None without a validation part."""
        return self.final.get("loss_validation")

    @property
    def accuracy_validation(self) -> Reals | None:
        return self.final.get("accuracy_validation")

    @property
    def r2_validation(self) -> Reals | None:
        return self.final.get("r2_validation")

    @property
    def accuracy_train(self) -> Reals | None:
        return self.final.get("accuracy_train")

    @property
    def accuracy_test(self) -> Reals | None:
        return self.final.get("accuracy_test")

    @property
    def r2_train(self) -> Reals | None:
        return self.final.get("r2_train")

    @property
    def r2_test(self) -> Reals | None:
        return self.final.get("r2_test")

    @property
    def gradient_norm(self) -> Reals:
        """(runs,) of the training loss at the last parameters."""
        return self.final["gradient_norm"]


@dataclass(frozen=True, eq=False)
class _Known:
    """A function of nothing whose value is known."""

    value: Array

    def __call__(self) -> Array:
        return self.value
