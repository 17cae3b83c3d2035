"""`netc plot RUN...`: the pictures of a run, or of several side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netc.command_line import DONE
from netc.commands.options import FOLDER

if TYPE_CHECKING:
    from netc.runtime.pictures.course import Course
    from netc.runtime.results.folder_reader import Kept
    from netc.runtime.results.judgement import Judgement
    from netc.runtime.results.sweep_reader import KeptSweep

KINDS = (
    "curves", "fit", "boundary", "confusion", "residuals", "reliability", "samples", "surface", "basins", "growth", "shares",
    "boxes", "scatter", "histogram", "axis", "heatmap", "parallel", "bands",
)  # fmt: skip
ANSWERS = {"fit", "boundary", "confusion", "residuals", "reliability", "samples"}
"""These ask the model."""
MISSING = 'pictures are drawn by matplotlib, which is not installed: pip install "netc[plot]"'
CENTIMETRES = 2.54
"""In an inch."""


@click.command("plot")
@click.argument(
    "runs", type=click.Path(exists=True, file_okay=False, path_type=Path), nargs=-1, required=True
)
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True,
              help="Only this picture; may be repeated. By default all that the runs allow.")  # fmt: skip
@click.option("--figure", "figures", multiple=True, metavar="NAME",
              help="A panel of `curves`: loss, accuracy, r2, gradient_norm, ...; may be repeated. By default those that the "
                   "file monitors.")  # fmt: skip
@click.option("--style", "look", type=click.Choice(["screen", "slide", "paper", "dark"]),
              default="screen", show_default=True,
              help="slide: 16:9, large letters; paper: small ones, no title; dark: on black.")  # fmt: skip
@click.option(
    "--width", type=click.FloatRange(min=4, max=200), metavar="CM", help="Of each picture, in centimetres."
)
@click.option(
    "--out", type=FOLDER, help="Where they go; by default the run's folder, of several `comparison`."
)
@click.option("--format", "form", type=click.Choice(["png", "svg", "pdf"]), default="png", show_default=True,
              help="Of the files.")  # fmt: skip
def command(
    runs: tuple[Path, ...], kinds: tuple[str, ...], figures: tuple[str, ...], look: str, width: float | None,
    out: Path | None, form: str,
) -> int:  # fmt: skip
    """Draw what the folders of runs hold; with several folders each picture compares them.

    \b
    curves       loss, accuracy, ... against the epochs; two runs from one start: how far apart they are
    fit          the network over the samples, of one input
    boundary     which class where, of two inputs
    confusion    true classes against those that are named
    residuals    what the network says minus the truth
    reliability  how often what is said with probability p comes true
    samples      images: most wrong, least sure, most right
    surface      level lines of an objective of two numbers, and where some starts go
    basins       which start ends where, a map for each folder
    growth       from which starts a monitored function grows, a map for each folder
    shares       how the runs end, a bar for each folder
    boxes        final losses and iterations: quartiles and density
    scatter      iterations against final loss, a dot for each run
    histogram    how final losses are spread
    axis         of a sweep over one name: the figure at each value, of every part of the data
    heatmap      of a sweep over two names: the figure at each pair of values
    parallel     of a sweep over more names: a line for each point through its values
    bands        of a sweep: the figure at the best points, median and quartiles over seeds

    Several runs in one folder: fit to samples are of the first.
    """
    need_matplotlib()
    place = out or (runs[0] if len(runs) == 1 else Path("comparison"))
    inches = None if width is None else width / CENTIMETRES
    for path in pictures(runs, kinds, place, form, figures, look, inches):
        click.echo(path)
    return DONE


def need_matplotlib() -> None:
    """Before anything else is done."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise click.UsageError(MISSING)


def pictures(
    runs: Sequence[Path], kinds: Sequence[str], out: Path, form: str, figures: Sequence[str] = (), look: str = "screen",
    width: float | None = None,
) -> list[Path]:  # fmt: skip
    """The files made of these runs, all that apply or those of the given kinds."""
    from netc.runtime.pictures.choose import applying, draw
    from netc.runtime.pictures.curves import figures_of
    from netc.runtime.pictures.material import Material
    from netc.runtime.results.folder_reader import Unreadable, each
    from netc.runtime.results.sweep_reader import is_sweep

    try:
        if any(map(is_sweep, runs)):
            return _of_sweep(
                runs, kinds, figures, lambda sweep, drawn: draw(sweep, drawn, out, form, look, width)
            )
        kept = list(each(runs))
    except Unreadable as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write to '{out}': {error.strerror or error}") from None
    _require(figures, figures_of(kept), "figure")
    judged = judged_of(kept) if not kinds or ANSWERS & {*kinds} else {}
    apart = apart_of(kept) if not kinds or "curves" in kinds else None
    material = Material(kept, tuple(figures), apart, judged)
    possible = tuple(applying(material))
    _require(kinds, possible, "picture")
    try:
        return list(draw(material, kinds or possible, out, form, look, width))
    except OSError as error:
        raise click.UsageError(f"cannot write to '{out}': {error.strerror or error}") from None


def _of_sweep(
    runs: Sequence[Path],
    kinds: Sequence[str],
    figures: Sequence[str],
    drawn: Callable[[KeptSweep, Sequence[str]], Iterable[Path]],
) -> list[Path]:
    """Raises Unreadable, OSError."""
    from netc.runtime.pictures.choose import applying_to_sweep
    from netc.runtime.results.sweep_reader import read

    if len(runs) > 1 or figures:
        raise click.UsageError("a sweep is drawn by itself, with the figure that its points are sorted by")
    sweep = read(runs[0])
    possible = tuple(applying_to_sweep(sweep))
    _require(kinds, possible, "picture")
    return [*drawn(sweep, kinds or possible)]


def _require(wanted: Sequence[str], possible: Sequence[str], what: str) -> None:
    for one in wanted:
        if one not in possible:
            raise click.UsageError(f"no {what} '{one}' here; there is {', '.join(possible) or 'none'}")


def judged_of(kept: Sequence[Kept]) -> Mapping[str, Judgement]:
    """What the model of one folder says of its data; with a message where these cannot be had."""
    from netc.dsl.diagnostics import SpecError
    from netc.judge import judge_parts
    from netc.model import load

    if len(kept) != 1 or kept[0].problem is not None:
        return {}
    try:
        return judge_parts(load(kept[0].path))
    except SpecError as error:
        reason = error.diagnostics[0].message
    except (ValueError, OSError) as error:
        reason = str(error)
    click.echo(f"netc: no pictures of what the model says: {reason}", err=True)
    return {}


def apart_of(kept: Sequence[Kept]) -> Course | None:
    """Of two runs from one start, which are trained again for it; with a message where that cannot be."""
    from netc.dsl.diagnostics import SpecError
    from netc.runs_apart import NotAlike, apart

    if len(kept) != 2:
        return None
    try:
        return apart(kept[0], kept[1])
    except SpecError as error:
        reason = error.diagnostics[0].message
    except NotAlike as error:
        reason = str(error)
    click.echo(f"netc: no panel of how far apart they are: {reason}", err=True)
    return None
