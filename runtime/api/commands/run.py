"""`netc run FILE`: trains, shows how it goes, keeps everything in a folder, says what came out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netc import sweep_run
from netc.command_line import BROKEN_OFF, DONE, INTERRUPTED, NOT_AS_EXPECTED
from netc.commands.options import FOLDER, NET_FILE, lanes, overrides, training_options
from netc.commands.plot import need_matplotlib, pictures
from netc.kept_run import fingerprint, manifest_of, new_folder
from netc.one_run import Run, say_how_to_go_on, train

if TYPE_CHECKING:
    from netc.kept_run import Manifest
    from netc.runtime.parameters import Array
    from netc.runtime.results.folder import RunFolder
    from netc.runtime.results.result import Result
    from netc.runtime.session import Session


@click.command("run")
@click.argument("file", type=NET_FILE, required=False)
@training_options
@click.option(
    "--out", type=FOLDER, default=Path("runs"), show_default=True, help="Where the run's folder is made."
)
@click.option("--plot", is_flag=True, help="Draw the run's pictures into its folder, as `netc plot` does.")
@click.option("--resume", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="RUN",
              help="Go on with an interrupted run from its checkpoint; FILE may be left out.")  # fmt: skip
@click.option("--on", "where", metavar="dask[://HOST:PORT]",
              help="Spread runs, points of a sweep and folds over the workers of a Dask cluster; without an address over "
                   "the cores of this machine.")  # fmt: skip
def command(
    file: Path | None,
    out: Path,
    plot: bool,
    resume: Path | None,
    where: str | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:  # fmt: skip
    """Train what FILE says.

    Everything about the run is kept in a folder: the file with every default written out, the history, the
    parameters, the summary. Ctrl-C ends a run with what was trained so far and leaves a checkpoint.
    """
    changed, width = overrides(options), lanes(options)
    if plot:
        need_matplotlib()
    if resume is not None and (resume / "points").is_dir():
        return _swept(sweep_run.resumed(resume, file, changed, width, quiet, where or ""), plot, as_json)
    if resume is None:
        if file is None:
            raise click.UsageError("which FILE?")
        session = _opened(file, changed, out, width, quiet, spread=bool(where))
        if session.spec.finder is not None:
            from netc import finder_run

            return finder_run.run(session, changed, out, plot, as_json, where or "")
        if session.spec.sweep is not None:
            return _swept(sweep_run.begin(session, changed, out, quiet, where or ""), plot, as_json)
        run = Run(session, new_folder(session, changed, out), None, session.file.source.name)
    else:
        run, changed = _resumed(resume, file, changed, width, quiet)
        if where and not run.folder.has_pieces:
            raise click.UsageError(f"--on: '{resume}' was begun in one place, and goes on there")
    if where or run.folder.has_pieces:
        result, failed = _spread(run, changed, where or "")
    else:
        result, failed = train(run, quiet), False
    _draw(run.folder.path, result.interrupted, plot)
    _tell(run, result, as_json, quiet)
    return BROKEN_OFF if failed else _status(result)


def _opened(
    file: Path, changed: dict[str, str | float], out: Path, lanes: int, quiet: bool, spread: bool
) -> Session:
    """SpecError or UsageError where it cannot train; `spread`: over the workers of a cluster."""
    from netc.runtime.opening import open_session

    session = open_session(read(file), changed, lanes=lanes)
    warn(session, quiet)
    session.require_target()
    session.require_room(out)
    if spread:
        from netc import cluster_run

        cluster_run.require_spreadable(session)
    return session


def _spread(run: Run, changed: dict[str, str | float], where: str) -> tuple[Result, bool]:
    """In pieces, over workers, and whether some have failed; nothing is left of a run that they cannot begin."""
    from netc import pieces_run

    try:
        result, stopped = pieces_run.run(run, changed, where)
        return result, result.interrupted and not stopped
    except BaseException:
        if not any(run.folder.pieces.glob("*")):
            shutil.rmtree(run.folder.path, ignore_errors=True)
        raise


def _swept(sweeping: sweep_run.Sweeping, plot: bool, as_json: bool) -> int:
    from netc.sweep_table import tell

    result = sweep_run.run(sweeping)
    _draw(sweeping.folder.path, result.interrupted, plot)
    tell(sweeping, result, as_json)
    return sweep_run.status(result)


def _draw(folder: Path, interrupted: bool, plot: bool) -> None:
    if plot and not interrupted:
        pictures([folder], (), folder, "png")


def begun_here(path: Path, lanes: int) -> Manifest:
    """The manifest of what was begun; UsageError where it cannot go on with this netc, these vectors."""
    from netc import __version__
    from netc.runtime.devices.simd_llvm import has_fma
    from netc.runtime.results.folder import RunFolder

    before = manifest_of(RunFolder(path))
    if (by := before.versions["netc"]) != __version__:
        raise click.UsageError(f"'{path}' was begun with netc {by}, this is {__version__}: run it anew")
    if lanes not in (0, before.lanes) or has_fma() != before.fma:
        had = f"{before.lanes} lanes{', fused' if before.fma else ''}"
        raise click.UsageError(f"'{path}' was begun with other vectors ({had}), so the bits would be others")
    return before


def checkpoint_of(folder: RunFolder) -> dict[str, Array] | None:
    """UsageError where it is damaged."""
    try:
        return folder.read_checkpoint()
    except (OSError, ValueError) as error:
        raise click.UsageError(f"'{folder.path}' cannot be resumed: {error}") from None


def _resumed(
    path: Path, file: Path | None, changed: dict[str, str | float], lanes: int, quiet: bool
) -> tuple[Run, dict[str, str | float]]:
    """And what was changed in the file from outside."""
    from netc.runtime import opening
    from netc.runtime.results.folder import RunFolder

    folder, before = RunFolder(path), begun_here(path, lanes)
    origin = file or before.file
    checkpoint = checkpoint_of(folder)
    if checkpoint is None and not folder.has_pieces:
        raise click.UsageError(f"'{path}' cannot be resumed: {folder.way_on}")
    if not origin.exists():
        raise click.UsageError(f"'{origin}', which the run began with, is not there; give the FILE")
    merged = {**before.overrides, **changed}
    session = opening.open_session(read(origin), merged, lanes=before.lanes)
    warn(session, quiet)
    if fingerprint(session) != before.program:
        raise click.UsageError(f"'{path}' was begun with another file, other settings or other data")
    return Run(session, folder, checkpoint, before.given), merged


def read(file: Path) -> Any:
    """The parsed file; its name in messages is the path as it was given."""
    from netc.runtime.program_file import read_file

    try:
        return read_file(file)
    except OSError as error:
        raise click.UsageError(f"'{file}' cannot be read: {error.strerror}") from None


def warn(session: Session, quiet: bool) -> None:
    from netc.compiler.pipeline import to_warnings
    from netc.dsl.diagnostics import render

    if not quiet and (warnings := to_warnings(session.spec)):
        click.echo(render(warnings), err=True)


def _tell(run: Run, result: Result, as_json: bool, quiet: bool) -> None:
    from netc.summary import summary

    if as_json:
        click.echo(json.dumps(result.summary, allow_nan=False))
    else:
        click.echo(summary(run.session, result))
    if result.interrupted and not quiet and run.folder.can_go_on:
        say_how_to_go_on(run.folder.path)


def _status(result: Result) -> int:
    from netc.runtime.training.outcomes import CUT_SHORT

    if result.interrupted:
        return INTERRUPTED
    if set(result.stopped) <= {*CUT_SHORT}:
        return BROKEN_OFF
    return DONE if all(v.holds for v in result.expect) else NOT_AS_EXPECTED
