"""`netc run` of a sweep `by = halving`: states and figures at the end of each round lie in the folders of the points.

The points of a round know nothing of each other: with `--on` the workers of a cluster share them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from netc.cluster_run import Spreading
    from netc.runtime.results.folder import RunFolder
    from netc.runtime.results.sweep_result import Point
    from netc.runtime.session import Session
    from netc.sweep_run import Sweeping


class Lost(Exception):
    """A point of a round could not be trained on a worker, so that the round cannot be judged."""


def points(sweeping: Sweeping, failed: list[tuple[int, str]]) -> Iterator[Point]:
    """By successive halving; the state of each point and its figures are in its folder at the end of each round, so that
    it is resumed there. A round in which a point has failed is the last one."""
    from netc.one_run import Run, finished
    from netc.runtime import halving
    from netc.runtime import sweep as sweeps
    from netc.runtime.results.sweep_result import Point, worth_of
    from netc.sweep_run import kept_figures

    sweep = sweeping.session.spec.sweep
    assert sweep is not None
    judged, each = sweeps.figure_of(sweeping.session)[0], dict(enumerate(sweeps.points_of(sweep), start=1))
    with _workers(sweeping) as elsewhere:
        rounds = _Rounds(sweeping, each, elsewhere, failed)
        try:
            stopped = halving.halve(
                [*each], rounds.halvings, rounds.trained, lambda figures: worth_of(judged, figures)
            )
        except Lost:
            return
    for at, turn in sorted(stopped.items()):
        if (figures := kept_figures(sweeping, at)) is None:
            session = rounds.session(at)
            result, _ = rounds.advanced(at, turn)  # from its state there: nothing is left to train
            figures = halving.with_halted(sweeps.figures_of(session, result), session, rounds.shares[turn])
            finished(Run(session, rounds.folder(at), None, sweeping.name), result)
            sweeping.folder.write(at, figures)
        yield Point(at, each[at], figures)


def _workers(sweeping: Sweeping) -> Any:
    if not sweeping.where:
        return nullcontext()
    from netc import cluster_run

    return cluster_run.spreading(sweeping)


@dataclass
class _Rounds:
    sweeping: Sweeping
    each: dict[int, Any]
    """The values of the points, by their numbers."""
    elsewhere: Spreading | None
    failed: list[tuple[int, str]]
    sessions: dict[int, Session] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from netc.runtime import halving

        self.halvings = halving.rounds(len(self.each), halving.lengths(self.session(1))[0])
        self.shares = halving.shares(self.halvings)

    def session(self, number: int) -> Session:
        from netc.runtime import sweep as sweeps

        if number not in self.sessions:
            whole, changed = self.sweeping.session, self.sweeping.changed
            self.sessions[number] = sweeps.session_at(whole, self.each[number], changed)
        return self.sessions[number]

    def folder(self, number: int) -> RunFolder:
        from netc.runtime.results.folder import RunFolder

        return RunFolder(self.sweeping.folder.point(number))

    def advanced(self, number: int, turn: int) -> tuple[Any, Any]:
        from netc.commands.run import checkpoint_of
        from netc.runtime import halving

        return halving.advanced(self.session(number), self.shares[turn], checkpoint_of(self.folder(number)))

    def trained(self, numbers: Sequence[int], turn: int) -> dict[int, dict[str, Any]]:
        """The figures of these points at the end of a round. Raises Lost."""
        known = {number: self.sweeping.folder.read_turn(number, turn) for number in numbers}
        missing = [number for number, figures in known.items() if figures is None]
        for number, figures, state in self._reached(missing, turn):
            self.folder(number).write_checkpoint(state)
            self.sweeping.folder.write_turn(number, turn, figures)
            known[number] = figures
        if self.failed:
            raise Lost
        return {number: figures for number, figures in known.items() if figures is not None}

    def _reached(self, numbers: list[int], turn: int) -> Iterator[tuple[int, dict[str, Any], Any]]:
        from netc.runtime import sweep as sweeps

        for number in numbers:
            self._begin(number)
        if self.elsewhere is None:
            for number in numbers:
                result, state = self.advanced(number, turn)
                yield number, sweeps.figures_of(self.session(number), result), state
            return
        yield from self._reached_elsewhere(self.elsewhere, numbers, turn)

    def _begin(self, number: int) -> None:
        """Its folder."""
        from netc.kept_run import fill_folder, fingerprint

        folder = self.folder(number)
        folder.path.mkdir(parents=True, exist_ok=True)
        if not (folder.path / "manifest.json").exists():
            fill_folder(
                folder, self.session(number), self.sweeping.changed, fingerprint(self.session(number))
            )

    def _reached_elsewhere(
        self, elsewhere: Spreading, numbers: list[int], turn: int
    ) -> Iterator[tuple[int, dict[str, Any], Any]]:
        from netc.commands.run import checkpoint_of
        from netc.runtime.cluster import Failed

        share = self.shares[turn]
        tasks = [(n, self.each[n], share, checkpoint_of(self.folder(n))) for n in numbers]
        for number, found in elsewhere.turns(tasks):
            if isinstance(found, Failed):
                self.failed.append((number, found.why))
                click.echo(f"netc: point {number} failed on a worker: {found.why}", err=True)
                continue
            yield number, *found
