"""The picture of a finder: the loss against the rate, and where it falls most steeply."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from netc.runtime.parameters import Array
from netc.runtime.pictures.style import BLUE, HEIGHT, LIGHT, VERMILION, WIDTH, headline, logarithmic, style


def draw(
    file: Path, parameter: str, rates: Array, losses: Array, smoothed: Array, suggestion: Array, setup: str
) -> None:
    """Writes a PNG; of several runs the medians. Raises OSError."""
    with style():
        fig = Figure((WIDTH, HEIGHT))
        axes = fig.add_subplot()
        ended = np.isnan(smoothed).all(axis=0)
        end = int(ended.argmax()) if ended.any() else len(rates)
        seen = slice(end)
        axes.plot(rates[seen], np.nanmedian(losses[:, seen], axis=0), color=LIGHT, label="loss of each batch")
        axes.plot(rates[seen], np.nanmedian(smoothed[:, seen], axis=0), color=BLUE, label="smoothed")
        at = float(np.median(suggestion))
        axes.axvline(at, color=VERMILION, linestyle="--", label=f"steepest at {at:.2g}")
        axes.set_xscale("log")
        logarithmic(axes.xaxis, float(rates[0]), float(rates[end - 1]))
        top = np.nanmax(smoothed)
        axes.set_ylim(top=float(top) * 1.05 if top > 0 else None)
        axes.set_xlabel(parameter)
        axes.set_ylabel("loss")
        axes.legend()
        headline(fig, "Which rate?", setup)
        fig.savefig(file, format="png", bbox_inches="tight", metadata={})
