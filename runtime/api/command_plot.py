"""`netc plot RUN...`: the pictures of a run, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from netc.commands import DONE
from netc.options import FOLDER

KINDS = ("curves", "surface", "basins", "growth", "shares", "boxes", "scatter", "histogram")
MISSING = 'pictures are drawn by matplotlib, which is not installed: pip install "netc[plot]"'


@click.command("plot")
@click.argument(
    "runs", type=click.Path(exists=True, file_okay=False, path_type=Path), nargs=-1, required=True
)
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True,
              help="Only this picture; may be repeated. By default all that the runs allow.")  # fmt: skip
@click.option(
    "--out", type=FOLDER, help="Where they go; by default the run's folder, of several `comparison`."
)
@click.option("--format", "form", type=click.Choice(["png", "svg", "pdf"]), default="png", show_default=True,
              help="Of the files.")  # fmt: skip
def command(runs: tuple[Path, ...], kinds: tuple[str, ...], out: Path | None, form: str) -> int:
    """Draw what the folders of runs hold; with several folders each picture compares them.

    \b
    curves     losses, metric and gradient norm against the epochs; bands over many runs
    surface    level lines of an objective of two numbers, and where some starts go
    basins     which start ends where, a map for each folder
    growth     from which starts a monitored function grows, a map for each folder
    shares     how the runs end, a bar for each folder
    boxes      final losses and iterations as box plots
    scatter    iterations against final loss, a dot for each run
    histogram  how final losses are spread
    """
    need_matplotlib()
    for path in pictures(runs, kinds, out or (runs[0] if len(runs) == 1 else Path("comparison")), form):
        click.echo(path)
    return DONE


def need_matplotlib() -> None:
    """Before anything else is done."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise click.UsageError(MISSING)


def pictures(runs: Sequence[Path], kinds: Sequence[str], out: Path, form: str) -> list[Path]:
    """The files made of these runs, all that apply or those of the given kinds."""
    from netc.runtime.pictures.choose import applying, draw
    from netc.runtime.results.folder_reader import Unreadable, each

    try:
        kept = list(each(runs))
    except Unreadable as error:
        raise click.UsageError(str(error)) from None
    possible = list(applying(kept))
    for kind in kinds:
        if kind not in possible:
            these = "these runs allow" if len(runs) > 1 else "this run allows"
            raise click.UsageError(f"no picture '{kind}' here; {these}: {', '.join(possible) or 'none'}")
    try:
        return list(draw(kept, kinds or possible, out, form))
    except OSError as error:
        raise click.UsageError(f"cannot write to '{out}': {error.strerror or error}") from None
