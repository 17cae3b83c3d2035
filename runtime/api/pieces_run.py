"""`netc run --on ...` of many runs: in pieces, each of which is kept in the folder as soon as it is done, so that a run that
was killed or interrupted does what is missing, on workers or without.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from netc.one_run import Run
    from netc.runtime.results.result import Result
    from netc.runtime.training.task import Outcome

Piece = tuple[int, int]
"""The runs from the first number to before the second."""


def run(run: Run, changed: dict[str, str | float], where: str) -> tuple[Result, bool]:
    """What is missing of them, on workers, or here where none are named; and whether Ctrl-C has ended it. The runs of
    pieces that fail are named; in the tables they stand as interrupted, as those do that Ctrl-C has left undone."""
    from netc.one_run import finished
    from netc.runtime.ensemble import with_ensemble
    from netc.runtime.training.pieces import failed, joined, missing
    from netc.runtime.training.state import runs_at_once

    session, folder = run.session, run.folder
    task, total = session.task, session.spec.training.runs
    done = _kept(run)
    stopped = False
    try:
        for piece, outcome in _trained(run, changed, where, missing([*done], total)):
            folder.write_piece(piece, outcome)
            done[piece] = outcome
    except KeyboardInterrupt:
        stopped = True
    if not done and stopped:
        raise KeyboardInterrupt
    if not done:
        raise click.ClickException("no run could be trained on the workers")
    like = next(iter(done.values()))
    done |= {gap: failed(like, gap[1] - gap[0]) for gap in missing([*done], total)}
    in_hand = runs_at_once(task.kernels, task.program, task.train.count) >= total
    result = session.result_of(task, joined([outcome for _, outcome in sorted(done.items())], in_hand))
    return finished(run, with_ensemble(session, result)), stopped


def _kept(run: Run) -> dict[Piece, Outcome]:
    """The pieces that are done; UsageError where one is damaged."""
    from netc.runtime.training.state import Unfit

    try:
        return run.folder.read_pieces(run.session.program)
    except (OSError, ValueError, Unfit) as error:
        raise click.UsageError(f"'{run.folder.path}' cannot be resumed: {error}") from None


def _trained(
    run: Run, changed: dict[str, str | float], where: str, gaps: list[Piece]
) -> Iterator[tuple[Piece, Outcome]]:
    """Of these gaps, as it is done; what fails on a worker is said."""
    if not where:
        yield from _trained_here(run, gaps)
        return
    from netc import cluster_run
    from netc.runtime.cluster import Failed

    for (first, end), found in cluster_run.pieces(run, changed, where, gaps):
        if isinstance(found, Failed):
            which = f"run {first}" if end == first + 1 else f"the runs {first} to {end - 1}"
            click.echo(f"netc: {which} failed on a worker: {found.why}", err=True)
        else:
            yield (first, end), found


def _trained_here(run: Run, gaps: list[Piece]) -> Iterator[tuple[Piece, Any]]:
    """Raises KeyboardInterrupt."""
    from dataclasses import replace

    from netc.runtime.host import available_cores
    from netc.runtime.training.pieces import cut
    from netc.runtime.training.task import Watcher
    from netc.runtime.training.train import train

    task = run.session.task
    for piece in cut(gaps, task.kernels.GROUP, available_cores()):
        outcome = train(replace(task, only=piece), Watcher())
        if outcome.interrupted:
            raise KeyboardInterrupt
        yield piece, outcome
