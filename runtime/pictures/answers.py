"""What a trained model says of its samples: fit, decision boundary, confusion, residuals, reliability, single samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from netc.runtime.parameters import Array
from netc.runtime.pictures.curves import HUES
from netc.runtime.pictures.style import (
    BLUE,
    COLOURS,
    HEIGHT,
    WIDTH,
    count,
    headline,
    legend_beside,
    percent,
    sheet,
    short,
    theme,
)
from netc.runtime.results import calibration
from netc.runtime.results.judgement import Judgement

Judged = Mapping[str, Judgement]
"""By part; the last one is the one that judges: the test part, where there is one."""
FINE = 401
"""Points of a curve, and of a map along an axis."""
DOTS = 3000
"""At most so many samples are drawn, every k-th of more."""
MOST_CLASSES = 30
"""Of a matrix that can be read."""
SAMPLES = 8
"""In each row of a picture of samples."""
ROOM = 0.06


def judging(judged: Judged) -> Judgement:
    return judged[list(judged)[-1]]


def fit(judged: Judged, about: str) -> Figure:
    """The network as a function of its one input, over the samples."""
    one = judging(judged)
    targets = one.outputs.shape[1]
    fig = sheet(max(WIDTH, 4.5 * targets), HEIGHT)
    x = _across(np.concatenate([j.inputs[:, 0] for j in judged.values()]))
    lines = one.predict(x[:, None])
    for k, axes in enumerate(fig.subplots(1, targets, squeeze=False)[0]):
        for part, j in judged.items():
            some = _some(len(j))
            truth = (j.truth[:, None] if j.classes else j.truth)[some, k]
            axes.plot(j.inputs[some, 0], truth, "o", color=HUES[part], markersize=4.5, alpha=0.7, label=part)
        axes.plot(x, lines[:, k], color=theme().ink, label="the network")
        axes.set(xlabel=_name(one.columns, 0, "x"), ylabel=_name(one.targets, k, "y"))
    fig.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    headline(fig, f"What the network learned{_with(one)}", about)
    return fig


def boundary(judged: Judged, about: str) -> Figure:
    """Where the plane of two inputs belongs to which class, and how surely; the samples on it."""
    one = judging(judged)
    both = np.concatenate([j.inputs for j in judged.values()])
    x, y = _across(both[:, 0]), _across(both[:, 1])
    grid = np.stack([a.ravel() for a in np.meshgrid(x, y)], axis=1)
    fig = sheet(WIDTH, 6.2)
    axes = fig.add_subplot()
    outputs = one.predict(grid)
    if one.classes:
        _regions(axes, one, x, y, outputs)
    else:
        said = outputs[:, 0]
        seen = np.concatenate([said, *(j.truth[:, 0] for j in judged.values())])
        levels = MaxNLocator(24).tick_values(seen.min(), seen.max())
        shades = BoundaryNorm(levels, 256)
        drawn = axes.contourf(x, y, said.reshape(len(y), -1), levels, norm=shades, cmap="cividis")
        fig.colorbar(drawn, ax=axes, label=_name(one.targets, 0, "y"))
    for part, j in judged.items():
        some = _some(len(j))
        hues: Any = (
            [_hue(code) for code in j.truth[some]]
            if j.classes
            else matplotlib.colormaps["cividis"](shades(j.truth[some, 0]))
        )
        ring = theme().ink if part == "test" else theme().page
        x1, x2 = j.inputs[some].T
        axes.scatter(x1, x2, c=hues, s=30, edgecolors=ring, linewidths=1 if part == "test" else 0.6)
    handles = [_dot(_hue(k), label) for k, label in enumerate(one.classes)]
    if "test" in judged:
        handles.append(
            Line2D(
                [], [], marker="o", linestyle="", markerfacecolor="none", color=theme().ink, label="test part"
            )
        )
    legend_beside(fig, handles, None if one.classes else "dots: the truth")
    axes.set(xlabel=_name(one.columns, 0, "x1"), ylabel=_name(one.columns, 1, "x2"))
    axes.grid(False)
    headline(fig, f"What the network says in the plane{_with(one)}", about)
    return fig


def _regions(axes: Axes, one: Judgement, x: Array, y: Array, outputs: Array) -> None:
    """The colour of the class that is named, the stronger the surer; a line where it changes."""
    k = len(one.classes)
    if outputs.shape[1] == 1:
        p = outputs[:, 0].reshape(len(y), -1)
        low, high = (0.0, 1.0) if one.probable else (p.min(), p.max())
        mixed = LinearSegmentedColormap.from_list("two", [_hue(0), theme().page, _hue(1)])
        half = max(one.threshold - low, high - one.threshold)
        axes.pcolormesh(
            x,
            y,
            p,
            cmap=mixed,
            vmin=one.threshold - half,
            vmax=one.threshold + half,
            alpha=0.6,
            rasterized=True,
        )
        axes.contour(x, y, p, [one.threshold], colors=[theme().ink], linewidths=theme().line)
        return
    named = outputs.argmax(axis=1).reshape(len(y), -1)
    axes.pcolormesh(x, y, named, cmap=ListedColormap([_hue(c) for c in range(k)]), vmin=-0.5, vmax=k - 0.5, alpha=0.35,
                    rasterized=True)  # fmt: skip
    for c in range(k):
        axes.contour(x, y, named == c, [0.5], colors=[theme().ink], linewidths=0.8 * theme().line)


def confusion(judged: Judged, about: str) -> Figure:
    """Samples by their true class and the one that is named; shades are shares of the true class."""
    one = judging(judged)
    table, k = one.confusion, len(one.classes)
    side = min(11.0, 3.8 + 0.48 * k)
    fig = sheet(side + 1, side)
    axes = fig.add_subplot()
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    shade = LinearSegmentedColormap.from_list("shade", [theme().page, BLUE])
    axes.imshow(shares, cmap=shade, vmin=0, vmax=1)
    size = theme().font * min(1, 9 / k)
    for (i, j), number in np.ndenumerate(table):
        if number:
            axes.text(j, i, count(int(number)), ha="center", va="center", fontsize=size,
                      color="white" if shares[i, j] > 0.55 else theme().ink)  # fmt: skip
    axes.set_xticks(range(k), one.classes, rotation=0 if max(map(len, one.classes)) * k < 50 else 60)
    axes.set_yticks(range(k), one.classes)
    axes.set(xlabel="named by the network", ylabel="true class")
    axes.grid(False)
    wrong = int(table.sum() - np.trace(table))
    headline(fig, f"{count(wrong)} of {count(len(one))} {one.part} samples are named wrongly", about)
    return fig


def residuals(judged: Judged, about: str) -> Figure:
    """What the network says minus the truth, over what it says, and how these are spread."""
    one = judging(judged)
    fig = sheet(9.5, HEIGHT)
    axes, beside = fig.subplots(1, 2, width_ratios=(3, 1), sharey=True)
    deviations = one.truth.std(axis=0)
    several = one.outputs.shape[1] > 1
    scale = np.where(deviations > 0, deviations, 1) if several else np.ones(1)
    everything = np.concatenate([(j.residuals / scale).ravel() for j in judged.values()])
    bars = np.histogram_bin_edges(everything, int(np.clip(min(map(len, judged.values())) ** 0.5, 8, 30)))
    for part, j in judged.items():
        some = _some(len(j))
        said, rest = (a / scale for a in (j.outputs, j.residuals))
        axes.plot(
            said[some].ravel(), rest[some].ravel(), "o", color=HUES[part], markersize=4, alpha=0.6, label=part
        )
        beside.hist(
            rest.ravel(), bars, orientation="horizontal", density=True, histtype="step", color=HUES[part]
        )
    for a in (axes, beside):
        a.axhline(0, color=theme().ink, linewidth=0.6 * theme().line)
    unit = ", in deviations of each target" if several else ""
    axes.set(xlabel=f"{_name(one.targets, 0, 'y') if not several else 'targets'} as the network says{unit}",
             ylabel="said − true")  # fmt: skip
    beside.set(xlabel="density")
    fig.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    headline(fig, f"Residuals{_with(one)}", about)
    return fig


def reliability(judged: Judged, about: str) -> Figure:
    """How often what is said with probability p comes true, in bins of p; below it how many samples say p."""
    one = judging(judged)
    fig = sheet(7, 6.6)
    axes, below = fig.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    axes.plot(
        [0, 1], [0, 1], "--", color=theme().faint, linewidth=0.7 * theme().line, label="as often as it says"
    )
    for part, j in judged.items():
        p, y = j.confidence
        found = calibration.bins(p, y)
        axes.plot(
            found.said, found.came, "o-", color=HUES[part], label=f"{part}: ECE {short(j.ece)}", markersize=5
        )
        below.hist(
            p, calibration.BINS, range=(0, 1), histtype="step", color=HUES[part], linewidth=theme().line
        )
    axes.set(ylabel="comes true", ylim=(-0.02, 1.02))
    said = (
        f"probability of '{one.classes[1]}'"
        if one.outputs.shape[1] == 1
        else "probability of the class that is named"
    )
    below.set(xlabel=said, ylabel="samples", yscale="log", xlim=(0, 1))
    axes.legend(loc="upper left")
    headline(fig, f"Smooth calibration error {short(one.smooth_ece)} on the {one.part} part", about)
    return fig


def samples(judged: Judged, about: str) -> Figure:
    """The samples that the network gets most wrong, is least sure of, and gets most right, as images."""
    one = judging(judged)
    rows: dict[str, Any] = {"most wrong": one.worst(SAMPLES), "least sure": one.uncertain(SAMPLES) if one.classes else [],
            "most right": one.best(SAMPLES)}  # fmt: skip
    rows = {name: chosen for name, chosen in rows.items() if len(chosen)}
    fig = sheet(1.25 * SAMPLES + 0.6, 1.75 * len(rows) + 0.7)
    grid = fig.subplots(len(rows), SAMPLES, squeeze=False)
    for line, (name, chosen) in zip(grid, rows.items(), strict=True):
        for axes in line:
            axes.set(xticks=[], yticks=[])
            axes.axis("off")
        line[0].text(-0.15, 0.5, name, rotation=90, ha="right", va="center", transform=line[0].transAxes)
        for axes, at in zip(line, chosen, strict=False):
            shown = one.inputs[at].reshape(one.image)
            axes.imshow(displayed(shown), cmap="gray_r" if theme().page == "white" else "gray")
            axes.set_title(_caption(one, int(at)), fontsize=0.7 * theme().font)
    headline(fig, f"Samples of the {one.part} part: what the network says, and what is true", about)
    return fig


def displayed(image: Array) -> Array:
    """Grey as it is; colours between 0 and 1."""
    if image.ndim == 3 and image.shape[2] == 1:
        return image[:, :, 0]
    if image.ndim == 3:
        low, high = image.min(), image.max()
        spread: Array = (image - low) / (high - low or 1)
        return spread
    return image


def _caption(one: Judgement, at: int) -> str:
    if not one.classes:
        return f"{short(float(one.outputs[at, 0]))}, true {short(float(one.truth[at, 0]))}"
    said = int(one.said[at])
    sure = f" {percent(round(float(one.scores[at, said]), 3))}" if one.probable else ""
    return f"{one.classes[said]}{sure}\ntrue: {one.classes[int(one.truth[at])]}"


def _across(values: Array) -> Array:
    low, high = float(values.min()), float(values.max())
    room = ROOM * (high - low) or 1.0
    return np.linspace(low - room, high + room, FINE)


def _some(number: int) -> slice:
    return slice(None, None, -(-number // DOTS) or 1)


def _hue(code: int) -> str:
    return COLOURS[int(code) % len(COLOURS)]


def _dot(hue: str, label: str) -> Line2D:
    return Line2D([], [], color=hue, marker="o", linestyle="", label=label)


def _name(names: Sequence[str], at: int, other: str) -> str:
    return names[at] if at < len(names) else other


def _with(one: Judgement) -> str:
    """`: rmse 2.1 on the test part`: its first figure."""
    name, value = next(iter(one.figures.items()))
    shown = percent(value) if name == "accuracy" else short(value)
    return f": {name} {shown} on the {one.part} part"
