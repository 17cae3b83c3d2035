"""`netc run` of a file with a sweep: point after point, each with a folder of its own, and the table at the end."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netc.command_line import BROKEN_OFF, DONE, INTERRUPTED, NOT_AS_EXPECTED

if TYPE_CHECKING:
    from netc.cluster_run import Spreading
    from netc.runtime.parameters import Array
    from netc.runtime.results.sweep_folder import SweepFolder
    from netc.runtime.results.sweep_result import Point, SweepResult
    from netc.runtime.session import Session

APART = 5.0
"""Seconds between two lines that say how far it is."""


@dataclass(frozen=True)
class Sweeping:
    """What is to be done: the session of the file, and what was asked for beside it."""

    session: Session
    changed: dict[str, str | float]
    folder: SweepFolder
    name: str
    quiet: bool
    where: str = ""
    """Of the workers that train its points; empty: this process."""


def begin(
    session: Session, changed: dict[str, str | float], out: Path, quiet: bool, where: str = ""
) -> Sweeping:
    from netc.kept_run import new_folder
    from netc.runtime.results.sweep_folder import SweepFolder

    folder = new_folder(session, changed, out, fingerprint(session, changed))
    return Sweeping(session, changed, SweepFolder(folder.path), session.file.source.name, quiet, where)


def resumed(
    path: Path, file: Path | None, changed: dict[str, str | float], lanes: int, quiet: bool, where: str = ""
) -> Sweeping:
    from netc.commands.run import begun_here, read, warn
    from netc.runtime import opening
    from netc.runtime.results.sweep_folder import SweepFolder

    before = begun_here(path, lanes)
    origin, merged = file or before.file, {**before.overrides, **changed}
    if not origin.exists():
        raise click.UsageError(f"'{origin}', which the sweep began with, is not there; give the FILE")
    session = opening.open_session(read(origin), merged, lanes=before.lanes)
    warn(session, quiet)
    if session.spec.sweep is None or fingerprint(session, merged) != before.program:
        raise click.UsageError(f"'{path}' was begun with another file, other settings or other data")
    return Sweeping(session, merged, SweepFolder(path), before.given, quiet, where)


def fingerprint(session: Session, changed: dict[str, str | float]) -> str:
    """Of all that decides the bits of its points but the vectors of the processor."""
    from netc.compiler.meaning.findings import Report
    from netc.compiler.meaning.gather import gather
    from netc.kept_run import fingerprint as of_first

    file = session.file
    own = [table.own for table in gather(file.program, file.folder, Report()).tables]  # also of files it uses
    kept = f"{file.program!r} {own!r} {sorted(changed.items())!r} {of_first(session)}"
    if session.spec.sweep and session.spec.sweep.by == "tpe":
        from netc.runtime.tpe import optuna_version

        kept += f" optuna {optuna_version(session.spec.sweep)}"
    return hashlib.sha256(kept.encode()).hexdigest()


def run(sweeping: Sweeping) -> SweepResult:
    """All points that are not done yet. Ctrl-C keeps what is, and the checkpoint of the point under way."""
    from netc.dsl.diagnostics import SpecError
    from netc.runtime import sweep as sweeps

    done: list[Point] = []
    failed: list[tuple[int, str]] = []
    total, spoke = sweeps.total(sweeping.session), time.monotonic()
    try:
        for point in _points(sweeping, failed):
            done.append(point)
            if not sweeping.quiet and time.monotonic() - spoke > APART:
                click.echo(f"{len(done)} of {total} points", err=True)
                spoke = time.monotonic()
    except KeyboardInterrupt:
        return _written(sweeping, done, failed, interrupted=True)
    except click.UsageError:
        if not (sweeping.folder.path / "points").exists():
            shutil.rmtree(sweeping.folder.path, ignore_errors=True)  # the workers were not to be had
        raise
    except SpecError:
        _written(
            sweeping, done, failed, interrupted=True
        )  # what is done outlives a point that cannot be trained
        raise
    return _written(sweeping, done, failed, interrupted=bool(failed))


def _written(
    sweeping: Sweeping, done: list[Point], failed: list[tuple[int, str]], interrupted: bool
) -> SweepResult:
    """What there is, judged and in its folder."""
    from netc.runtime import saved
    from netc.runtime import sweep as sweeps
    from netc.runtime.fold_ensemble import with_fold_ensemble
    from netc.runtime.results.sweep_result import SweepResult

    def end_of(point: Point) -> tuple[Array, Array]:
        kept = saved.read(sweeping.folder.point(point.number))
        return kept.theta, kept.states

    session = sweeping.session
    assert session.spec.sweep is not None
    figure, _ = sweeps.figure_of(session)
    in_order, others = sorted(done, key=lambda point: point.number), tuple(sorted(failed))
    found = SweepResult(session.spec.sweep, figure, tuple(in_order), interrupted, sweeping.name)
    found = replace(found, folder=sweeping.folder.path, failed=others)
    found = with_fold_ensemble(
        session, found, lambda p: sweeps.session_at(session, p.values, sweeping.changed), end_of
    )
    found = replace(found, expect=sweeps.verdicts(session, found))
    sweeping.folder.write_result(found)
    return found


def _points(sweeping: Sweeping, failed: list[tuple[int, str]]) -> Iterator[Point]:
    """Those that are done as they were kept, the others as they are trained. Raises KeyboardInterrupt."""
    from netc.runtime import sweep as sweeps
    from netc.runtime.results.sweep_result import Point, worth_of

    session = sweeping.session
    assert session.spec.sweep is not None
    if session.spec.sweep.by == "halving":
        from netc.halving_run import points

        yield from points(sweeping, failed)
        return
    judged, done = sweeps.figure_of(session)[0], dict[int, dict[str, Any]]()

    def worth(number: int) -> float:
        return worth_of(judged, done[number])

    numbers = count(1)
    with ExitStack() as stack:
        elsewhere: Spreading | None = None
        for together in sweeps.rounds_of(session.spec.sweep, worth):
            missing = []
            for values in together:
                at = next(numbers)
                figures = kept_figures(sweeping, at)
                if figures is None and sweeping.where:
                    missing.append((at, values))
                    continue
                figures = done[at] = figures or _trained_here(sweeping, at, values)
                yield Point(at, values, figures)
            if missing and elsewhere is None:
                from netc import cluster_run

                elsewhere = stack.enter_context(cluster_run.spreading(sweeping))
            if missing and elsewhere:
                for point in _points_elsewhere(sweeping, elsewhere, missing, failed):
                    done[point.number] = point.figures
                    yield point
            if failed:
                return  # a round that is not whole is the last one


def kept_figures(sweeping: Sweeping, at: int) -> dict[str, Any] | None:
    """The figures of a point that is done."""
    from netc.runtime.results.expect_names import blank_scope

    names = frozenset({"steps", *(n for n in blank_scope(sweeping.session).figures if n == "loss(train)")})
    try:
        return sweeping.folder.read(at, names)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _trained_here(sweeping: Sweeping, at: int, values: Any) -> dict[str, Any]:
    from netc.runtime import sweep as sweeps

    return trained(sweeping, at, sweeps.session_at(sweeping.session, values, sweeping.changed))


def _points_elsewhere(
    sweeping: Sweeping, elsewhere: Spreading, missing: list[tuple[int, Any]], failed: list[tuple[int, str]]
) -> Iterator[Point]:
    """In the order in which workers are done with them; those that fail are said at once, and noted."""
    from netc.compiler.check.several.sweep import described
    from netc.runtime.results.sweep_result import Point

    values, sweep = dict(missing), sweeping.session.spec.sweep
    assert sweep is not None
    for at, lost in elsewhere.points(missing):
        if lost is not None:
            failed.append((at, lost.why))
            which = ", ".join(f"{name} = {value}" for name, value in described(values[at], sweep).items())
            click.echo(f"netc: point {at} ({which}) failed on a worker: {lost.why}", err=True)
            continue
        figures = kept_figures(sweeping, at)
        assert figures is not None
        yield Point(at, values[at], figures)


def trained(
    sweeping: Sweeping,
    at: int,
    session: Session,
    command: Sequence[str] | None = None,
    known_as: Path | None = None,
) -> dict[str, Any]:
    """A point, into its folder; what a checkpoint there holds is not done again. On a worker: by the command of
    another process, which knows the folder by this path."""
    from netc.commands.run import checkpoint_of
    from netc.kept_run import fill_folder, fingerprint
    from netc.one_run import Run, train
    from netc.runtime import sweep as sweeps
    from netc.runtime.results.folder import RunFolder

    folder = RunFolder(sweeping.folder.point(at))
    folder.path.mkdir(parents=True, exist_ok=True)
    if not (folder.path / "manifest.json").exists():
        fill_folder(folder, session, sweeping.changed, fingerprint(session), command)
    run = Run(session, folder, checkpoint_of(folder), sweeping.name, known_as)
    result = train(run, True, told=False)
    if result.interrupted:
        raise KeyboardInterrupt
    figures = sweeps.figures_of(session, result)
    sweeping.folder.write(at, figures)
    return figures


def status(result: SweepResult) -> int:
    if result.failed:
        return BROKEN_OFF
    if result.interrupted:
        return INTERRUPTED
    if all(row.runs("diverged").all() for row in result.rows):
        return BROKEN_OFF
    return DONE if all(v.holds for v in result.expect) else NOT_AS_EXPECTED
