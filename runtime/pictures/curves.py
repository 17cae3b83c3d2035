"""The course of training: a panel for each figure against the epochs; of several folders a colour for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.runtime.parameters import Array
from netc.runtime.pictures.course import (
    WORST_IS_LOW,
    Course,
    all_layers,
    clock,
    has_curves,
    of_layers,
    parts_of,
    smoothed,
)
from netc.runtime.pictures.course_words import about, chosen_at, common_marks, led_to, notes_of, title
from netc.runtime.pictures.style import (
    BLUE,
    COLOURS,
    GREEN,
    HEIGHT,
    MIDDLE,
    ORANGE,
    PURPLE,
    headline,
    legend_below,
    logarithmic,
    sheet,
    theme,
)
from netc.runtime.results.folder_reader import Kept

HUES = {"train": BLUE, "validation": PURPLE, "test": ORANGE, "batches": GREEN}
DASHES: dict[str, Any] = {"train": "-", "validation": "-.", "test": (0, (4, 1.5)), "batches": ":"}
"""Where colours tell folders apart."""
WORDS = {"batches": "train, over batches"}
NAMES = {
    "loss": ("loss", "R"),
    "accuracy": ("accuracy", "share of samples"),
    "r2": ("explained variance", "R²"),
    "gradient_norm": ("norm of the gradient", "‖∇R‖"),
    "theta_norm": ("norm of the parameters", "‖θ‖"),
}
"""The title of a panel, and what its axis counts."""
LINEAR = ("dead(", "zeros(", "cosine(")
"""Figures of which 0 says something."""
PANEL = 5.0
"""Inches of a panel, letters being 13 points high."""
NARROWEST = 3.2


def figures_of(kept: Sequence[Kept]) -> tuple[str, ...]:
    """What the histories of all of them have."""
    own = [name for name in kept[0].history if name not in ("run", "step", "epoch", "running")]
    stems = {name.rpartition("_")[0] if name.endswith(_ENDS) else name for name in own}
    stems |= {all_layers(name) for name in stems}
    found = [name for name in (*NAMES, *sorted(stems - {*NAMES, "loss_batches"})) if parts_of(kept[0], name)]
    return tuple(name for name in found if all(parts_of(one, name) for one in kept))


_ENDS = ("_train", "_validation", "_test", "_batches", "_q05", "_q25", "_median", "_q75", "_q95")


def asked_for(kept: Sequence[Kept]) -> tuple[str, ...]:
    """What the files monitor, of that which all have. A file that names nothing but its loss has the accuracy beside
    it, an objective the gradient; R² of one output is the loss once more."""
    named = {name for one in kept for name in _monitored(one)}
    if named == {"loss"}:
        named |= {"accuracy"} if all(one.problem is None for one in kept) else {"gradient_norm"}
    return tuple(name for name in figures_of(kept) if name in named)


def _monitored(kept: Kept) -> Iterator[str]:
    yield "loss"
    names = {"norm(grad R)": "gradient_norm", "norm(theta)": "theta_norm"}
    for s in kept.program.statements:
        if isinstance(s, ast.Monitor):
            yield from (names.get(text, text) for text in map(print_expr, s.figures))
            yield from (setting.name for setting in s.settings)


def curves(kept: Sequence[Kept], figures: Sequence[str] = (), apart: Course | None = None) -> Figure:
    """A panel for each figure, of two runs from the same start one more for how far they are apart."""
    drawn = [one for one in kept if has_curves(one)]
    shown = list(figures or asked_for(drawn))
    fig, panels = _panels(len(shown) + (apart is not None))
    for axes, name in zip(panels, shown, strict=False):
        _figure(axes, drawn, kept, name)
    if apart is not None:
        _distance(panels[-1], kept, apart)
    _marks(panels, drawn)
    _legend(fig, panels, drawn, kept)
    headline(fig, led_to(kept, drawn), "\n".join((about(kept), *notes_of(kept))))
    return fig


def _panels(number: int) -> tuple[Figure, list[Axes]]:
    """Side by side, as many as there is room for, then below each other."""
    t = theme()
    room = t.width or (t.size[0] if t.size else PANEL * number)
    columns = max(1, min(number, int(room / (NARROWEST * t.font / 13))))
    rows = -(-number // columns)
    wide = max(PANEL * columns, 7.5)
    fig = sheet(wide, (HEIGHT + 0.4) if rows == 1 else 0.3 + 3.9 * rows)
    grid = fig.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[number:]:
        axes.set_axis_off()
    return fig, list(grid.flat[:number])


def _figure(axes: Axes, drawn: Sequence[Kept], kept: Sequence[Kept], name: str) -> None:
    for one in drawn:
        alone, hue, width = len(kept) == 1, colour_of(kept, one), _width(kept, one)
        for part, found in parts_of(one, name):
            if alone:
                _draw(axes, found, HUES.get(part) or _hue(part), WORDS.get(part, part), bands=one.count > 1)
            else:
                _draw(
                    axes,
                    found,
                    hue,
                    title(kept, one),
                    False,
                    DASHES.get(part, "-"),
                    width,
                    raw=part == "train",
                )
    _scale(axes, name)
    words, unit = NAMES.get(name, (f"the monitored {name}", name))
    if any(of_layers(one, name) for one in drawn):
        words, unit = f"{name.replace('(layers)', '').replace(', layers', '')}, by layer", ""
    below = axes.get_ylim()[0] if name == "r2" else None
    note = ", from 0 up" if below is not None and below >= -0.1 and _lowest(axes) < -0.1 else ""
    axes.set(xlabel=clock(drawn[0])[0], title=words, ylabel=unit + note)


def _hue(layer: str) -> str:
    """None that stands for a part of the data."""
    own = COLOURS[2:]
    return own[(int(layer.removeprefix("layer")) - 1) % len(own)]


def _lowest(axes: Axes) -> float:
    return float(axes.dataLim.y0)


def colour_of(kept: Sequence[Kept], one: Kept) -> str:
    return COLOURS[list(kept).index(one) % len(COLOURS)]


def _width(kept: Sequence[Kept], one: Kept) -> float:
    """The first of several is the widest, so that what lies upon it does not hide it."""
    below = len(kept) - 1 - list(kept).index(one)
    return theme().line * (1 + 0.8 * below / max(len(kept) - 1, 1))


def _draw(
    axes: Axes,
    one: Course,
    colour: str,
    label: str,
    bands: bool,
    dash: Any = "-",
    width: float = 0,
    raw: bool = True,
) -> None:
    """The smoothed line, with what was smoothed faint behind it; or the line as it is."""
    if bands:
        axes.fill_between(one.at, one.bands[0], one.bands[4], color=colour, alpha=0.15, linewidth=0)
        axes.fill_between(one.at, one.bands[1], one.bands[3], color=colour, alpha=0.3, linewidth=0)
    values, thick = one.median, width or theme().line
    smooth = None if bands else smoothed(values)
    if smooth is not None and raw:
        axes.plot(one.at, values, "-", color=colour, alpha=0.3, linewidth=0.4 * theme().line, label="_raw")
    axes.plot(
        one.at,
        values if smooth is None else smooth,
        linestyle=dash,
        color=colour,
        label=label,
        linewidth=thick,
    )


def _scale(axes: Axes, name: str) -> None:
    """Logarithmic where values are positive and span more than a decade; R² from 0 up where it rises above."""
    values = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in axes.lines])
    values = values[np.isfinite(values)]
    if not len(values):
        return
    starts = [np.asarray(line.get_ydata(), np.float64).flat[0] for line in axes.lines]
    if name.startswith(LINEAR):
        return
    if name in WORST_IS_LOW:
        axes.set_ylim(top=1.02)
        if name == "r2" and values.min() < -0.1 and values.max() > 0:
            axes.set_ylim(bottom=-0.05)
    elif values.min() >= 0 and values.max() > 5 * values.min():
        # A course that diverges leaves through the top; it must not press those that converge flat.
        _logarithmic(axes, np.minimum(values, 1e3 * max(starts)) if max(starts) > 0 else values)


def _logarithmic(axes: Axes, values: Array) -> None:
    axes.set_yscale("log", nonpositive="clip")
    low, drawn = values[values > 0].min(initial=1.0), axes.dataLim.intervaly
    # Bands may rise far above the lines, and fall to 0.
    low = max(low / 2, values.max() * 1e-20)
    high = 2 * min(max(values.max(), drawn[1]), values.max() * 1e3)
    axes.set_ylim(low, high)
    logarithmic(axes.yaxis, low, high)


def _distance(axes: Axes, kept: Sequence[Kept], apart: Course) -> None:
    axes.plot(apart.at, apart.median, color=theme().ink)
    values = apart.median
    if values.max(initial=0.0) > 0:
        positive = values[values > 0]
        if positive.max() > 5 * positive.min():
            _logarithmic(axes, positive)
    axes.set(title="how far apart", xlabel=clock(kept[0])[0], ylabel="‖θ$_A$ − θ$_B$‖")
    if not values.any():
        axes.set_ylim(0, 1)
        axes.text(0.5, 0.5, "0 at every report", transform=axes.transAxes, ha="center")


def _marks(panels: Sequence[Axes], drawn: Sequence[Kept]) -> None:
    """Where a schedule jumps, with what it jumps to; where the parameters are from that `keep` has chosen."""
    found = common_marks(drawn)
    chosen = chosen_at(drawn[0]) if len(drawn) == 1 else None
    for axes in panels:
        ends = [_free_end(axes, mark.at) for mark in found]
        if chosen is not None:
            axes.axvline(chosen, color=MIDDLE, linewidth=0.6 * theme().line, zorder=1)
        for mark in found:
            axes.axvline(mark.at, color=MIDDLE, linestyle=(0, (1, 2)), linewidth=0.6 * theme().line, zorder=1)
        for mark, end in zip(found, ends, strict=True):
            axes.annotate(
                mark.text, (mark.at, end), xycoords=("data", "axes fraction"), xytext=(3, 2 - 4 * end),
                textcoords="offset points", va="top" if end else "bottom", fontsize=0.7 * theme().font,
                color=theme().faint,
            )  # fmt: skip


def _free_end(axes: Axes, at: float) -> int:
    """Whether a mark's text stands at the top, 1, or the bottom, 0: where the lines beside it leave more room."""
    left, right = axes.get_xlim()
    heights = [0.5]
    for line in axes.lines:
        x, y = (np.asarray(values, np.float64) for values in line.get_data())
        near = (x >= at) & (x <= at + 0.15 * (right - left)) & np.isfinite(y)
        places = axes.transAxes.inverted().transform(axes.transData.transform(np.stack([x, y], axis=1)[near]))
        heights += np.clip(places[:, 1], 0, 1).tolist()
    return int(1 - max(heights) >= min(0.12, min(heights)))


def _legend(fig: Figure, panels: Sequence[Axes], drawn: Sequence[Kept], kept: Sequence[Kept]) -> None:
    """Every line that is drawn, as it is drawn."""
    handles: list[Line2D] = []
    if len(kept) == 1:
        lines = {str(line.get_label()): line for axes in panels for line in axes.lines}
        handles = [line for label, line in lines.items() if not label.startswith("_")]
    else:
        handles = [
            Line2D([], [], color=colour_of(kept, one), linewidth=_width(kept, one), label=title(kept, one))
            for one in drawn
        ]
        parts = [part for part in DASHES if any(part in dict(parts_of(one, "loss")) for one in drawn)]
        if len(parts) > 1:
            handles += [
                Line2D([], [], color=theme().ink, linestyle=DASHES[p], label=WORDS.get(p, p)) for p in parts
            ]
    if len(handles) > 1:
        legend_below(fig, handles)
