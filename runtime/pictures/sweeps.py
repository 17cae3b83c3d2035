"""The pictures of a sweep: which values are good (two names: a map; more: lines through all of them), and how the best
points got there."""

from __future__ import annotations

from textwrap import fill
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from netc.runtime.parameters import Array
from netc.runtime.pictures.style import (
    COLOURS,
    DARK,
    HEIGHT,
    WIDTH,
    headline,
    legend_below,
    logarithmic,
    sheet,
    short,
    theme,
)
from netc.runtime.results.sweep_reader import KeptSweep, SweptRow

BANDS = 6
"""Rows whose courses are drawn, the best ones."""
WRITTEN = 12
"""Values of an axis up to which the cells of a map have their numbers in them."""
WIDE = 30.0
"""Times the smallest value: from there on an axis or a scale of positive numbers is logarithmic."""
FAR = 1e3
"""Times the start: courses that rise higher are not followed."""
HUGE = 1e300
"""In the place of infinity."""
MAP = "viridis_r"
"""What is better is lighter; turned round where higher is better."""
LETTERS = 54
"""Of labels below a picture."""


def heatmap(sweep: KeptSweep) -> Figure:
    """Of two names: the median at each pair of values, cells of a grid or dots of what was drawn."""
    across, up = sweep.axes
    fig = sheet(WIDTH, HEIGHT)
    axes = fig.add_subplot()
    norm, colours = _scale(sweep)
    columns, lines = (_listed([row.values[name] for row in sweep.rows]) for name in (across, up))
    if len(columns) * len(lines) == len(sweep.rows):
        _cells(axes, sweep, columns, lines, norm, colours)
    else:
        _dots(axes, sweep, norm, colours)
    axes.set(xlabel=across, ylabel=up)
    axes.grid(False)
    _bar(fig, axes, sweep, ScalarMappable(norm, colours))
    headline(fig, f"{_named(sweep, sweep.rows[0])}: best {sweep.figure}", sweep.file)
    return fig


def _cells(
    axes: Axes,
    sweep: KeptSweep,
    columns: list[float | str],
    lines: list[float | str],
    norm: Normalize,
    colours: str,
) -> None:
    across, up = sweep.axes
    found = np.full((len(lines), len(columns)), np.nan)
    for row in sweep.rows:
        found[lines.index(row.values[up]), columns.index(row.values[across])] = row.median
    axes.imshow(found, norm=norm, cmap=colours, origin="lower", aspect="auto")
    axes.set_xticks(range(len(columns)), _side_by_side(columns))
    axes.set_yticks(range(len(lines)), [_short(value) for value in lines])
    if max(len(columns), len(lines)) <= WRITTEN:
        mapped = ScalarMappable(norm, colours)
        for (y, x), value in np.ndenumerate(found):
            text = short(float(value)) if np.isfinite(value) else "lost"
            ink = _on(mapped.to_rgba(value)) if np.isfinite(value) else theme().ink
            axes.text(x, y, text, ha="center", va="center", color=ink)


def _on(colour: Any) -> str:
    """What can be read on it."""
    red, green, blue, *_ = colour
    return "white" if 0.3 * red + 0.6 * green + 0.1 * blue < 0.5 else DARK


def _dots(axes: Axes, sweep: KeptSweep, norm: Normalize, colours: str) -> None:
    across, up = sweep.axes
    x, y = (_places(sweep, name) for name in (across, up))
    medians = np.array([row.median for row in sweep.rows])
    there = np.isfinite(medians)
    ink, seen = theme().ink, medians[there]
    axes.scatter(x[there], y[there], c=seen, norm=norm, cmap=colours, s=70, edgecolors=ink)
    axes.scatter(x[~there], y[~there], marker="x", color=theme().faint, s=50)
    axes.scatter(x[:1], y[:1], s=220, facecolors="none", edgecolors=ink, linewidths=2)
    for name, axis, scale in ((across, axes.xaxis, axes.set_xscale), (up, axes.yaxis, axes.set_yscale)):
        values = [row.values[name] for row in sweep.rows]
        if any(isinstance(v, str) for v in values):
            listed = _listed(values)
            axis.set_ticks(range(len(listed)), [_short(v) for v in listed])
        elif by_logarithm(sweep, name):
            scale("log")
            logarithmic(axis, float(min(values)), float(max(values)))


