"""How all pictures look: sizes for a slide, colours that a colour-blind reader can tell apart, number formats.

Figures are made without pyplot, so that nothing global changes and nothing opens a window.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILION, YELLOW = "#56B4E9", "#D55E00", "#F0E442"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW)
"""Okabe and Ito (2008), Color Universal Design, without black."""
DARK, LIGHT, MIDDLE = "#222222", "#D0D0D0", "#888888"
WIDTH, HEIGHT = 8.0, 5.2
"""Inches of a picture with one pair of axes."""

_RC: dict[Any, Any] = {
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#E6E6E6",
    "legend.frameon": False,
    "legend.fontsize": 12,
    "lines.linewidth": 2,
    "svg.hashsalt": "netc",
    "svg.fonttype": "none",
}


@contextmanager
def style() -> Iterator[None]:
    """All drawing and writing stands inside."""
    defaults: dict[Any, Any] = {**matplotlib.rcParamsDefault, "backend": "agg"}
    with matplotlib.rc_context(defaults | _RC):
        yield


def headline(fig: Figure, title: str, setup: str) -> None:
    """What is seen, and below it of what."""
    fig.suptitle(title, fontsize=16, fontweight="bold")
    fig.text(0.5, -0.01, setup, ha="center", va="top", fontsize=11, color="#555555")


def logarithmic(axis: Axis, low: float, high: float) -> None:
    """Ticks that are plain numbers; powers of ten alone where there are enough of them."""
    axis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0)))
    if high <= 1e5 * low:
        axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def number(value: float) -> str:
    """`−2`, `0.33`, with the typographic minus."""
    rounded = round(value, 2)
    return f"{rounded if rounded else 0.0:g}".replace("-", "−")


def percent(share: float) -> str:
    """One decimal, but never 0 % for something that happened."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if share % 1 else f"{100 * share:.0f} %"


def count(number_of: int) -> str:
    """`40 000`, with thin spaces."""
    return f"{number_of:,}".replace(",", "\u202f")
