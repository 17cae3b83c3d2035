"""Pictures of objectives of two numbers: the surface with trajectories, maps over the starts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, LogNorm, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from netc.compiler.calculus import interpret
from netc.runtime.parameters import Array
from netc.runtime.pictures.course_words import about
from netc.runtime.pictures.ends import DIVERGED, Ends, classify, colour
from netc.runtime.pictures.style import (
    WIDTH,
    count,
    fitted,
    headline,
    legend_beside,
    panels,
    percent,
    sheet,
    theme,
)
from netc.runtime.results.folder_reader import Kept
from netc.runtime.results.hessian import Hessians

FOLLOWED = 6
"""Trajectories in a picture of a surface."""
STEPS = 2000
"""Iterations of a trajectory that are drawn."""
FINE = 201
"""Points of a surface along an axis."""
COVER = 220_000
"""Of a map, in square points: dots at random places that leave few gaps."""
GROWS = "grows_"
"""In front of V, a column of the table of runs: the share of iterations in which the monitored V grows."""
BESIDE = 2.6
"""Inches of a legend at the right, letters being 13 points high."""
GOLDEN = (5**0.5 - 1) / 2


def basins(kept: Sequence[Kept]) -> Figure:
    """Where each start ends, a panel for each folder."""
    columns, rows = panels(len(kept))
    fig = _sheet(columns, rows)
    all_ends = classify(kept)
    for place, (one, ends) in enumerate(zip(kept, all_ends, strict=True), start=1):
        axes = fig.add_subplot(rows, columns, place)
        _map_of_ends(axes, one, ends)
        if len(kept) > 1:
            _name(axes, _room(fig, columns), one, f"diverged {percent(ends.share(DIVERGED))}")
            axes.label_outer()
    _legend_of_ends(fig, all_ends)
    runs = {one.count for one in kept}
    title = f"Where {count(runs.pop())} starts end" if len(runs) == 1 else "Where the starts end"
    headline(fig, title, about(kept))
    return fig


def _sheet(columns: int, rows: int) -> Figure:
    """Room for square panels, with a legend at the right."""
    return sheet(4.5 * columns + BESIDE if columns > 1 else WIDTH, 4.8 * rows + 1.2)


def _room(fig: Figure, columns: int) -> float:
    """Inches of each panel."""
    return (fig.get_figwidth() - BESIDE * theme().font / 13) / columns


def _name(axes: Axes, wide: float, kept: Kept, note: str) -> None:
    """Of a panel among others, so many inches wide, with a note in its corner."""
    size = theme().font - 1
    axes.set_title(fitted(f"{kept.rule}\n{kept.settings}", wide, size), fontsize=size)
    box = {"facecolor": theme().page, "edgecolor": "none", "alpha": 0.85, "pad": 2}
    axes.text(0.02, 0.02, note, transform=axes.transAxes, fontsize=theme().font - 2, bbox=box)


def _map_of_ends(axes: Axes, kept: Kept, ends: Ends) -> None:
    colours = ListedColormap([colour(ends, label) for label in ends.labels])
    norm = BoundaryNorm(np.arange(len(ends.labels) + 1) - 0.5, len(ends.labels))
    paint(axes, kept, ends.codes, cmap=colours, norm=norm)
    for point in ends.points:
        axes.plot(*point, "o", markersize=8, markerfacecolor="white", markeredgecolor="black")


def paint(axes: Axes, kept: Kept, values: Array, cmap: Colormap | str, norm: Normalize) -> None:
    """A value for each start, at its place: an image of a grid, else a dot for each."""
    x, y = kept.starts.T
    axes.set(xlabel=f"initial {kept.variables[0]}", ylabel=f"initial {kept.variables[1]}", aspect="equal")
    axes.grid(False)
    along, up = np.unique(x), np.unique(y)
    if len(along) * len(up) == len(values) and len(along) > 1 and len(up) > 1:
        image = np.empty((len(up), len(along)))
        image[np.searchsorted(up, y), np.searchsorted(along, x)] = values
        axes.pcolormesh(along, up, image, shading="nearest", rasterized=True, cmap=cmap, norm=norm)
    else:
        size = np.clip(COVER / len(values), 1, 60)
        for larger in (4, 1):  # the large dots fill the gaps between the small ones
            axes.scatter(
                x,
                y,
                c=values,
                s=larger * size,
                marker="s",
                linewidths=0,
                rasterized=True,
                cmap=cmap,
                norm=norm,
            )
        axes.margins(0.005)


def _legend_of_ends(fig: Figure, all_ends: Sequence[Ends]) -> None:
    first = all_ends[0]
    used = [label for label in first.labels if any(label in ends.used for ends in all_ends)]
    texts = used if len(all_ends) > 1 else [f"{label}   {percent(first.share(label))}" for label in used]
    patches = [
        Patch(facecolor=colour(first, label), label=text) for label, text in zip(used, texts, strict=True)
    ]
    legend_beside(fig, patches, "the run ends at")


def surface(kept: Sequence[Kept]) -> Figure:
    """Level lines, and where some starts go."""
    (one,) = kept
    (ends,) = classify(kept)
    fig = sheet(WIDTH + 1, 6.2)
    axes = fig.add_subplot()
    chosen = _some(one)
    paths = [_trajectory(one, run) for run in chosen]
    _levels(fig, axes, one, ends)
    for run, path in zip(chosen, paths, strict=True):
        hue = colour(ends, ends.labels[ends.codes[run]])
        lost = bool(one.diverged[run])
        axes.plot(
            *path.T,
            "-",
            color=hue,
            linewidth=0.7 if lost else 1.5,
            marker="." if not lost else "",
            zorder=2 - lost,
        )
        axes.plot(*path[0], "o", color=hue, markersize=9, markeredgecolor="white")
        axes.plot(*path[-1], "X", color=hue, markersize=10, markeredgecolor="white")
    shown = sorted({int(ends.codes[run]) for run in chosen})
    handles = [Line2D([], [], color=colour(ends, ends.labels[c]), label=ends.labels[c]) for c in shown]
    handles += [
        Line2D([], [], color=theme().ink, marker=m, linestyle="", label=t)
        for m, t in (("o", "start"), ("X", "end"))
    ]
    legend_beside(fig, handles, "the run ends at")
    many = (
        f"{len(chosen)} of {count(one.count)} runs"
        if one.count > len(chosen)
        else "its runs"
        if one.count > 1
        else "the run"
    )
    headline(fig, f"The loss, and {many} on it", about(kept))
    return fig


def _some(kept: Kept) -> list[int]:
    """Numbers of some runs, the same at every call: up to FOLLOWED that stayed finite, and one that did not."""
    stayed, lost = np.flatnonzero(~kept.diverged), np.flatnonzero(kept.diverged)
    return [*_spread_out(stayed, FOLLOWED), *_spread_out(lost, 1)]


def _spread_out(runs: Array, most: int) -> list[int]:
    """By multiples of the golden ratio."""
    if len(runs) <= most:
        return [int(run) for run in runs]
    return [int(runs[int(len(runs) * ((k * GOLDEN + 0.2) % 1))]) for k in range(most)]


def _trajectory(kept: Kept, run: int) -> Array:
    """(iterations + 1, 2): the rule once more from that start, by the interpreter of the ir."""
    assert kept.problem is not None
    steps = int(min(STEPS, kept.runs["steps"][run]))
    nothing = np.zeros((1, 0))
    path = interpret.run(kept.problem, kept.starts[run], nothing, nothing, steps).trajectory
    return path[np.isfinite(path).all(axis=1)]


def _levels(fig: Figure, axes: Axes, kept: Kept, ends: Ends) -> None:
    x, y = (
        _window(kept.starts[:, i], ends.points[:, i] if len(ends.points) else np.zeros(0)) for i in (0, 1)
    )
    values = loss_at(kept, *np.meshgrid(x, y))
    finite = values[np.isfinite(values)]
    positive = finite.min() >= 0
    low = max(float(np.quantile(finite, 0.02)), finite.max() * 1e-6) if positive else finite.min()
    levels = np.geomspace(low, finite.max(), 13) if positive else np.quantile(finite, np.linspace(0, 1, 13))
    norm = LogNorm(low, finite.max()) if positive else None
    filled = axes.contourf(x, y, values, np.unique(levels), norm=norm, cmap="Greys", alpha=0.6, extend="min")
    axes.contour(x, y, values, np.unique(levels), colors="#777777", linewidths=0.6)
    tens = [10.0**k for k in range(-9, 10) if low <= 10.0**k <= finite.max()]
    bar = fig.colorbar(filled, ax=axes, format="%g", ticks=tens if len(tens) > 1 else None)
    bar.set_label(f"loss {kept.setup.partition(' = ')[0]}")
    first, second = kept.variables
    axes.set(xlabel=first, ylabel=second, xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.grid(False)


def _window(*coordinates: Array) -> Array:
    """Room for all of them and a little more."""
    seen = np.concatenate(coordinates)
    low, high = float(seen.min()), float(seen.max())
    room = 0.05 * (high - low) or 1.0
    return np.linspace(low - room, high + room, FINE)


def loss_at(kept: Kept, *coordinates: Array) -> Array:
    """The objective at many points."""
    assert kept.problem is not None
    points = np.stack([np.ravel(c) for c in coordinates], axis=1)
    values: Array = Hessians(kept.problem.problem).losses(points).reshape(coordinates[0].shape)
    return values


def watched(kept: Kept) -> str:
    """The first function that the file monitors, or nothing."""
    return next((name.removeprefix(GROWS) for name in kept.runs if name.startswith(GROWS)), "")


def growth(kept: Sequence[Kept]) -> Figure:
    """From each start, the share of iterations in which the monitored function grows, a panel for each folder."""
    columns, rows = panels(len(kept))
    fig = _sheet(columns, rows)
    shares = [one.runs[GROWS + watched(one)] for one in kept]
    # The square root shows small shares, where an honest V has none.
    norm = PowerNorm(0.5, 0, 100 * max(float(np.nanmax(share)) for share in shares) or 1.0)
    for place, (one, share) in enumerate(zip(kept, shares, strict=True), start=1):
        axes = fig.add_subplot(rows, columns, place)
        paint(axes, one, 100 * share, cmap="cividis", norm=norm)
        note = f"{watched(one)} grows from {percent(float(np.mean(share > 0)))} of the starts"
        if len(kept) > 1:
            _name(axes, _room(fig, columns), one, note)
        else:
            axes.set_title(note, fontsize=theme().font - 1)
    bar = fig.colorbar(ScalarMappable(norm, "cividis"), ax=fig.axes, shrink=0.8)
    bar.set_label("iterations in which it grows by more than 1 %, in %")
    headline(fig, f"Where the Lyapunov function {watched(kept[0])} grows", about(kept))
    return fig
