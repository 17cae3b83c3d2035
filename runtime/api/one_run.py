"""One run of a file, as the commands train it: it is watched, keeps its checkpoints, and fills its folder."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netc.dsl.visible import visible

if TYPE_CHECKING:
    from netc.progress import Quiet
    from netc.runtime.parameters import Array
    from netc.runtime.results.folder import RunFolder
    from netc.runtime.results.result import Result
    from netc.runtime.session import Session


@dataclass(frozen=True)
class Run:
    session: Session
    folder: RunFolder
    checkpoint: dict[str, Array] | None
    name: str
    """The file, as it was given when the run began."""
    known_as: Path | None = None
    """The folder by its path where the command was given, if this is another machine."""


def watching(session: Session, quiet: bool) -> Quiet:
    from netc.progress import watcher
    from netc.runtime.training.task import total_steps

    if session.spec.phases:
        from netc.runtime.phase_plan import legs_of

        epochs = sum(leg.steps / leg.per_epoch for leg in legs_of(session))
    else:
        total, per_epoch = total_steps(session.program, len(session.data.train) if session.data else 1)
        epochs = total / per_epoch
    return watcher(quiet, epochs, session.metric.kind if session.metric else "")


def announced(session: Session, watch: Quiet) -> tuple[str, ...]:
    """What has to be compiled, which is said; nothing on a GPU, where it is not known."""
    from netc.runtime.devices.compile_times import last
    from netc.runtime.devices.load import uncompiled

    parts = uncompiled(session.kernels) if session.spec.training.target == "cpu" else ()
    if parts:
        watch.compiling(parts, last(parts))
    return parts


def train(run: Run, quiet: bool, told: bool = True) -> Result:
    """`told`: whether Ctrl-C is answered with the command that goes on."""
    from netc.runtime.devices.compile_times import note
    from netc.runtime.training.state import Unfit

    session, folder = run.session, run.folder
    try:
        with watching(session, quiet) as watch:
            watch.checkpoint = _Checkpoints(folder, quiet)  # type: ignore[method-assign]
            parts = announced(session, watch)
            _, result = session.train(watch, run.checkpoint, folder.rows)
        if parts:
            note(parts, result.seconds["compile"])
    except Unfit as error:
        raise click.UsageError(f"'{folder.path}' cannot be resumed: {error}") from None
    except KeyboardInterrupt:
        if folder.can_go_on:
            if told:
                say_how_to_go_on(folder.path)
        else:
            shutil.rmtree(folder.path, ignore_errors=True)  # nothing was trained
        raise
    return finished(run, result)


def finished(run: Run, result: Result) -> Result:
    """Of a training that is over: its folder filled, and what the file expects judged."""
    result = replace(result, file=run.name, folder=run.known_as or run.folder.path)
    try:
        verdicts = run.session.verdicts(result)
    except BaseException:
        _written(run, result)  # what was trained outlives a verdict that is interrupted or cannot be had
        raise
    return _written(run, replace(result, expect=verdicts))


def _written(run: Run, result: Result) -> Result:
    from netc.runtime.interrupt import Interrupt

    try:
        with Interrupt():  # who presses Ctrl-C twice gets what was trained all the same
            run.folder.write_result(result, run.session.program, run.session.scalers())
    except OSError as error:
        message = f"the results cannot be written: {error.strerror or error}"
        if place := _elsewhere(run, result):
            click.echo(f"{message}; they are in {visible(str(place))}", err=True)
            return replace(result, folder=place)
        click.echo(message, err=True)
        return replace(result, interrupted=True)
    return result


def _elsewhere(run: Run, result: Result) -> Path | None:
    """A folder of the system's for temporary files, where all of the run is written that its own has no room for."""
    from netc.runtime.results.folder import RunFolder

    try:
        place = Path(tempfile.mkdtemp(prefix="netc-"))
    except OSError:
        return None
    try:
        for name in ("spec.net", "manifest.json"):
            shutil.copyfile(run.folder.path / name, place / name)
        RunFolder(place).write_result(result, run.session.program, run.session.scalers())
    except OSError:
        shutil.rmtree(place, ignore_errors=True)
        return None
    return place


def say_how_to_go_on(folder: Path) -> None:
    with suppress(OSError):  # the terminal may be gone
        click.echo(f"interrupted; to go on: netc run --resume {shlex.quote(str(folder))}", err=True)


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
