"""The picture of a sweep over one name: the figure of each part of the data against the values."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from netc.runtime.parameters import Array
from netc.runtime.pictures.curves import HUES
from netc.runtime.pictures.style import DARK, HEIGHT, WIDTH, headline, logarithmic, sheet, short
from netc.runtime.pictures.sweeps import WIDE, by_logarithm
from netc.runtime.results.sweep_reader import KeptSweep


def axis(sweep: KeptSweep) -> Figure:
    """Medians over runs, seeds and folds, with quartiles, a panel for each part; what is swept is numbers."""
    (name,) = sweep.axes
    rows = sorted(sweep.rows, key=lambda row: float(row.values[name]))
    places = np.array([row.values[name] for row in rows], float)
    kind, _, own = sweep.figure.rstrip(")").partition("(")
    parts = {p: f"{kind}({p})" for p in HUES if all(f"{kind}({p})" in row.spreads for row in rows)}
    shown = parts if own in parts else {"": sweep.column}
    fig = sheet(WIDTH, max(HEIGHT, 1.6 + 1.7 * len(shown)))
    panels = fig.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for panel, (part, figure) in zip(panels, shown.items(), strict=True):
        _spread(panel, places, np.array([row.spreads[figure] for row in rows]), HUES.get(part, DARK))
        panel.set(ylabel=figure)
    if by_logarithm(sweep, name):
        panels[-1].set_xscale("log")
    panels[-1].set_xticks(places, [short(place) for place in places.tolist()])
    panels[-1].minorticks_off()
    panels[-1].set_xlabel(name)
    best = short(float(sweep.rows[0].values[name]))
    headline(
        fig,
        f"{name} = {best}: best {sweep.figure}",
        f"{sweep.file}: medians over runs and seeds, with quartiles",
    )
    return fig


def _spread(axes: Axes, places: Array, quartiles: Array, colour: str) -> None:
    low, median, high = quartiles.T
    axes.plot(places, median, marker="o", color=colour)
    axes.fill_between(places, low, high, color=colour, alpha=0.18, linewidth=0)
    there = median[np.isfinite(median)]
    if len(there) and there.min() > 0 and there.max() > WIDE * there.min():
        axes.set_yscale("log")
        logarithmic(axes.yaxis, float(there.min()), float(there.max()))


def is_of_numbers(sweep: KeptSweep) -> bool:
    """One name, with two numbers at least."""
    values = [row.values[name] for name in sweep.axes for row in sweep.rows]
    return len(sweep.axes) == 1 and len(values) > 1 and not any(isinstance(v, str) for v in values)
