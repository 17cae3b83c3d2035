"""Images of a data set before anything is trained, each with its target."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from netc.runtime.parameters import Array
from netc.runtime.pictures.answers import displayed
from netc.runtime.pictures.style import headline, sheet, theme

MOST_IMAGES = 64
"""Images that can be told apart on a page."""


def batch(images: Array, targets: Sequence[str], title: str, about: str) -> Figure:
    """Of `images` (N, height, width) or (N, height, width, channels), not too many of them."""
    across = math.ceil(math.sqrt(2 * len(images)))
    down = -(-len(images) // across)
    fig = sheet(1.05 * across + 0.4, 1.3 * down + 0.8)
    grid = fig.subplots(down, across, squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.axis("off")
    for axes, image, target in zip(grid.flat, images, targets, strict=False):
        axes.imshow(displayed(image), cmap="gray_r" if theme().page == "white" else "gray")
        axes.set_title(target, fontsize=0.75 * theme().font)
    headline(fig, title, about)
    return fig
