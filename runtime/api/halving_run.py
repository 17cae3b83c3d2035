"""`netc run` of a sweep `by = halving`: states and figures at the end of each round lie in the folders of the points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netc.runtime.results.sweep_result import Point
    from netc.runtime.session import Session
    from netc.sweep_run import Sweeping


def points(sweeping: Sweeping) -> Iterator[Point]:
    """By successive halving; the state of each point and its figures are in its folder at the end of each round, so that
    it is resumed there."""
    from netc.commands.run import Run, checkpoint_of, finished
    from netc.kept_run import fill_folder, fingerprint
    from netc.runtime import halving
    from netc.runtime import sweep as sweeps
    from netc.runtime.results.folder import RunFolder
    from netc.runtime.results.sweep_result import Point, worth_of
    from netc.sweep_run import kept_figures

    whole, changed, sessions = sweeping.session, sweeping.changed, dict[int, Any]()
    assert whole.spec.sweep is not None
    judged, each = sweeps.figure_of(whole)[0], dict(enumerate(sweeps.points_of(whole.spec.sweep), start=1))

    def opened(number: int) -> Session:
        if number not in sessions:
            sessions[number] = sweeps.session_at(whole, each[number], changed)
        found: Session = sessions[number]
        return found

    turns = halving.rounds(len(each), halving.lengths(opened(1))[0])
    shares = halving.shares(turns)

    def reached(number: int, turn: int) -> tuple[Any, Any]:
        folder = RunFolder(sweeping.folder.point(number))
        return halving.advanced(opened(number), shares[turn], checkpoint_of(folder))

    def trained(number: int, turn: int) -> dict[str, Any]:
        if (known := sweeping.folder.read_turn(number, turn)) is not None:
            return known
        folder = RunFolder(sweeping.folder.point(number))
        folder.path.mkdir(parents=True, exist_ok=True)
        if not (folder.path / "manifest.json").exists():
            fill_folder(folder, opened(number), changed, fingerprint(opened(number)))
        result, state = reached(number, turn)
        figures = sweeps.figures_of(opened(number), result)
        folder.write_checkpoint(state)
        sweeping.folder.write_turn(number, turn, figures)
        return figures

    stopped = halving.halve([*each], turns, trained, lambda figures: worth_of(judged, figures))
    for at, turn in sorted(stopped.items()):
        if (figures := kept_figures(sweeping, at)) is None:
            result, _ = reached(at, turn)  # from its state there: nothing is left to train
            folder = RunFolder(sweeping.folder.point(at))
            figures = halving.with_halted(sweeps.figures_of(opened(at), result), opened(at), shares[turn])
            finished(Run(opened(at), folder, None, sweeping.name), result)
            sweeping.folder.write(at, figures)
        yield Point(at, each[at], figures)