def parallel(sweep: KeptSweep) -> Figure:
    """Of three names and more: a line for each point through its values; the best one stands out."""
    fig = sheet(WIDTH + 1, HEIGHT)
    axes = fig.add_subplot()
    norm, colours = _scale(sweep)
    mapped = ScalarMappable(norm, colours)
    heights = np.array([_heights(sweep, name) for name in sweep.axes])
    for number in range(len(sweep.rows) - 1, -1, -1):
        median = sweep.rows[number].median
        colour: Any = mapped.to_rgba(np.array(median)) if np.isfinite(median) else theme().grid
        width, alpha = (2.5, 1.0) if number == 0 else (0.7, 0.75)
        axes.plot(heights[:, number], color=colour, linewidth=theme().line * width, alpha=alpha)
    axes.plot(heights[:, 0], "o", color=theme().ink, markersize=9)
    label = {"facecolor": theme().page, "edgecolor": "none", "pad": 1.5, "alpha": 0.85}
    for place, name in enumerate(sweep.axes):
        axes.axvline(place, color=theme().faint, linewidth=1, zorder=0)
        for value, height in _ticks(sweep, name):
            axes.annotate(value, (place, height), (-7, 0), textcoords="offset points", ha="right", va="center",
                          fontsize=theme().font - 3, bbox=label)  # fmt: skip
    axes.set_xticks(range(len(sweep.axes)), sweep.axes)
    axes.set_yticks([])
    axes.set_xlim(-0.45, len(sweep.axes) - 0.9)
    axes.grid(False)
    axes.spines[["left"]].set_visible(False)
    _bar(fig, axes, sweep, mapped)
    headline(fig, f"{_named(sweep, sweep.rows[0])}: best {sweep.figure}", sweep.file)
    return fig


def bands(sweep: KeptSweep) -> Figure:
    """The figure against the epochs at the best rows: the median over their runs, seeds and folds, and the quartiles."""
    fig = sheet(WIDTH, HEIGHT)
    axes = fig.add_subplot()
    low, high, start = np.inf, -np.inf, 0.0
    for colour, row in zip(COLOURS, sweep.rows[:BANDS], strict=False):
        if (found := sweep.courses(row)) is None:
            continue
        moments, values = found
        # Infinities have no middle; numbers that no axis shows do.
        quartiles = np.nanquantile(np.minimum(values, HUGE), [0.25, 0.5, 0.75], axis=0)
        axes.plot(moments, quartiles[1], color=colour, label=_named(sweep, row) or "median")
        if len(values) > 1:
            axes.fill_between(moments, quartiles[0], quartiles[2], color=colour, alpha=0.18, linewidth=0)
        low, high = min(low, float(np.nanmin(quartiles))), max(high, float(np.nanmax(quartiles[1])))
        start = max(start, float(quartiles[1][0]))
    if high > FAR * start > 0 and not _higher(sweep):  # what diverges leaves through the top
        high = FAR * start
        axes.set_ylim(low / 2, high)
    if low > 0 and high / low > 10 and not _higher(sweep):
        axes.set_yscale("log")
        logarithmic(axes.yaxis, low, high)
    axes.set(xlabel="epochs", ylabel=sweep.figure)
    legend_below(fig, axes.get_legend_handles_labels()[0])
    rest = f", the best {BANDS} of {len(sweep.rows)}" if len(sweep.rows) > BANDS else ""
    best = _named(sweep, sweep.rows[0])
    headline(fig, f"{best}: best {sweep.figure}" if best else sweep.figure,
             f"{sweep.file}: medians over runs, seeds and folds, with quartiles{rest}")  # fmt: skip
    return fig


