"""`netc run --on dask://HOST:PORT`: points of a sweep, pieces of many runs, a finder, on the workers of a cluster.

A worker trains a point into a folder of its own, with the code that a command has for it, and sends the files back. Samples
travel, other files that the text names have to be where they are here.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from netc.dsl.diagnostics import SpecError
from netc.kept_run import checksum, named_in
from netc.runtime.cluster import (
    Failed,
    NoCluster,
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

    from netc.one_run import Run
    from netc.runtime.data.dataset import Dataset
    from netc.runtime.parameters import Array
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
    if session.spec.sweep is None and session.spec.phases:
        message = "--on: phases hand their runs on, so that they are trained in one place"
        raise click.UsageError(f"{message}; points are spread: sweep seed in {{1, 2, 3}}")


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


def train_finder(job: Job, first: int, end: int, data: Dataset | None) -> Array | Failed:
    """(runs, steps): the losses of the runs from `first` to before `end`, in all iterations."""
    from netc.runtime.training.train import iterations

    with _alone:
        try:
            return np.array([*iterations(replace(_opened(job, data).task, only=(first, end)))]).T
        except SpecError as error:
            return Failed(error.diagnostics[0].message)


# -- here ------------------------------------------------------------------------------------------------


class Spreading:
    """A sweep, and the workers that train its points. What all of them need is sent once."""

    def __init__(self, client: Client, sweeping: Sweeping) -> None:
        self.client, self.sweeping = client, sweeping
        self.job = job_of(sweeping.session, sweeping.changed, sweeping.name)
        self.samples = _Samples(client, sweeping.session)

    def points(self, missing: list[tuple[int, Any]]) -> Iterator[tuple[int, Failed | None]]:
        """These points trained and kept in the folder of the sweep, in any order."""
        folder = self.sweeping.folder
        tasks = (
            (number, (self.job, number, values, str(folder.point(number)), *self._samples(values)))
            for number, values in missing
        )
        for number, found in spread(self.client, train_point, tasks):
            if not isinstance(found, Failed):
                folder.keep(number, found)
            yield number, found if isinstance(found, Failed) else None

    def turns(self, points: list[tuple[int, Any, int, Any]]) -> Iterator[tuple[int, Any]]:
        """By halving: the points of a round, by number, values, share and state, brought to its end."""
        tasks = (
            (number, (self.job, values, share, state, *self._samples(values)))
            for number, values, share, state in points
        )
        return spread(self.client, train_turn, tasks)

    def _samples(self, values: Any) -> tuple[Any, Any]:
        return self.samples.first, self.samples.of(values, self.sweeping.changed)


@contextmanager
def spreading(sweeping: Sweeping) -> Iterator[Spreading]:
    with _connected(sweeping.where) as client:
        (sweeping.folder.path / "points").mkdir(exist_ok=True)  # from here on it can be resumed
        yield Spreading(client, sweeping)


class _Samples:
    """Sent once to the cluster, whose workers hand them on to each other."""

    def __init__(self, client: Client, session: Session) -> None:
        self.client, self.session = client, session
        self.first = None if session.data is None else held(client, session.data)
        self.others: dict[str, Any] = {}

    def of(self, values: Any, changed: dict[str, str | float]) -> Any:
        """None where they are those of the first point."""
        from netc.compiler.check.several.sweep import first_point
        from netc.compiler.check.several.sweep_point import data_of
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


def pieces(
    run: Run, changed: dict[str, str | float], where: str, gaps: list[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], Outcome | Failed]]:
    """The runs of these gaps, piece by piece, in any order."""
    from netc.runtime.training.pieces import cut

    session = run.session
    with _connected(where) as client:
        run.folder.pieces.mkdir(exist_ok=True)  # from here on it can be resumed
        job = job_of(session, changed, run.name)
        data = None if session.data is None else held(client, session.data)
        found = cut(gaps, session.kernels.GROUP, places(client))
        tasks = ((at, (job, first, end, data)) for at, (first, end) in enumerate(found))
        for at, outcome in spread(client, train_runs, tasks):
            yield found[at], outcome


def losses(session: Session, changed: dict[str, str | float], where: str) -> Array:
    """(runs, steps) of a finder, each iteration before its step; ClickException where a worker cannot train them."""
    from netc.runtime.training.pieces import cut

    with _connected(where) as client:
        job = job_of(session, changed, session.file.source.name)
        data = None if session.data is None else held(client, session.data)
        found = cut([(0, session.spec.training.runs)], session.kernels.GROUP, places(client))
        tasks = ((first, (job, first, end, data)) for first, end in found)
        pieces = dict(spread(client, train_finder, tasks))
    if lost := [piece.why for piece in pieces.values() if isinstance(piece, Failed)]:
        raise click.ClickException(f"the finder failed on a worker: {lost[0]}")
    return np.concatenate([pieces[first] for first in sorted(pieces)])


@contextmanager
def _connected(where: str) -> Iterator[Client]:
    """As `cluster`, with its messages as those of a wrong use."""
    try:
        with cluster(where) as client:
            yield client
    except NoCluster as error:
        raise click.UsageError(f"--on: {error}") from None
