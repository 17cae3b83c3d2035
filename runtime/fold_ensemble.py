"""The trainings of all folds that answer together (`ensemble folds`): figures of the common test part, in raw units.

Each fold scales by its own training part, so what is averaged is what `predict` would say: numbers in the units of the
target, probabilities of classes as they are. Trains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from netc.compiler.meaning.spec import PARTS, Ensemble
from netc.dsl.printer import print_expr
from netc.runtime.ensemble import Answer, Member, figures_of, outputs_of, together
from netc.runtime.parameters import Array
from netc.runtime.results.sweep_result import Point, SweepResult
from netc.runtime.session import Session

if TYPE_CHECKING:
    from netc.runtime.training.sample_layout import Samples

TEST = PARTS.index("test")


def with_fold_ensemble(
    session: Session,
    result: SweepResult,
    at: Callable[[Point], Session],
    ends: Callable[[Point], tuple[Array, Array]],
) -> SweepResult:
    """The result with the figures of the folds together, where the file asks for them. `at` opens a point, `ends` gives its
    theta (runs, P) and states (runs, S)."""
    spec = session.spec.ensemble
    if spec is None or not spec.folds or result.interrupted:
        return result
    found = {g[0].number: _figures(spec, [at(p) for p in g], [ends(p) for p in g]) for g in groups(result)}
    return replace(result, ensembles=found)


def blank(session: Session, result: SweepResult) -> SweepResult:
    """With stand-ins before anything is trained."""
    if not asked(session):
        return result
    figures = {name: np.ones(min(session.spec.training.runs, 2)) for name in names(session)}
    return replace(result, ensembles={g[0].number: figures for g in groups(result)})


def asked(session: Session) -> bool:
    return session.spec.ensemble is not None and session.spec.ensemble.folds


def names(session: Session) -> list[str]:
    """Of the figures, as `expect` knows them."""
    spec, metric = session.spec.ensemble, session.metric
    assert spec is not None
    assert metric is not None
    others = [] if spec.by == "vote" else ["mse"] if metric.kind == "r2" else ["loss"]
    return [_named(kind) for kind in (metric.kind, *others)]


def _named(kind: str) -> str:
    return f"{kind}(test, ensemble)"


def groups(result: SweepResult) -> list[tuple[Point, ...]]:
    """Points that differ in nothing but the fold."""
    found: dict[tuple[str, ...], list[Point]] = {}
    for point in result.points:
        pairs = zip(result.sweep.axes, point.values, strict=True)
        found.setdefault(tuple(print_expr(v) for axis, v in pairs if axis.name != "fold"), []).append(point)
    return [tuple(points) for points in found.values()]


def _figures(
    spec: Ensemble, folds: Sequence[Session], ends: Sequence[tuple[Array, Array]]
) -> dict[str, Array]:
    """(runs,) each: run by run over the folds."""
    runs = range(len(ends[0][0]))
    each = [_of_run(spec, folds, [(theta[run], states[run]) for theta, states in ends]) for run in runs]
    return {_named(name): np.array([one[name] for one in each]) for name in each[0]}


def _of_run(spec: Ensemble, folds: Sequence[Session], members: Sequence[Member]) -> dict[str, float]:
    session, metric = folds[0], folds[0].metric
    samples = session.samples_by_part[TEST]
    assert metric is not None
    assert samples is not None
    assert session.data is not None
    answer = Folds(spec, folds, members).answer(lambda fold: fold.samples_by_part[TEST]).decided
    if metric.kind == "accuracy":  # classes are never scaled
        return figures_of(session, spec, answer, samples)
    targets = session.data.y[session.data.test].T
    return {"r2": metric.score(answer, targets), "mse": float(np.square(answer - targets).mean())}


@dataclass(frozen=True, eq=False)
class Folds:
    """Members of one run, each with the session of its fold."""

    spec: Ensemble
    sessions: Sequence[Session]
    members: Sequence[Member]

    def answer(self, samples_of: Callable[[Session], Samples | None]) -> Answer:
        """In the units of the target; `samples_of` a fold: the same samples, scaled as it scales."""
        metric, raw = self.sessions[0].targets.metric(), []
        for session, member in zip(self.sessions, self.members, strict=True):
            samples = samples_of(session)
            assert samples is not None
            (outputs,) = outputs_of(session, [member], samples)
            raw.append(session.targets.scaler.invert(outputs.T).T)
        return together(self.spec, raw, metric)

    def predict(self, inputs: Callable[[Session], Array], labels: bool) -> Array:
        """(N, outputs), or (N,) labels; `inputs` (N, inputs) as a fold scales them."""

        def samples_of(session: Session) -> Samples:
            x = inputs(session)
            return session.lay_out(x, np.zeros((len(x), session.program.problem.outputs)))

        found = self.answer(samples_of)
        return self.sessions[0].targets.labels_of(found.decided.T) if labels else found.outputs.T


def best_folds(session: Session, result: SweepResult, at: Callable[[Point], Session]) -> Folds | None:
    """Of the first run at the best point."""
    spec = session.spec.ensemble
    if spec is None or not result.ensembles:
        return None
    group = next(g for g in groups(result) if g[0].number == result.rows[0].points[0].number)
    ends = [point.result for point in group if point.result is not None]
    return Folds(spec, [at(point) for point in group], [(end.theta[0], end.states[0]) for end in ends])
