"""`netc run --on dask://HOST:PORT`: points of a sweep, or pieces of many runs, on the workers of a cluster.

A worker trains a point into a folder of its own, with the code that a command has for it, and sends the files back. Samples
travel, other files that the text names have to be where they are here.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netc.dsl.diagnostics import SpecError
from netc.kept_run import checksum, named_in
from netc.runtime.cluster import (
    Failed,
    NoCluster,
    Task,
    about,
    cluster,
    differing,
    held,
    places,
    spread,
    threads_here,
)

if TYPE_CHECKING:
    from distributed import Client

    from netc.commands.run import Run
    from netc.halving_run import Elsewhere
    from netc.runtime.data.dataset import Dataset
    from netc.runtime.program_file import File
    from netc.runtime.results.result import Result
    from netc.runtime.session import Session
    from netc.runtime.training.task import Outcome
    from netc.sweep_run import Sweeping

_alone = threading.Lock()
"""One training at a time in a process: it takes all its threads, and compiles."""
_last: list[tuple[Job, Session]] = []
"""What this worker has opened last."""


@dataclass(frozen=True)
class Job:
    """All that a worker needs beside the samples to open the session that the command has opened."""

    name: str
    text: str
    folder: str
    changed: tuple[tuple[str, str | float], ...]
    lanes: int
    command: tuple[str, ...]
    given: str
    """The file, as the command was given it."""
    beside: tuple[tuple[str, str], ...]
    """Files that the text names beside its data, and their checksums."""
    samples: str
    """Their checksum; empty where there are none."""
    alike: tuple[tuple[str, str], ...]
    """What the bits hang on, as it is here."""


def job_of(session: Session, changed: dict[str, str | float], given: str) -> Job:
    import sys

    file = session.file
    where, lanes = str(file.folder.absolute()), session.machine.lanes
    beside = tuple((path, checksum(path)) for path in named_in(file))
    samples = session.data.digest if session.data else ""
    text, options = file.source.text, (*changed.items(),)
    return Job(
        file.source.name,
        text,
        where,
        options,
        lanes,
        (*sys.argv,),
        given,
        beside,
        samples,
        (*about().items(),),
    )


def require_spreadable(session: Session) -> None:
    """UsageError where workers are of no use."""
    if session.spec.training.target == "cuda":
        raise click.UsageError("--on: workers train on their processors, and the target is 'cuda'")
    if session.spec.finder is not None:
        raise click.UsageError("--on: a finder is one short training, and runs here")
    if session.spec.sweep is not None and session.spec.sweep.by == "tpe":
        raise click.UsageError(
            "--on: 'by = tpe' chooses each point by those before, so they cannot be trained at once"
        )
    if session.spec.sweep is None and session.spec.phases:
        raise click.UsageError("--on: phases hand their runs on, so that they are trained in one place")


# -- on a worker -----------------------------------------------------------------------------------------


def _opened(job: Job, data: Dataset | None) -> Session:
    from netc.runtime.host import share_cores
    from netc.runtime.opening import open_session
    from netc.runtime.program_file import read_text

    share_cores(threads_here())
    if not _last or _last[0][0] != job:
        if others := "; ".join(differing(dict(job.alike), about())):
            raise ValueError(f"a worker that came later would give other bits: {others}")
        for path, known in job.beside:
            if not Path(path).is_file() or checksum(path) != known:
                raise ValueError(f"'{path}' is not there, or another file")
        file = read_text(job.text, job.name, Path(job.folder))
        _last[:] = [(job, open_session(file, dict(job.changed), data, job.lanes))]
    return _last[0][1]


def train_point(
    job: Job, number: int, values: Any, place: str, data: Dataset | None, own: Dataset | None
) -> dict[str, bytes] | Failed:
    """The files of a point, by their names; `own`: its samples where they are not those of the first point. `place` is the
    folder that they go to."""
    from netc.runtime.results.sweep_folder import SweepFolder
    from netc.runtime.sweep import session_at
    from netc.sweep_run import Sweeping, trained

    with _alone, tempfile.TemporaryDirectory(prefix="netc-") as temporary:
        try:
            session, changed = _opened(job, data), dict(job.changed)
            sweeping = Sweeping(session, changed, SweepFolder(Path(temporary)), job.given, True)
            point = session_at(session, values, changed, (lambda file: own) if own is not None else None)
            trained(sweeping, number, point, job.command, Path(place))
        except SpecError as error:
            return Failed(error.diagnostics[0].message)
        folder = sweeping.folder.point(number)
        return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def train_turn(
    job: Job, values: Any, share: int, state: Any, data: Dataset | None, own: Dataset | None
) -> tuple[dict[str, Any], Any] | Failed:
    """By halving: the figures of a point, and its state, at the end of a round that began with a state."""
    from netc.runtime.halving import advanced
    from netc.runtime.sweep import figures_of, session_at

    with _alone:
        try:
            session, changed = _opened(job, data), dict(job.changed)
            point = session_at(session, values, changed, (lambda file: own) if own is not None else None)
            result, end = advanced(point, share, state)
        except SpecError as error:
            return Failed(error.diagnostics[0].message)
        return figures_of(point, result), end


def train_runs(job: Job, first: int, end: int, data: Dataset | None) -> Outcome | Failed:
    """The runs from `first` to before `end`."""
    from netc.runtime.training.task import Watcher
    from netc.runtime.training.train import train

    with _alone:
        try:
            task = replace(_opened(job, data).task, only=(first, end))
            return train(task, Watcher())
        except SpecError as error:
            return Failed(error.diagnostics[0].message)


# -- here ------------------------------------------------------------------------------------------------


def points(
    sweeping: Sweeping, where: str, missing: list[tuple[int, Any]]
) -> Iterator[tuple[int, Failed | None]]:
    """These points trained on the workers and kept in the folder of the sweep, in any order."""
    with _connected(where) as client:
        (sweeping.folder.path / "points").mkdir(exist_ok=True)  # from here on it can be resumed
        yield from spread_points(client, sweeping, missing)


def spread_points(
    client: Client, sweeping: Sweeping, missing: list[tuple[int, Any]]
) -> Iterator[tuple[int, Failed | None]]:
    """The same, of a cluster that is at hand."""
    job = job_of(sweeping.session, sweeping.changed, sweeping.name)
    samples = _Samples(client, sweeping.session)

    def tasks() -> Iterator[Task]:
        for number, values in missing:
            place = str(sweeping.folder.point(number))
            yield number, (job, number, values, place, samples.first, samples.of(values, sweeping.changed))

    for number, found in spread(client, train_point, tasks()):
        if not isinstance(found, Failed):
            sweeping.folder.keep(number, found)
        yield number, found if isinstance(found, Failed) else None


@contextmanager
def rounds(sweeping: Sweeping, where: str) -> Iterator[Elsewhere]:
    """By halving: what brings the points of a round to its end, on the workers."""
    with _connected(where) as client:
        (sweeping.folder.path / "points").mkdir(exist_ok=True)
        job, samples = (
            job_of(sweeping.session, sweeping.changed, sweeping.name),
            _Samples(client, sweeping.session),
        )

        def trained(points: list[tuple[int, Any, int, Any]]) -> Iterator[tuple[int, Any]]:
            changed = sweeping.changed
            tasks = (
                (number, (job, values, share, state, samples.first, samples.of(values, changed)))
                for number, values, share, state in points
            )
            return spread(client, train_turn, tasks)

        yield trained


class _Samples:
    """Sent once to the cluster, whose workers hand them on to each other."""

    def __init__(self, client: Client, session: Session) -> None:
        self.client, self.session = client, session
        self.first = None if session.data is None else held(client, session.data)
        self.others: dict[str, Any] = {}

    def of(self, values: Any, changed: dict[str, str | float]) -> Any:
        """None where they are those of the first point."""
        from netc.compiler.check.sweep import first_point
        from netc.compiler.check.sweep_point import data_of
        from netc.runtime.program_file import read_data
        from netc.runtime.sweep import at

        file, _ = at(self.session, values, changed)
        stated = data_of(file.program)
        if stated == data_of(first_point(self.session.file.program)):
            return None
        key = repr(stated)
        if key not in self.others:
            try:
                self.others[key] = held(self.client, read_data(file))
            except SpecError:
                self.others[key] = None  # the worker says so, and of which point
        return self.others[key]


def runs(run: Run, changed: dict[str, str | float], where: str) -> Result:
    """A training whose runs are spread; those of a piece that fails are named, and stand there as interrupted."""
    from netc.commands.run import finished
    from netc.runtime.ensemble import with_ensemble
    from netc.runtime.training.pieces import failed, joined, pieces
    from netc.runtime.training.state import runs_at_once

    session = run.session
    task, total = session.task, session.spec.training.runs
    with _connected(where) as client:
        job = job_of(session, changed, run.name)
        data = None if session.data is None else held(client, session.data)
        cut = pieces(total, task.kernels.GROUP, places(client))
        tasks = ((at, (job, first, end, data)) for at, (first, end) in enumerate(cut))
        found: dict[int, Any] = dict.fromkeys(range(len(cut)), Failed("interrupted"))
        with suppress(KeyboardInterrupt):
            for at, piece in spread(client, train_runs, tasks):
                found[at] = piece
    for at, (first, end) in enumerate(cut):
        if isinstance(lost := found[at], Failed):
            which = f"run {first}" if end == first + 1 else f"the runs {first} to {end - 1}"
            click.echo(f"netc: {which} failed on a worker: {lost.why}", err=True)
    good = [piece for piece in found.values() if not isinstance(piece, Failed)]
    if not good:
        raise click.ClickException("no run could be trained on the workers")
    parts = [
        failed(good[0], end - first) if isinstance(found[at], Failed) else found[at]
        for at, (first, end) in enumerate(cut)
    ]
    in_hand = runs_at_once(task.kernels, task.program, task.train.count) >= total
    result = session.result_of(task, joined(parts, in_hand))
    return finished(run, with_ensemble(session, result))


@contextmanager
def _connected(where: str) -> Iterator[Client]:
    """As `cluster`, with its messages as those of a wrong use."""
    try:
        with cluster(where) as client:
            yield client
    except NoCluster as error:
        raise click.UsageError(f"--on: {error}") from None
