"""The course of training: losses, metric and gradient norm against the epochs; over many runs as quantiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from netc.runtime.parameters import Array
from netc.runtime.pictures.style import (
    BLUE,
    COLOURS,
    DARK,
    GREEN,
    HEIGHT,
    ORANGE,
    PURPLE,
    count,
    headline,
    logarithmic,
)
from netc.runtime.results.folder_reader import Kept

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
FEWEST = 3
"""Reports that make a curve."""
PARTS = {"train": BLUE, "validation": PURPLE, "test": ORANGE, "batches": GREEN}
STYLES: dict[str, Literal["-", ":", "--", "-."]] = {
    "train": "-",
    "validation": "-.",
    "test": ":",
    "batches": "--",
}
"""Where colours tell folders apart."""
NAMES = {
    "loss": "loss",
    "accuracy": "accuracy",
    "r2": "explained variance",
    "gradient_norm": "norm of the gradient",
}
UNITS = {"loss": "R", "accuracy": "share of samples", "r2": "R²", "gradient_norm": "‖∇R‖"}
WORST_IS_LOW = ("accuracy", "r2")


@dataclass(frozen=True, eq=False)
class Course:
    """A figure over the reports: `bands` (5, reports) as QUANTILES; of one run its five rows are the same."""

    at: Array
    bands: Array

    @property
    def median(self) -> Array:
        found: Array = self.bands[2]
        return found


def has_curves(kept: Kept) -> bool:
    """Whether most runs keep a finite loss for a while."""
    return any(
        int(np.isfinite(one.median).sum()) >= FEWEST
        for part, one in _parts(kept, "loss")
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
    return _over_runs(history["run"][looked], x[looked], values[looked], worst)


def _over_runs(run: Array, x: Array, values: Array, worst: float) -> Course:
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


def curves(kept: Sequence[Kept]) -> Figure:
    """A panel for each figure; several folders share the panels, a colour each."""
    shown = [name for name in NAMES if any(_parts(one, name) for one in kept)]
    fig = Figure(figsize=(1.5 + 5 * len(shown) + 1.5 * (len(kept) > 1), HEIGHT))
    panels = fig.subplots(1, len(shown), squeeze=False)[0]
    for axes, name in zip(panels, shown, strict=True):
        if len(kept) == 1:
            _of_one(axes, kept[0], name)
        else:
            _of_several(axes, kept, name)
        _scale(axes, name)
        axes.set(xlabel=clock(kept[0])[0], title=NAMES[name], ylabel=UNITS[name])
    _legend(fig, panels, kept)
    headline(fig, "The course of training", "\n".join((about(kept), *_band(kept))))
    return fig


def _band(kept: Sequence[Kept]) -> Iterator[str]:
    if len(kept) == 1 and kept[0].count > 1:
        yield f"line: median of {count(kept[0].count)} runs; bands: quartiles, and 5 % to 95 %"
    elif any(one.count > 1 for one in kept):
        lost = [title(kept, one) for one in kept if not has_curves(one)]
        yield "medians over the runs" + (f"; not finite: {', '.join(lost)}" if lost else "")


def _parts(kept: Kept, name: str) -> list[tuple[str, Course]]:
    """The course on the training part and on the test part, or the one there is; the loss also as the mean over an
    epoch's batches, where that is known at more moments."""
    if name == "gradient_norm":
        found = course(kept, name)
        return [("train", found)] if found else []
    parts = {part: one for part in PARTS if (one := course(kept, f"{name}_{part}")) is not None}
    if "batches" in parts and len(parts["batches"].at) <= len(parts["train"].at):
        del parts["batches"]
    return list(parts.items())


def _of_one(axes: Axes, kept: Kept, name: str) -> None:
    for part, one in _parts(kept, name):
        _draw(axes, one, PARTS[part], part, bands=kept.count > 1)


def _of_several(axes: Axes, kept: Sequence[Kept], name: str) -> None:
    for i, one in enumerate(kept):
        for part, found in _parts(one, name):
            _draw(axes, found, COLOURS[i % len(COLOURS)], one.rule, bands=False, style=STYLES[part])


def _draw(axes: Axes, one: Course, colour: str, label: str, bands: bool, style: str = "-") -> None:
    if bands:
        axes.fill_between(one.at, one.bands[0], one.bands[4], color=colour, alpha=0.15, linewidth=0)
        axes.fill_between(one.at, one.bands[1], one.bands[3], color=colour, alpha=0.3, linewidth=0)
    axes.plot(one.at, one.median, style, color=colour, label=label)


def _scale(axes: Axes, name: str) -> None:
    """Logarithmic where values are positive and span more than a decade."""
    values = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in axes.lines])
    values = values[np.isfinite(values)]
    drawn = axes.dataLim.intervaly
    if name in ("loss", "gradient_norm") and len(values) and values.max() > 5 * max(values.min(), 0):
        axes.set_yscale("log", nonpositive="clip")
        low = values[values > 0].min(initial=1.0)
        # Bands may rise far above the lines, and fall to 0.
        low, high = (
            max(low / 2, values.max() * 1e-20),
            2 * min(max(values.max(), drawn[1]), values.max() * 1e3),
        )
        axes.set_ylim(low, high)
        logarithmic(axes.yaxis, low, high)
    elif name in WORST_IS_LOW:
        axes.set_ylim(top=1.02)


def _legend(fig: Figure, panels: Sequence[Axes], kept: Sequence[Kept]) -> None:
    if len(kept) == 1:
        for axes in panels:
            if len(axes.lines) > 1:
                axes.legend()
        return
    handles = [
        Line2D([], [], color=COLOURS[i % len(COLOURS)], label=title(kept, one)) for i, one in enumerate(kept)
    ]
    parts = {part for one in kept for part, _ in _parts(one, "loss")}
    if len(parts) > 1:
        handles += [Line2D([], [], color=DARK, linestyle=STYLES[p], label=p) for p in STYLES if p in parts]
    fig.legend(handles=handles, loc="outside right center")


def about(kept: Sequence[Kept]) -> str:
    """The line below a picture: of what it is."""
    return f"{kept[0].rule}({kept[0].settings}) on {kept[0].setup}" if len(kept) == 1 else kept[0].setup


def title(kept: Sequence[Kept], one: Kept) -> str:
    """What tells it apart: its rule, or its file where rules are the same."""
    return one.rule if len({k.rule for k in kept}) == len(kept) else one.name
