"""`netc report RUN...`: one HTML file that tells of runs to somebody else."""

from __future__ import annotations

from pathlib import Path

import click

from netc.command_line import DONE
from netc.commands.plot import need_matplotlib
from netc.commands.predict import model_of, write


@click.command("report")
@click.argument(
    "runs", type=click.Path(exists=True, file_okay=False, path_type=Path), nargs=-1, required=True
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="The file; by default report.html in the run's folder, of several in `comparison`.")  # fmt: skip
@click.option("--title", help="By default what was run.")
def command(runs: tuple[Path, ...], out: Path | None, title: str | None) -> int:
    """Write one HTML file about the folders RUNS: equations, data, figures, pictures, verdicts, warnings, the machine, the
    whole file, and how to do it again. It has no script, and fetches nothing.
    """
    need_matplotlib()
    from netc.html_report import MISSING, html, told
    from netc.runtime.results.folder_reader import Unreadable, each

    try:
        kept = list(each(runs))
        told_of = [told(one, model_of(one.path)) for one in kept]
        text = html(told_of, title or ", ".join(dict.fromkeys(one.name for one in kept)))
    except Unreadable as error:
        raise click.UsageError(str(error)) from None
    except ImportError:
        raise click.UsageError(MISSING) from None
    place = out or (runs[0] if len(runs) == 1 else Path("comparison")) / "report.html"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"'{place}' cannot be written: {error.strerror or error}") from None
    write(place, text.encode())
    click.echo(place)
    return DONE
