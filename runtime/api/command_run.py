"""`netc run FILE`: trains, shows how it goes, keeps everything in a folder, says what came out."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netc.command_plot import need_matplotlib, pictures
from netc.commands import DIVERGED, DONE, INTERRUPTED, NOT_AS_EXPECTED
from netc.options import FOLDER, NET_FILE, overrides, training_options

if TYPE_CHECKING:
    from netc.progress import Quiet
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
def command(
    file: Path | None, out: Path, plot: bool, resume: Path | None, as_json: bool, quiet: bool, **options: Any
) -> int:
    """Train what FILE says.

    Everything about the run is kept in a folder: the file with every default written out, the history, the
    parameters, the summary. Ctrl-C ends a run with what was trained so far and leaves a checkpoint.
    """
    changed = overrides(options)
    if plot:
        need_matplotlib()
    if resume is None:
        if file is None:
            raise click.UsageError("which FILE?")
        run = _begin(file, changed, out, quiet)
    else:
        run = _resumed(resume, file, changed, quiet)
    result = _train(run, quiet)
    if plot and not result.interrupted:
        pictures([run.folder.path], (), run.folder.path, "png")
    _tell(run, result, as_json, quiet)
    return _status(result)


@dataclass(frozen=True)
class _Run:
    session: Session
    folder: RunFolder
    checkpoint: dict[str, Array] | None


def _begin(file: Path, changed: dict[str, str | float], out: Path, quiet: bool) -> _Run:
    from netc.runtime.session import open_session

    session = open_session(read(file), changed)
    warn(session, quiet)
    session.require_target()
    session.require_room(out)
    return _Run(session, _new_folder(session, changed, out), None)


def _new_folder(session: Session, changed: dict[str, str | float], out: Path) -> RunFolder:
    from netc.compiler.meaning.spec_text import spec_text
    from netc.runtime.results import folder as folders

    file = Path(session.file.source.name)
    folder = None
    try:
        folder = folders.RunFolder.create(out, file.stem)
        folder.write_spec(spec_text(session.spec))
        about = {"overrides": changed, "program": fingerprint(session), "data": _data(session)}
        folder.write_manifest(folders.manifest(str(file.absolute()), sys.argv, **about))
    except OSError as error:
        if folder is not None:
            shutil.rmtree(folder.path, ignore_errors=True)
        reason = error.strerror or error
        raise click.UsageError(f"cannot write to '{out}': {reason}; --out names another place") from None
    return folder


def keep(session: Session, changed: dict[str, str | float], out: Path, result: Result) -> None:
    """The folder of a run that is over."""
    folder = _new_folder(session, changed, out)
    folder.write_result(replace(result, folder=folder.path), session.program, session.scalers())


def _resumed(path: Path, file: Path | None, changed: dict[str, str | float], quiet: bool) -> _Run:
    from netc import __version__
    from netc.runtime import session as sessions
    from netc.runtime.results.folder import RunFolder

    folder = RunFolder(path)
    try:
        manifest = folder.read_manifest()
        before = {**manifest["overrides"]}
        origin = file or Path(manifest["file"])
        by = str(manifest["versions"]["netc"])
    except (OSError, ValueError, KeyError, TypeError):
        raise click.UsageError(
            f"'{path}' is not the folder of a run: it has no readable manifest.json"
        ) from None
    if by != __version__:
        raise click.UsageError(f"'{path}' was begun with netc {by}, this is {__version__}: run it anew")
    try:
        checkpoint = folder.read_checkpoint()
    except (OSError, ValueError) as error:
        raise click.UsageError(f"'{path}' cannot be resumed: {error}") from None
    if checkpoint is None:
        raise click.UsageError(f"'{path}' has no checkpoint: the run came to its end, or never began")
    if not origin.exists():
        raise click.UsageError(f"'{origin}', which the run began with, is not there; give the FILE")
    session = sessions.open_session(read(origin), {**before, **changed})
    warn(session, quiet)
    if fingerprint(session) != manifest.get("program"):
        raise click.UsageError(f"'{path}' was begun with another file, other settings or other data")
    return _Run(session, folder, checkpoint)


def read(file: Path) -> Any:
    """The parsed file; its name in messages is the path as it was given."""
    from netc.runtime.session import read_file

    try:
        return read_file(file)
    except OSError as error:
        raise click.UsageError(f"'{file}' cannot be read: {error.strerror}") from None


def warn(session: Session, quiet: bool) -> None:
    from netc.dsl.diagnostics import render

    if session.spec.warnings and not quiet:
        click.echo(render(session.spec.warnings), err=True)


def fingerprint(session: Session) -> str:
    """Of all that decides the bits of a training."""
    data = session.data.digest if session.data else ""
    return hashlib.sha256(f"{session.program!r} {session.spec.data!r} {data}".encode()).hexdigest()


def _data(session: Session) -> dict[str, Any]:
    if session.data is None:
        return {}
    sizes = {"train": len(session.data.train), "test": len(session.data.test)}
    return {
        "source": session.data.source,
        "sha256": session.data.digest,
        "samples": sizes,
        "columns": list(session.data.input_names),
        "target_columns": list(session.data.target_names),
        "classes": list(session.targets.classes),
    }


def watching(session: Session, quiet: bool) -> Quiet:
    from netc.progress import watcher
    from netc.runtime.training.train import total_steps

    total, per_epoch = total_steps(session.program, len(session.data.train) if session.data else 1)
    return watcher(quiet, total / per_epoch, session.metric.kind if session.metric else "")


def _train(run: _Run, quiet: bool) -> Result:
    session, folder = run.session, run.folder
    with watching(session, quiet) as watch:
        watch.checkpoint = _Checkpoints(folder, quiet)  # type: ignore[method-assign]
        _, result = session.train(watch, run.checkpoint, folder.rows)
    result = replace(result, file=session.file.source.name, folder=folder.path)
    try:
        verdicts = session.verdicts(result)
    except BaseException:
        _written(run, result)  # what was trained outlives a verdict that is interrupted or cannot be had
        raise
    return _written(run, replace(result, expect=verdicts))


def _written(run: _Run, result: Result) -> Result:
    from netc.runtime.interrupt import Interrupt

    try:
        with Interrupt():  # who presses Ctrl-C twice gets what was trained all the same
            run.folder.write_result(result, run.session.program, run.session.scalers())
    except OSError as error:
        click.echo(f"the results cannot be written: {error.strerror or error}", err=True)
        return replace(result, interrupted=True)
    return result


class _Checkpoints:
    """Writes them; a disk that is full is said once and does not end the training."""

    def __init__(self, folder: RunFolder, quiet: bool) -> None:
        self.folder, self.silent = folder, quiet

    def __call__(self, arrays: dict[str, Array]) -> None:
        try:
            self.folder.write_checkpoint(arrays)
        except OSError as error:
            if not self.silent:
                click.echo(f"no checkpoint could be written: {error.strerror or error}", err=True)
            self.silent = True


def _tell(run: _Run, result: Result, as_json: bool, quiet: bool) -> None:
    from netc.summary import summary

    if as_json:
        click.echo(json.dumps(result.summary, allow_nan=False))
    else:
        click.echo(summary(run.session, result))
    if result.interrupted and not quiet:
        click.echo(f"interrupted; to go on: netc run --resume {run.folder.path}", err=True)


def _status(result: Result) -> int:
    if result.interrupted:
        return INTERRUPTED
    if result.diverged.all():
        return DIVERGED
    return DONE if all(v.holds for v in result.expect) else NOT_AS_EXPECTED
