"""How all pictures look: themes, colours that a colour-blind reader can tell apart, number formats.

Figures are made without pyplot, so that nothing global changes and nothing opens a window.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILION, YELLOW = "#56B4E9", "#D55E00", "#F0E442"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW)
"""Okabe and Ito (2008), Color Universal Design, without black."""
DARK, LIGHT, MIDDLE = "#222222", "#D0D0D0", "#888888"
WIDTH, HEIGHT = 8.0, 5.2
"""Inches of a picture with one pair of axes."""
PAGE = 6.3
"""Inches of a page of text: a narrower picture has smaller letters."""
SMALLEST = 7.0
"""Points of a letter."""
MOST_WORDS = 0.45
"""The share of a figure that the words around its panels may take, up and across."""


@dataclass(frozen=True)
class Theme:
    """`ink` draws on `page`; `faint` is for what stands back, `grid` for lines behind."""

    ink: str = DARK
    page: str = "white"
    faint: str = "#666666"
    grid: str = "#E6E6E6"
    font: float = 13
    line: float = 2
    family: str = "sans-serif"
    size: tuple[float, float] | None = None
    """Inches, whatever is drawn; else the picture's own."""
    width: float | None = None
    """Inches; the height follows."""
    captions: bool = True
    """Whether pictures have a title and say what they are of: in a paper the caption does."""


THEMES = {
    "screen": Theme(),
    "slide": Theme(font=19, line=3, size=(13.33, 7.5)),
    "paper": Theme(font=9, line=1.2, family="serif", width=6.3, captions=False),
    "dark": Theme(ink="#E8E8E8", page="#16181D", faint="#A8ADB8", grid="#32363F"),
}
_current = [THEMES["screen"]]


def theme() -> Theme:
    """The one that is drawn with."""
    return _current[-1]


@contextmanager
def style(name: str = "screen", width: float | None = None) -> Iterator[None]:
    """All drawing and writing stands inside. `width` in inches."""
    chosen = THEMES[name] if width is None else _of_width(THEMES[name], width)
    defaults: dict[Any, Any] = {**matplotlib.rcParamsDefault, "backend": "agg"}
    _current.append(chosen)
    try:
        with matplotlib.rc_context(defaults | _settings(chosen)):
            yield
    finally:
        _current.pop()


def _of_width(t: Theme, width: float) -> Theme:
    """Letters and lines are smaller in a narrow picture, but can be read."""
    font = max(SMALLEST, t.font * min(1.0, width / PAGE))
    return replace(t, width=width, size=None, font=font, line=t.line * font / t.font)


def _settings(t: Theme) -> dict[Any, Any]:
    inks = (
        "text.color",
        "axes.labelcolor",
        "axes.edgecolor",
        "axes.titlecolor",
        "xtick.color",
        "ytick.color",
    )
    return {
        **dict.fromkeys(inks, t.ink),
        "figure.facecolor": t.page,
        "axes.facecolor": t.page,
        "savefig.facecolor": t.page,
        "figure.dpi": 150,
        "figure.constrained_layout.use": True,
        "figure.constrained_layout.w_pad": 0.12,
        "figure.constrained_layout.h_pad": 0.1,
        "font.size": t.font,
        "font.family": t.family,
        "axes.titlesize": t.font + 1,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": t.grid,
        "legend.frameon": False,
        "legend.fontsize": t.font - 1,
        "lines.linewidth": t.line,
        "svg.hashsalt": "netc",
        "svg.fonttype": "none",
    }


