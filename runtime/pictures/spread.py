"""Runs compared with each other: how they ended, how good, how soon. Of one folder, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from netc.runtime.parameters import Array
from netc.runtime.pictures.curves import about, title
from netc.runtime.pictures.ends import DIVERGED, classify, colour
from netc.runtime.pictures.style import (
    BLUE,
    COLOURS,
    DARK,
    HEIGHT,
    SKY,
    WIDTH,
    count,
    headline,
    logarithmic,
    panels,
    percent,
)
from netc.runtime.results.folder_reader import Kept

DOTS = 20_000
"""At most so many are drawn; of more runs every k-th."""
BINS = 40
FEW_BARS = 1000
"""Of more runs the rare losses are seen on a logarithmic axis only."""
TINY = 1e-17
"""Losses below rounding are drawn here on a logarithmic axis."""


def shares(kept: Sequence[Kept]) -> Figure:
    """How the runs ended, as a bar for each folder."""
    all_ends = classify(kept)
    labels = [label for label in all_ends[0].labels if any(label in ends.used for ends in all_ends)]
    fig = Figure(figsize=(WIDTH + 1.5, 1.8 + 0.6 * len(kept)))
    axes = fig.add_subplot()
    places = np.arange(len(kept))[::-1]
    left = np.zeros(len(kept))
    for label in [DIVERGED, *(x for x in labels if x != DIVERGED)] if DIVERGED in labels else labels:
        width = 100 * np.array([ends.share(label) for ends in all_ends])
        axes.barh(places, width, left=left, color=colour(all_ends[0], label), label=label, height=0.7)
        left += width
    for place, ends in zip(places, all_ends, strict=True):
        axes.text(101, place, f"{percent(ends.share(DIVERGED))}", va="center")
    axes.set(
        yticks=places,
        yticklabels=[title(kept, one) for one in kept],
        xlim=(0, 100),
        xlabel="share of the starts, %",
    )
    axes.grid(False, axis="y")
    axes.text(101, len(kept) - 0.45, "diverged", va="bottom", fontsize=11)
    fig.legend(loc="outside right center", title="the run ends at")
    headline(fig, "How the runs end", kept[0].setup)
    return fig


def boxes(kept: Sequence[Kept]) -> Figure:
    """Quartiles and range of final losses and iterations, of the runs that did not diverge."""
    names = [name for name in FIGURES if varies(kept, name)]
    fig = Figure(figsize=(max(WIDTH, len(names) * (1.5 + len(kept))), HEIGHT))
    panels = fig.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        _boxes(axes, kept, name)
    runs = f"{count(kept[0].count)} runs" if len({one.count for one in kept}) == 1 else "The runs"
    lost = sum(int(one.diverged.sum()) for one in kept)
    note = f"\n{count(lost)} diverged runs are left out" if lost else ""
    losses = [finite(one, "loss_train") for one in kept]
    if any((above_rounding(column) > column).any() for column in losses):
        note += f"; losses below {TINY:g} are drawn there"
    headline(fig, f"How good and how soon: {runs}{' each' if len(kept) > 1 else ''}",
             f"{about(kept)}\nbox: quartiles and median; whiskers: 5 % to 95 %; dots: least and greatest{note}")  # fmt: skip
    return fig


FIGURES = {"loss_train": "final training loss", "loss_test": "final test loss", "steps": "iterations"}


def varies(kept: Sequence[Kept], name: str) -> bool:
    return (
        all(name in one.runs for one in kept)
        and len({*np.concatenate([finite(one, name) for one in kept])}) > 1
    )


def _boxes(axes: Axes, kept: Sequence[Kept], name: str) -> None:
    columns = [above_rounding(finite(one, name)) for one in kept]
    filled = [column if len(column) else np.array([np.nan]) for column in columns]
    drawn = axes.boxplot(
        filled,
        whis=(5, 95),
        widths=0.6,
        patch_artist=True,
        showfliers=False,
        medianprops={"color": DARK, "linewidth": 2},
    )
    for i, box in enumerate(drawn["boxes"]):
        box.set(facecolor=COLOURS[i % len(COLOURS)] if len(kept) > 1 else SKY, alpha=0.7)
    for i, column in enumerate(columns, start=1):
        if len(column):
            axes.plot([i, i], [column.min(), column.max()], ".", color=DARK, markersize=5)
    axes.set_xticks(range(1, len(kept) + 1), [title(kept, one) for one in kept], rotation=30, ha="right")
    if len(kept) == 1:
        axes.set_xticks([])
    axes.set_title(FIGURES[name], fontsize=13)
    everything = np.concatenate(columns)
    if len(everything) and wide(everything.min(), everything.max()):
        axes.set_yscale("log")
        logarithmic(axes.yaxis, everything.min(), everything.max())


def finite(kept: Kept, name: str) -> Array:
    """Of the runs that did not diverge."""
    values: Array = kept.runs[name][~kept.diverged]
    return values[np.isfinite(values)]


def scatter(kept: Sequence[Kept]) -> Figure:
    """A dot for each run, iterations against final loss; a panel for each folder."""
    columns, rows = panels(len(kept))
    fig = Figure(figsize=(4.5 * columns + 3 if len(kept) > 1 else WIDTH + 1, 4 * rows + 1.2))
    grid = fig.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    all_ends = classify(kept)
    for axes, one, ends in zip(grid.flat[: len(kept)], kept, all_ends, strict=True):
        chosen = np.flatnonzero(~one.diverged & np.isfinite(one.runs["loss_train"]))
        chosen = chosen[:: -(-len(chosen) // DOTS) or 1]
        hues = [colour(ends, ends.labels[code]) for code in ends.codes[chosen]]
        loss = above_rounding(one.runs["loss_train"][chosen])
        axes.scatter(one.runs["steps"][chosen], loss, s=14, c=hues, linewidths=0, alpha=0.6, rasterized=True)
        axes.set(xlabel="iterations", ylabel="final training loss")
        axes.set_title(title(kept, one) if len(kept) > 1 else "")
        axes.label_outer()
    for axes in grid.flat[len(kept) :]:
        axes.set_axis_off()
    _log_if_wide(list(grid.flat[: len(kept)]))
    used = {label for ends in all_ends for label in ends.used} - {DIVERGED}
    handles = [_dot(colour(all_ends[0], label), label) for label in all_ends[0].labels if label in used]
    fig.legend(handles=handles, loc="outside right center", title="the run ends at")
    headline(fig, "Iterations against final loss, a dot for each run", about(kept))
    return fig


def _log_if_wide(shared: Sequence[Axes]) -> None:
    """Of panels that share their axes."""
    across, up = (np.array([getattr(axes.dataLim, f"interval{way}") for axes in shared]) for way in "xy")
    if wide(across.min(), across.max()):
        shared[0].set_xscale("log")
        logarithmic(shared[0].xaxis, across.min(), across.max())
    if wide(up.min(), up.max()):
        shared[0].set_yscale("log")
        logarithmic(shared[0].yaxis, up.min(), up.max())


def wide(low: float, high: float) -> bool:
    """Whether numbers are better shown on a logarithmic axis."""
    return low > 0 and high > 30 * low


def above_rounding(losses: Array) -> Array:
    """Losses that are never negative end at 0, which a logarithmic axis lacks."""
    drawn: Array = np.maximum(losses, TINY) if (losses >= 0).all() else losses
    return drawn


def _dot(hue: str, label: str) -> Line2D:
    return Line2D([], [], color=hue, marker="o", linestyle="", label=label)


def histogram(kept: Sequence[Kept]) -> Figure:
    """How final losses are spread."""
    fig = Figure(figsize=(WIDTH + (1.5 if len(kept) > 1 else 0), HEIGHT))
    axes = fig.add_subplot()
    columns = [above_rounding(finite(one, "loss_train")) for one in kept]
    everything = np.concatenate(columns)
    low, high = float(everything.min()), float(everything.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    bins = np.geomspace(low, high, BINS + 1) if wide(low, high) else np.linspace(low, high, BINS + 1)
    # The rounding of geomspace must not lose the ends.
    bins[0], bins[-1] = low, high
    for i, (one, column) in enumerate(zip(kept, columns, strict=True)):
        counts = np.histogram(column, bins)[0]
        hue = COLOURS[i % len(COLOURS)] if len(kept) > 1 else BLUE
        axes.stairs(counts, bins, fill=len(kept) == 1, color=hue, label=title(kept, one), linewidth=2)
    axes.set(xlabel="final training loss", ylabel="runs", xscale="log" if wide(low, high) else "linear")
    if len(everything) > FEW_BARS * len(kept):
        axes.set(yscale="log", ylim=(0.7, None))
    if len(kept) > 1:
        fig.legend(loc="outside right center")
    lost = sum(int(one.diverged.sum()) for one in kept)
    note = f"\n{count(lost)} diverged runs are left out" if lost else ""
    headline(fig, "Final losses", about(kept) + note)
    return fig
