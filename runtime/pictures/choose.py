"""Which pictures a run, or several beside each other, can have; drawing them into files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from netc.runtime.pictures import curves, plane, spread
from netc.runtime.pictures.style import style
from netc.runtime.results.folder_reader import Kept

SOME, MANY = 5, 20
"""Runs that make box plots; that make a histogram, a scatter plot or a map."""


@dataclass(frozen=True)
class Picture:
    """`applies` is asked for the folders together; `draw` is called where it holds."""

    applies: Callable[[Sequence[Kept]], bool]
    draw: Callable[[Sequence[Kept]], Figure]


def _each(condition: Callable[[Kept], bool]) -> Callable[[Sequence[Kept]], bool]:
    return lambda kept: all(map(condition, kept))


def _survivors(least: int) -> Callable[[Kept], bool]:
    return lambda one: len(spread.finite(one, "loss_train")) >= least


def _same_plane(kept: Sequence[Kept]) -> bool:
    return all(one.planar and one.count >= MANY for one in kept) and len({one.setup for one in kept}) == 1


PICTURES = {
    "curves": Picture(lambda kept: any(map(curves.has_curves, kept)), curves.curves),
    "surface": Picture(lambda kept: len(kept) == 1 and kept[0].planar, plane.surface),
    "basins": Picture(_same_plane, plane.basins),
    "growth": Picture(lambda kept: _same_plane(kept) and all(map(plane.watched, kept)), plane.growth),
    "shares": Picture(lambda kept: len(kept) > 1 and all(one.count >= MANY for one in kept), spread.shares),
    "boxes": Picture(_each(_survivors(SOME)), spread.boxes),
    "scatter": Picture(
        lambda kept: _each(_survivors(MANY))(kept) and spread.varies(kept, "steps"), spread.scatter
    ),
    "histogram": Picture(_each(_survivors(MANY)), spread.histogram),
}
"""In the order in which they are made."""


def applying(kept: Sequence[Kept]) -> Iterator[str]:
    return (name for name, picture in PICTURES.items() if picture.applies(kept))


def draw(kept: Sequence[Kept], kinds: Iterable[str], folder: Path, form: str) -> Iterator[Path]:
    """Writes `folder/KIND.form` for each kind, one after the other. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        path = folder / f"{kind}.{form}"
        with style():
            # Without the date the same run gives the same file.
            undated = {} if form == "png" else {"Date": None} if form == "svg" else {"CreationDate": None}
            PICTURES[kind].draw(kept).savefig(path, format=form, bbox_inches="tight", metadata=undated)
        yield path
