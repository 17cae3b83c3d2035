"""What a folder's history says of a figure: its course over the reports, quantiles over runs, smoothed; where a schedule
jumps. Draws nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netc.compiler.meaning.inside import EACH
from netc.dsl import ast
from netc.dsl.names import greek
from netc.dsl.printer import print_expr
from netc.runtime.parameters import Array
from netc.runtime.results.folder_reader import Kept

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
FEWEST = 3
"""Reports that make a curve."""
SMOOTHED = 60
"""More reports are smoothed, over a fortieth of them."""
PARTS = ("train", "validation", "test", "batches")
WORST_IS_LOW = ("accuracy", "r2")
MOST_MARKS = 12
"""A schedule that jumps more often has no marks."""
LAYER = re.compile(r"\blayer\d+\b")


@dataclass(frozen=True, eq=False)
class Course:
    """A figure over the reports: `bands` (5, reports) as QUANTILES; of one run its five rows are the same."""

    at: Array
    bands: Array

    @property
    def median(self) -> Array:
        found: Array = self.bands[2]
        return found


@dataclass(frozen=True)
class Mark:
    """Where a scheduled number jumps."""

    at: float
    """On the clock of the picture."""
    text: str
    """What it becomes: `0.01`."""
    name: str
    """Of the number: `η`."""


def has_curves(kept: Kept) -> bool:
    """Whether most runs keep a finite loss for a while."""
    return any(
        int(np.isfinite(one.median).sum()) >= FEWEST
        for part, one in parts_of(kept, "loss")
        if part in ("train", "batches")
    )


def course(kept: Kept, figure: str) -> Course | None:
    """None where the history has no such figure."""
    history = kept.history
    x = clock(kept)[1]
    if f"{figure}_median" in history:
        return Course(x, np.stack([history[f"{figure}_{q}"] for q in QUANTILES]))
    if figure not in history:
        return None
    values = history[figure]
    looked = np.isin(x, x[~np.isnan(values)])  # the moments at which it was evaluated
    if "run" not in history:
        return Course(x[looked], np.tile(values[looked], (5, 1)))
    worst = -np.inf if figure.startswith(WORST_IS_LOW) else np.inf
    return over_runs(history["run"][looked], x[looked], values[looked], worst)


def over_runs(run: Array, x: Array, values: Array, worst: float) -> Course:
    """Quantiles at every moment at which some run reported; a run that ended stays at its last figure."""
    moments = np.unique(x)
    runs, row = np.unique(run, return_inverse=True)
    table = np.full((len(moments), len(runs)), np.nan)
    table[np.searchsorted(moments, x), row] = np.where(np.isnan(values), worst, values)
    seen = np.maximum.accumulate(np.where(np.isnan(table), 0, np.arange(len(moments))[:, None]), axis=0)
    table = np.take_along_axis(table, seen, axis=0)
    # The value of a run, not between two: infinities have no middle.
    return Course(moments, np.quantile(table, list(QUANTILES.values()), axis=1, method="inverted_cdf"))


def clock(kept: Kept) -> tuple[str, Array]:
    """The name of the horizontal axis, and where the reports stand on it."""
    step, epoch = kept.history["step"], kept.history["epoch"]
    return ("iteration n", step) if np.array_equal(step, epoch) else ("epoch", epoch)


def parts_of(kept: Kept, name: str) -> list[tuple[str, Course]]:
    """The course on each part of the data, or the one there is; the loss also as the mean over an epoch's batches, where
    that is known at more moments."""
    if name not in ("loss", "accuracy", "r2"):
        if layers := of_layers(kept, name):
            each = ((layer, course(kept, column)) for layer, column in layers)
            return [(layer, one) for layer, one in each if one is not None]
        found = course(kept, name)
        return [("train", found)] if found else []
    parts = {part: one for part in PARTS if (one := course(kept, f"{name}_{part}")) is not None}
    if "batches" in parts and len(parts["batches"].at) <= len(parts["train"].at):
        del parts["batches"]
    return list(parts.items())


def of_layers(kept: Kept, name: str) -> list[tuple[str, str]]:
    """Of `fisher(layers)` each layer and its own figure; none where the name is of one thing."""
    if EACH not in name:
        return []
    own = (text.removesuffix("_median") for text in kept.history)
    return [(LAYER.findall(text)[0], text) for text in own if LAYER.search(text) and all_layers(text) == name]


def all_layers(figure: str) -> str:
    """`fisher(layers)` of `fisher(layer2)`."""
    return LAYER.sub(EACH, figure)


def smoothed(values: Array) -> Array | None:
    """The mean over a fortieth of the reports around each, nearer to the ends over fewer, so that the ends are kept; of
    the logarithms where all are positive. None of few reports, or where one is not finite."""
    n = len(values)
    half = n // 80
    if n < SMOOTHED or half == 0 or not np.isfinite(values).all():
        return None
    positive = bool((values > 0).all())
    sums = np.concatenate([[0.0], np.cumsum(np.log(values) if positive else values)])
    i = np.arange(n)
    reach = np.minimum(half, np.minimum(i, n - 1 - i))
    means = (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1)
    found: Array = np.exp(means) if positive else means
    return found


def marks(kept: Kept) -> list[Mark]:
    """Of the schedules that are tables; none of one that jumps at every report, or so."""
    found = [mark for s in kept.program.statements if isinstance(s, ast.Schedule) for mark in _jumps(kept, s)]
    return found if len(found) <= MOST_MARKS else []


def _jumps(kept: Kept, schedule: ast.Schedule) -> Iterator[Mark]:
    if schedule.defines or schedule.parameters:
        return
    in_steps = any(s.name == "unit" and s.value == ast.Name("step") for s in schedule.settings)
    own, (name, moments) = ("step" if in_steps else "epoch"), clock(kept)
    shown = "step" if name == "iteration n" else "epoch"
    for before, after in zip(schedule.pieces, schedule.pieces[1:], strict=False):
        if not isinstance(before.until, ast.Number):
            return
        at = float(before.until.value)
        if own != shown:
            at = float(np.interp(at, kept.history[own], kept.history[shown]))
        if at < moments.max(initial=0.0):
            yield Mark(at, print_expr(after.value), greek(schedule.name))
