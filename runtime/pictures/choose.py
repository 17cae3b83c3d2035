"""Which pictures a run, or several beside each other, can have; drawing them into files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from netc.runtime.pictures import answers, curves, one_axis, plane, spread, sweeps
from netc.runtime.pictures.course import has_curves
from netc.runtime.pictures.course_words import about
from netc.runtime.pictures.material import Material
from netc.runtime.pictures.style import style
from netc.runtime.results.folder_reader import Kept
from netc.runtime.results.judgement import Judgement
from netc.runtime.results.sweep_reader import KeptSweep

SOME, MANY = 5, 20
"""Runs that make box plots; that make a histogram, a scatter plot or a map."""


@dataclass(frozen=True)
class Picture:
    """`draw` is called where `applies` holds."""

    applies: Callable[[Material], bool]
    draw: Callable[[Material], Figure]


def _of_runs(applies: Callable[[Sequence[Kept]], bool], draw: Callable[[Sequence[Kept]], Figure]) -> Picture:
    return Picture(lambda m: applies(m.kept), lambda m: draw(m.kept))


def _of_answers(
    applies: Callable[[Judgement], bool], draw: Callable[[answers.Judged, str], Figure]
) -> Picture:
    """Of one folder whose model could be asked."""
    return Picture(
        lambda m: bool(m.judged) and applies(answers.judging(m.judged)),
        lambda m: draw(m.judged, about(m.kept)),
    )


def _each(condition: Callable[[Kept], bool]) -> Callable[[Sequence[Kept]], bool]:
    return lambda kept: all(map(condition, kept))


def _survivors(least: int) -> Callable[[Kept], bool]:
    return lambda one: len(spread.finite(one, "loss_train")) >= least


def _same_plane(kept: Sequence[Kept]) -> bool:
    return all(one.planar and one.count >= MANY for one in kept) and len({one.setup for one in kept}) == 1


@dataclass(frozen=True)
class SweepPicture:
    """The same of the folder of a sweep."""

    applies: Callable[[KeptSweep], bool]
    draw: Callable[[KeptSweep], Figure]


PICTURES = {
    "curves": Picture(
        lambda m: any(map(has_curves, m.kept)), lambda m: curves.curves(m.kept, m.figures, m.apart)
    ),
    "fit": _of_answers(lambda j: j.inputs.shape[1] == 1 and not j.classes, answers.fit),
    "boundary": _of_answers(
        lambda j: j.inputs.shape[1] == 2 and (bool(j.classes) or j.outputs.shape[1] == 1), answers.boundary
    ),
    "confusion": _of_answers(lambda j: 1 < len(j.classes) <= answers.MOST_CLASSES, answers.confusion),
    "residuals": _of_answers(lambda j: not j.classes, answers.residuals),
    "reliability": _of_answers(lambda j: j.probable, answers.reliability),
    "samples": _of_answers(lambda j: bool(j.image), answers.samples),
    "surface": _of_runs(lambda kept: len(kept) == 1 and kept[0].planar, plane.surface),
    "basins": _of_runs(_same_plane, plane.basins),
    "growth": _of_runs(lambda kept: _same_plane(kept) and all(map(plane.watched, kept)), plane.growth),
    "shares": _of_runs(lambda kept: len(kept) > 1 and all(one.count >= MANY for one in kept), spread.shares),
    "boxes": _of_runs(_each(_survivors(SOME)), spread.boxes),
    "scatter": _of_runs(
        lambda kept: _each(_survivors(MANY))(kept) and spread.varies(kept, "steps"), spread.scatter
    ),
    "histogram": _of_runs(_each(_survivors(MANY)), spread.histogram),
}
"""In the order in which they are made."""
SWEEP_PICTURES = {
    "axis": SweepPicture(one_axis.is_of_numbers, one_axis.axis),
    "heatmap": SweepPicture(lambda s: len(s.axes) == 2, sweeps.heatmap),
    "parallel": SweepPicture(lambda s: len(s.axes) > 2, sweeps.parallel),
    "bands": SweepPicture(lambda s: sweeps.has_courses(s), sweeps.bands),
}
"""Likewise."""


def applying(material: Material) -> Iterator[str]:
    return (name for name, picture in PICTURES.items() if picture.applies(material))


def applying_to_sweep(sweep: KeptSweep) -> Iterator[str]:
    return (name for name, picture in SWEEP_PICTURES.items() if picture.applies(sweep))


def draw(
    material: Material | KeptSweep,
    kinds: Iterable[str],
    folder: Path,
    form: str,
    look: str = "screen",
    width: float | None = None,
) -> Iterator[Path]:
    """Writes `folder/KIND.form` for each kind, one after the other; `width` in inches. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        path = folder / f"{kind}.{form}"
        with style(look, width):
            # Without the date the same run gives the same file.
            undated = {} if form == "png" else {"Date": None} if form == "svg" else {"CreationDate": None}
            _drawn(material, kind).savefig(path, format=form, metadata=undated)
        yield path


def _drawn(material: Material | KeptSweep, kind: str) -> Figure:
    if isinstance(material, KeptSweep):
        return SWEEP_PICTURES[kind].draw(material)
    return PICTURES[kind].draw(material)
