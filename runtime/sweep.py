"""A sweep: its points drawn or counted, each one a session of its own, trained one after the other.

Points that differ in numbers share their kernels, since these get the numbers as arguments, and their data where the
`data` statement is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np

from netc.compiler.check.several.sweep import count, first_point
from netc.compiler.check.several.sweep_point import at_point, data_of
from netc.compiler.meaning.spec import Axis, Judged, Sweep
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.validation import require_there
from netc.runtime.opening import open_session
from netc.runtime.parameters import Array
from netc.runtime.program_file import File, Overrides
from netc.runtime.random import Purpose, uniform
from netc.runtime.session import Session

if TYPE_CHECKING:
    from netc.runtime.results.expect_names import Scope
    from netc.runtime.results.result import Result
    from netc.runtime.results.sweep_result import Point, SweepResult
    from netc.runtime.results.verdict import Verdict

SHARING = 256
"""Points of a grid by which it is seen whether a value of an axis has several figures."""

Values = tuple[ast.Expr, ...]
Reader = Callable[[File], Dataset]


def points_of(sweep: Sweep, worth: Callable[[int], float] | None = None) -> Iterator[Values]:
    """All of the grid, the last axis fastest; or `trials` of them, each axis drawn by itself, or as the sweep says by
    what those before were worth."""
    for together in rounds_of(sweep, worth):
        yield from together


def rounds_of(sweep: Sweep, worth: Callable[[int], float] | None = None) -> Iterator[Iterable[Values]]:
    """The same, those together that know nothing of each other: of each round the figures have to be there before the
    next one."""
    if sweep.by == "tpe":
        from netc.runtime.tpe import rounds_by_tpe

        assert worth is not None
        yield from rounds_by_tpe(sweep, worth)
        return
    yield _all_points(sweep)


def _all_points(sweep: Sweep) -> Iterator[Values]:
    if not sweep.trials:
        yield from product(*(axis.values for axis in sweep.axes))
        return
    drawn = [_drawn(axis, place, sweep) for place, axis in enumerate(sweep.axes)]
    yield from zip(*drawn, strict=True)


def _drawn(axis: Axis, place: int, sweep: Sweep) -> list[ast.Expr]:
    """`trials` values: by the law, or each of the set alike. The first ones do not depend on how many follow."""
    shares = uniform(sweep.seed, place, Purpose.SWEEP, sweep.trials)
    match axis.law:
        case "uniform":
            numbers = axis.low + (axis.high - axis.low) * shares
        case "log_uniform":
            low, high = np.log(axis.low), np.log(axis.high)
            numbers = np.exp(low + (high - low) * shares).clip(axis.low, axis.high)
        case _:
            at = np.floor(shares * len(axis.values)).astype(int)
            return [axis.values[i] for i in at.tolist()]
    span = axis.values[0].span
    return [ast.Number(value, span=span) for value in numbers.tolist()]


def at(
    session: Session, values: Values, overrides: Overrides
) -> tuple[File, dict[str, str | float | ast.Expr]]:
    """The file of a point, and what is changed in it."""
    sweep, file = session.spec.sweep, session.file
    assert sweep is not None
    program, changed = at_point(file.program, sweep, values)
    return File(file.source, file.folder, program), {**overrides, **changed}


def session_at(session: Session, values: Values, overrides: Overrides, read: Reader | None = None) -> Session:
    """Of a point; `read` makes the data of a file that has none of its own. Raises SpecError where a value does not
    fit."""
    file, changed = at(session, values, overrides)
    if data_of(file.program) == data_of(first_point(session.file.program)):
        return open_session(file, changed, session.data, session.lanes)
    return open_session(file, changed, read(file) if read else None, session.lanes)


def figure_of(session: Session) -> tuple[Judged, tuple[Diagnostic, ...]]:
    """By which the points are sorted, and warnings. SpecError where the file does not say and it is not plain, or the
    figure is not there."""
    sweep = session.spec.sweep
    assert sweep is not None
    if sweep.figure is not None:
        kind = session.metric.kind if session.metric else ""
        return sweep.figure, require_there("the sweep", sweep.figure, sweep.span, session.parts, kind)
    if "validation" in session.parts:
        return Judged("loss", "validation"), ()
    if session.spec.objective is not None:
        return Judged("loss", "train"), ()
    message = "by which figure are the points sorted? The data have no validation part, and the sweep has no 'figure'"
    hints = ("data ..., validation = 20%", "or say it: sweep ..., figure = loss(train)")
    raise SpecError([Diagnostic("E0444", message, sweep.span, hints=hints)])


def figures_of(session: Session, result: Result) -> dict[str, Array]:
    """Of the runs of a point, by the names that `expect` knows; numbers and truths only."""
    from netc.runtime.results.expect_names import scope_of

    figures = scope_of(session, result).figures
    return {name: a for name, a in figures.items() if a.ndim == 1 and a.dtype.kind in "fib"}


def run(session: Session, overrides: Overrides, read: Reader | None = None) -> SweepResult:
    """All points, in this process, and nothing kept on disk. Ctrl-C ends it with what there is."""
    from netc.runtime.fold_ensemble import with_fold_ensemble
    from netc.runtime.results.sweep_result import Point, SweepResult, worth_of
    from netc.runtime.training.task import Watcher

    sweep = session.spec.sweep
    assert sweep is not None
    figure, _ = figure_of(session)
    done: list[Point] = []
    interrupted = False
    if sweep.by == "halving":
        done, interrupted = _halved(session, overrides, read)
        found = SweepResult(sweep, figure, tuple(done), interrupted, session.file.source.name)
        return replace(found, expect=verdicts(session, found))

    def worth(number: int) -> float:
        return worth_of(figure, done[number - 1].figures)

    for number, values in enumerate(points_of(sweep, worth), start=1):
        here = session_at(session, values, overrides, read)
        _, result = here.train(Watcher())
        if interrupted := result.interrupted:
            break
        done.append(Point(number, values, figures_of(here, result), result))
    found = SweepResult(sweep, figure, tuple(done), interrupted, session.file.source.name)
    found = with_fold_ensemble(
        session, found, lambda p: session_at(session, p.values, overrides, read), _end_of
    )
    return replace(found, expect=verdicts(session, found))


def _end_of(point: Point) -> tuple[Array, Array]:
    assert point.result is not None
    return point.result.theta, point.result.states


def _halved(session: Session, overrides: Overrides, read: Reader | None) -> tuple[list[Point], bool]:
    """The points by successive halving, in memory; whether it was interrupted."""
    from netc.runtime import halving
    from netc.runtime.results.sweep_result import Point, worth_of

    sweep, kept = session.spec.sweep, halving.Kept()
    assert sweep is not None
    figure, points = figure_of(session)[0], dict(enumerate(points_of(sweep), start=1))
    sessions: dict[int, Session] = {}
    results: dict[int, Result] = {}
    turns = halving.rounds(len(points), halving.lengths(session_at(session, points[1], overrides, read))[0])
    shares = halving.shares(turns)

    def trained(number: int, turn: int) -> halving.Figures:
        if number not in sessions:
            sessions[number] = session_at(session, points[number], overrides, read)
        here = sessions[number]
        results[number], state = halving.advanced(here, shares[turn], kept.state(number))
        kept.write(number, turn, figures_of(here, results[number]), state)
        return kept.figures[number, turn]

    try:
        stopped = halving.halve(
            [*points],
            turns,
            lambda alive, turn: {number: trained(number, turn) for number in alive},
            lambda figures: worth_of(figure, figures),
        )
    except KeyboardInterrupt:
        return [], True
    found = []
    for number, values in points.items():
        turn = stopped[number]
        figures = halving.with_halted(kept.figures[number, turn], sessions[number], shares[turn])
        found.append(Point(number, values, figures, results[number]))
    return found, False


def verdicts(session: Session, result: SweepResult) -> tuple[Verdict, ...]:
    """What the file expects of the sweep, judged; of an interrupted one nothing is."""
    from netc.runtime.results.expect import judge

    if result.interrupted or not session.spec.expectations:
        return ()
    return judge(session.spec.expectations, result.scope(_constants(), session.spec.layer_names))


def blank_scope(session: Session) -> Scope:
    """The names of its `expect` before anything is trained."""
    from netc.runtime.fold_ensemble import blank
    from netc.runtime.results.expect_names import blank_scope as blank_of_a_point
    from netc.runtime.results.sweep_result import Point, SweepResult

    sweep = session.spec.sweep
    assert sweep is not None
    names = blank_of_a_point(session).figures
    figures = {name: a for name, a in names.items() if a.ndim == 1 and a.dtype.kind in "fib"}
    some = _some_points(sweep)
    points = (Point(i, values, figures) for i, values in enumerate(some, start=1))
    result = blank(session, SweepResult(sweep, figure_of(session)[0], tuple(points)))
    return result.scope(_constants(), session.spec.layer_names)


def _some_points(sweep: Sweep) -> list[Values]:
    """Points that have every value of each axis; of a grid also some that share a value, as there are going to be."""
    sizes = [len(axis.values) for axis in sweep.axes]
    found = [tuple(min(i, size - 1) for size in sizes) for i in range(max(sizes, default=1))]
    if not sweep.trials:
        found += islice(product(*(range(min(2, size)) for size in sizes)), SHARING)
    return [tuple(a.values[i] for a, i in zip(sweep.axes, at, strict=True)) for at in dict.fromkeys(found)]


def _constants() -> dict[str, float]:
    return {"pi": np.pi, "inf": np.inf}


def total(session: Session) -> int:
    assert session.spec.sweep is not None
    return count(session.spec.sweep)
