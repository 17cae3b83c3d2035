"""Runs compared with each other: how they ended, how good, how soon. Of one folder, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from netc.runtime.parameters import Array
from netc.runtime.pictures.course_words import about, title
from netc.runtime.pictures.curves import colour_of
from netc.runtime.pictures.ends import DIVERGED, classify, colour
from netc.runtime.pictures.style import (
    HEIGHT,
    WIDTH,
    count,
    headline,
    legend_beside,
    logarithmic,
    panels,
    percent,
    sheet,
    short,
    theme,
)
from netc.runtime.results.folder_reader import Kept

DOTS = 20_000
"""At most so many are drawn; of more runs every k-th."""
BINS, HILL = 40, 80
FEW_BARS = 1000
"""Of more runs the rare losses are seen on a logarithmic axis only."""
TINY = 1e-17
"""Losses below rounding are drawn here on a logarithmic axis."""


def shares(kept: Sequence[Kept]) -> Figure:
    """How the runs ended, as a bar for each folder."""
    all_ends = classify(kept)
    labels = [label for label in all_ends[0].labels if any(label in ends.used for ends in all_ends)]
    fig = sheet(WIDTH + 2.5, 2.2 + 0.6 * len(kept))
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
    axes.text(101, len(kept) - 0.45, "diverged", va="bottom", fontsize=theme().font - 2)
    legend_beside(fig, axes.get_legend_handles_labels()[0], "the run ends at")
    lost = sorted(ends.share(DIVERGED) for ends in all_ends)
    said = (
        f"Between {percent(lost[0])} and {percent(lost[-1])} of the starts diverge"
        if lost[-1]
        else "No start diverges"
    )
    headline(fig, said, kept[0].setup)
    return fig


FIGURES = {"loss_train": "final training loss", "loss_test": "final test loss", "steps": "iterations"}


def boxes(kept: Sequence[Kept]) -> Figure:
    """Quartiles, range and density of final losses and iterations, of the runs that did not diverge; a line a folder."""
    names = [name for name in FIGURES if varies(kept, name)] or ["loss_train"]
    fig = sheet(3.8 * len(names) + 2.4, 2.9 + 0.95 * len(kept))
    panels = fig.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for axes, name in zip(panels, names, strict=True):
        _boxes(axes, kept, name)
    panels[0].set_yticks(
        range(len(kept)), [f"{title(kept, one) if len(kept) > 1 else ''}{_lost(one)}" for one in kept]
    )
    panels[0].set_ylim(len(kept) - 0.4, -0.75)
    losses = [finite(one, "loss_train") for one in kept]
    raised = any((above_rounding(column) > column).any() for column in losses)
    note = f"; losses below {TINY:g} are drawn there" if raised else ""
    headline(fig, _lowest(kept),
             f"{about(kept)}\nhill: how many runs are where; box: quartiles; number: the median; "
             f"line: 5 % to 95 %; dots: least and greatest{note}")  # fmt: skip
    return fig


def _lowest(kept: Sequence[Kept]) -> str:
    """`Of 40 000 runs each, adam ends lowest: median loss 0.1`."""
    medians = {title(kept, one): _middle(one, "loss_train") for one in kept if len(finite(one, "loss_train"))}
    least = min(medians.values())
    best = " and ".join(name for name, median in medians.items() if median == least)
    each = len({one.count for one in kept}) == 1
    runs = f"{count(kept[0].count)} runs" if each else "all runs"
    if len(kept) == 1:
        return f"{runs}: median loss {short(least)}"
    verb = "end" if " and " in best else "ends"
    return f"Of {runs}{' each' if each else ''}, {best} {verb} lowest: median loss {short(least)}"


def _lost(kept: Kept) -> str:
    share = float(kept.diverged.mean())
    return f"\n{percent(share)} diverged" if share else ""


def varies(kept: Sequence[Kept], name: str) -> bool:
    return (
        all(name in one.runs for one in kept)
        and len({*np.concatenate([finite(one, name) for one in kept])}) > 1
    )


def _boxes(axes: Axes, kept: Sequence[Kept], name: str) -> None:
    columns = [above_rounding(finite(one, name)) for one in kept]
    everything = np.concatenate(columns)
    low, high = float(everything.min()), float(everything.max())
    if wide(low, high):
        axes.set_xscale("log")
        logarithmic(axes.xaxis, low, high)
    for place, column in enumerate(columns):
        if len(column):
            _hill(axes, column, place, _bins(low, high, HILL), colour_of(kept, kept[place]))
            _box(axes, column, place, colour_of(kept, kept[place]))
            _median(axes, float(np.median(column)), _middle(kept[place], name), place)
    axes.set(xlabel=FIGURES[name], title="")
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _hill(axes: Axes, column: Array, place: int, bins: Array, hue: str) -> None:
    """How many runs are where, above the box; a root, so that the few are seen beside the many."""
    heights = np.sqrt(np.histogram(column, bins)[0])
    axes.stairs(
        place - 0.12 - 0.5 * heights / heights.max(),
        bins,
        baseline=place - 0.12,
        fill=True,
        color=hue,
        alpha=0.45,
    )


def _box(axes: Axes, column: Array, place: int, hue: str) -> None:
    least, q05, q25, median, q75, q95, most = np.quantile(
        column, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1], method="inverted_cdf"
    )
    ink, line = theme().ink, theme().line
    axes.plot([q05, q95], [place, place], color=hue, linewidth=line, solid_capstyle="butt")
    axes.plot([q25, q75], [place, place], color=hue, linewidth=6 * line, solid_capstyle="butt")
    axes.plot([median, median], [place - 0.1, place + 0.1], color=ink, linewidth=line, label="median")
    axes.plot([least, most], [place, place], ".", color=ink, markersize=2.5 * line)


def _median(axes: Axes, drawn: float, median: float, place: int) -> None:
    """Its number, below the place where it is drawn, and inside the panel."""
    across = axes.transAxes.inverted().transform(axes.transData.transform((drawn, 0)))[0]
    side = "left" if across < 0.1 else "right" if across > 0.9 else "center"
    axes.annotate(short(median), (drawn, place + 0.12), ha=side, va="top", fontsize=0.8 * theme().font)


def _middle(kept: Kept, name: str) -> float:
    """The median, also where a logarithmic axis shows another number for it."""
    found: float = np.quantile(finite(kept, name), 0.5, method="inverted_cdf").item()
    return found


def finite(kept: Kept, name: str) -> Array:
    """Of the runs that did not diverge."""
    values: Array = kept.runs[name][~kept.diverged]
    return values[np.isfinite(values)]


def scatter(kept: Sequence[Kept]) -> Figure:
    """A dot for each run, iterations against final loss; a panel for each folder."""
    columns, rows = panels(len(kept))
    fig = sheet(4.5 * columns + 3 if len(kept) > 1 else WIDTH + 1, 4 * rows + 1.6)
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
    legend_beside(fig, handles, "the run ends at")
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
    """How final losses are spread: a panel for each folder, one scale for all."""
    fig = sheet(WIDTH, HEIGHT if len(kept) == 1 else 1.6 + 1.5 * len(kept))
    columns = [above_rounding(finite(one, "loss_train")) for one in kept]
    everything = np.concatenate(columns)
    low, high = float(everything.min()), float(everything.max())
    bins = _bins(low, high, BINS)
    grid = fig.subplots(len(kept), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    for axes, one, column in zip(grid, kept, columns, strict=True):
        axes.stairs(np.histogram(column, bins)[0], bins, fill=True, color=colour_of(kept, one))
        axes.set(ylabel="runs", xscale="log" if wide(low, high) else "linear")
        if len(kept) > 1:
            axes.set_title(
                f"{title(kept, one)}, median {short(_middle(one, 'loss_train'))}",
                loc="left",
                fontsize=theme().font,
            )
    if len(everything) > FEW_BARS * len(kept):
        grid[0].set(yscale="log", ylim=(0.7, None))
    if wide(low, high):
        logarithmic(grid[-1].xaxis, low, high)
    grid[-1].set_xlabel("final training loss")
    lost = sum(int(one.diverged.sum()) for one in kept)
    note = f"\n{count(lost)} diverged runs are left out" if lost else ""
    median = f", median {short(_middle(kept[0], 'loss_train'))}" if len(kept) == 1 else ""
    headline(fig, f"Final losses of {count(len(everything))} runs{median}", about(kept) + note)
    return fig


def _bins(low: float, high: float, number: int) -> Array:
    if low == high:
        low, high = low - 0.5, high + 0.5
    bins: Array = (
        np.geomspace(low, high, number + 1) if wide(low, high) else np.linspace(low, high, number + 1)
    )
    # The rounding of geomspace must not lose the ends.
    bins[0], bins[-1] = low, high
    return bins