def panels(number: int) -> tuple[int, int]:
    """Columns and rows; up to four beside each other where the theme is wide."""
    row = number < 4 or (theme().size is not None and number == 4)
    columns = number if row else math.isqrt(number - 1) + 1
    return columns, -(-number // columns)


def sheet(wide: float, high: float) -> Figure:
    """An empty figure of so many inches, or of those that the theme wants."""
    t = theme()
    if t.size is not None:
        return Figure(figsize=t.size)
    if t.width is None:
        return Figure(figsize=(wide, high))
    return Figure(figsize=(t.width, high * max(t.width / wide, t.font / Theme.font)))


def headline(fig: Figure, title: str, setup: str) -> None:
    """What is seen, and below it of what; the rest, legends outside included, has the room between. The last call on a
    figure."""
    t = theme()
    if t.captions:
        _words(fig, title, setup)
    fig.draw_without_rendering()  # panels of equal scales find their place at the second drawing only


def _words(fig: Figure, title: str, setup: str) -> None:
    t = theme()
    above, top = _lines(fig, title, t.font + 3, 0.63)
    below, bottom = _lines(fig, setup, t.font - 2, 0.53)
    taken = top + bottom + sum(_size(fig, legend)[1] for legend in fig.legends if not _beside(legend))
    if taken > MOST_WORDS and t.size is None:  # a narrow figure: the words get room of their own
        grown = 1 - MOST_WORDS + taken
        fig.set_figheight(fig.get_figheight() * grown)
        top, bottom = top / grown, bottom / grown
    fig.text(0.5, 1 - 0.25 * top, above, ha="center", va="top", fontsize=t.font + 3, fontweight="bold")
    fig.text(0.5, 0.25 * bottom, below, ha="center", va="bottom", fontsize=t.font - 2, color=t.faint)
    right = 1.0
    for legend in fig.legends:
        across, up = _size(fig, legend)
        legend.set_bbox_to_anchor((0, bottom, 1, 1 - bottom - top), fig.transFigure)
        right, bottom = (right - across, bottom) if _beside(legend) else (right, bottom + up)
    engine = fig.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(rect=(0, bottom, right, 1 - bottom - top))


def _beside(legend: Legend) -> bool:
    return "right" in str(getattr(legend, "_outside_loc", ""))


def _size(fig: Figure, legend: Legend) -> tuple[float, float]:
    """Shares of the figure, with a little air."""
    box = legend.get_window_extent()
    return box.width / fig.bbox.width + 0.02, box.height / fig.bbox.height + 0.01


def _lines(fig: Figure, text: str, size: float, letter: float) -> tuple[str, float]:
    """In lines that fit the figure, a letter being so wide for its height; and the share of its height that they take."""
    letters = int(fig.get_figwidth() * 72 / (letter * size))
    lines = [part for line in text.splitlines() for part in _even(line, letters)]
    return "\n".join(lines), (1.25 * len(lines) + 0.6) * size / 72 / fig.get_figheight()


def _even(line: str, letters: int) -> list[str]:
    """As few lines as fit, none of them much shorter than the others; `eps = 1e-08` stays in one."""
    line = line.replace(" = ", "\u00a0=\u00a0")
    fewest = len(textwrap.wrap(line, letters))
    widths = range(-(-len(line) // max(fewest, 1)), letters)
    width = next((w for w in widths if len(textwrap.wrap(line, w)) == fewest), letters)
    return [part.replace("\u00a0", " ") for part in textwrap.wrap(line, width)]


def legend_beside(fig: Figure, handles: Sequence[Artist], title: str | None = None) -> None:
    """At the right, or below where the figure is narrow."""
    legend = fig.legend(handles=handles, loc="outside right center", title=title)
    if _size(fig, legend)[0] > MOST_WORDS:
        legend.remove()
        legend_below(fig, handles, title)


def legend_below(fig: Figure, handles: Sequence[Artist], title: str | None = None) -> None:
    """In as many columns as there is room for, letters being 0.6 as wide as high and a line five. More lines than one
    make the figure higher, where the theme does not say how high it is."""
    font, labels = theme().font - 1, [str(handle.get_label()) for handle in handles]
    room = fig.get_figwidth() * 72 / font
    columns = min(len(labels), max(1, int(room / (0.6 * max(map(len, labels)) + 5))))
    if theme().size is None:
        fig.set_figheight(fig.get_figheight() + (-(-len(labels) // columns) - 1) * 1.6 * font / 72)
    fig.legend(handles=handles, loc="outside lower center", ncols=columns, title=title)


def fitted(text: str, inches: float, size: float) -> str:
    """In lines that fit so many inches."""
    letters = max(1, int(inches * 72 / (0.6 * size)))
    return "\n".join(part for line in text.splitlines() for part in _even(line, letters))


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


def short(value: float) -> str:
    """`0.0282`, `3.1e−12`: three figures."""
    return f"{value:.3g}".replace("-", "−")


def percent(share: float) -> str:
    """One decimal, but never 0 % for something that happened."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if share % 1 else f"{100 * share:.0f} %"


def count(number_of: int) -> str:
    """`40 000`, with thin spaces."""
    return f"{number_of:,}".replace(",", "\u202f")