def has_courses(sweep: KeptSweep) -> bool:
    return any(sweep.courses(row) is not None for row in sweep.rows[:BANDS])


# -- scales --------------------------------------------------------------------------------------------


def _higher(sweep: KeptSweep) -> bool:
    """Whether higher is better."""
    return sweep.figure.startswith(("accuracy", "r2"))


def _scale(sweep: KeptSweep) -> tuple[Normalize, str]:
    medians = np.array([row.median for row in sweep.rows])
    there = medians[np.isfinite(medians)]
    low, high = (float(there.min()), float(there.max())) if len(there) else (0.0, 1.0)
    colours = MAP.removesuffix("_r") if _higher(sweep) else MAP
    usual = WIDE * float(np.median(there)) if len(there) else high
    if not _higher(sweep) and high > usual > 0:
        high = float(there[there <= usual].max())  # else the worst ones hide how the others differ
    if _higher(sweep):
        low = max(low, 0.0)
    norm = LogNorm(low, high) if low > 0 and high > WIDE * low else Normalize(low, high)
    return norm, colours


def _bar(fig: Figure, axes: Axes, sweep: KeptSweep, mapped: ScalarMappable) -> None:
    medians = [row.median for row in sweep.rows if np.isfinite(row.median)]
    low, high = (float(end or 0) for end in mapped.get_clim())
    above, below = max(medians, default=low) > high, min(medians, default=low) < low
    extend: Literal["both", "max", "min", "neither"] = "max" if above else "min" if below else "neither"
    fig.colorbar(mapped, ax=axes, label=f"median {sweep.figure}", extend=extend)


def _listed(values: list[float | str]) -> list[float | str]:
    """Each once: numbers in their order, then what is none in that of the table."""
    each = list(dict.fromkeys(values))
    return [*sorted(v for v in each if not isinstance(v, str)), *(v for v in each if isinstance(v, str))]


def _places(sweep: KeptSweep, name: str) -> Array:
    """(rows,) of the values along an axis: numbers as they are, others by their place in the list."""
    values = [row.values[name] for row in sweep.rows]
    listed = _listed(values)
    words = any(isinstance(v, str) for v in values)
    return np.array([listed.index(v) if words else v for v in values], float)


def by_logarithm(sweep: KeptSweep, name: str) -> bool:
    """As the law of the axis has it; of a set where its numbers are far apart."""
    if name in sweep.laws or any(isinstance(row.values[name], str) for row in sweep.rows):
        return sweep.laws.get(name) == "log_uniform"
    places = _places(sweep, name)
    return bool(places.min() > 0 and places.max() > WIDE * places.min())


def _heights(sweep: KeptSweep, name: str) -> Array:
    """(rows,) from 0 to 1."""
    places = _places(sweep, name)
    if by_logarithm(sweep, name):
        places = np.log(places)
    apart = float(np.ptp(places))
    found: Array = (places - places.min()) / apart if apart else np.full(len(places), 0.5)
    return found


def _ticks(sweep: KeptSweep, name: str) -> list[tuple[str, float]]:
    """Values and heights: all of a short list, else both ends and the best."""
    values, heights = [row.values[name] for row in sweep.rows], _heights(sweep, name)
    found = {_short(v): float(h) for v, h in zip(values, heights, strict=True)}
    if len(found) <= 7:
        return [*found.items()]
    ends = [int(heights.argmin()), int(heights.argmax())]
    return [(_short(values[i]), float(heights[i])) for i in ends]


def _named(sweep: KeptSweep, row: SweptRow) -> str:
    return ", ".join(f"{name} = {_short(value)}" for name, value in row.values.items())


def _side_by_side(values: list[float | str]) -> list[str]:
    """Broken into lines between the arguments of a rule, so that they do not run into each other."""
    wide = LETTERS // len(values)
    kept = (_short(value).replace(" = ", "\u00a0=\u00a0").replace("(", "( ") for value in values)
    lines = (fill(text, wide, break_long_words=False) for text in kept)
    return [text.replace("( ", "(").replace("\u00a0", " ") for text in lines]


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else short(value)
