"""Several trained networks that answer together: the mean of their outputs, or their votes; and how good that is.

Its loss is that of the mean outputs, as the loss is written. Trains nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.lower.flow import of_all_samples
from netc.compiler.lower.network import lower_loss, lower_weight
from netc.compiler.meaning.spec import PARTS, Ensemble
from netc.runtime.parameters import Array
from netc.runtime.results.result import Reals, Result

if TYPE_CHECKING:
    from netc.runtime.session import Session
    from netc.runtime.training.metrics import Metric
    from netc.runtime.training.sample_layout import Samples

Member = tuple[Array, Array]
"""theta (P,) and states (S,)."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What members say together, (units, N) each."""

    outputs: Array
    """The mean of their outputs, or the share of members that choose each class (of a single output: that choose its
    second)."""
    decided: Array
    """What classes and figures are read from: the same mean; of votes 1 where the class is chosen."""


def with_ensemble(session: Session, result: Result) -> Result:
    """The result with the figures of the file's ensemble."""
    spec = session.spec.ensemble
    if spec is None or spec.folds or session.data is None or not result.final:
        return result
    if spec.phases and len(result.phases) < len(session.spec.phases):
        return result  # interrupted before its end
    groups = list(groups_of(spec, result))
    figures: dict[str, Reals] = {}
    for part, samples in zip(PARTS, session.samples_by_part, strict=True):
        if samples is None:
            continue
        found = [_figures(session, spec, members, samples) for members in groups]
        figures |= {f"{name}_{part}": np.array([f[name] for f in found]) for name in found[0]}
    return replace(result, ensemble=figures, members=len(groups[0]))


def groups_of(spec: Ensemble, result: Result) -> Iterator[list[Member]]:
    """All runs together, or for each run the ends of the phases."""
    if not spec.phases:
        yield list(zip(result.theta, result.states, strict=True))
        return
    ends = [end for end in result.phases if end.name in spec.phases]
    for run in range(result.runs):
        yield [(end.theta[run], end.states[run]) for end in ends]


def together(spec: Ensemble, outputs: Sequence[Array], metric: Metric) -> Answer:
    """Of the outputs of the members, (units, N) each in double precision. Of votes that are equal the mean decides; of
    an image or sequence each place has votes of its own.

    Each is a sum divided once: a share is a count divided by the members, a mean of numbers up to 1 is at most 1.
    """
    mean: Array = np.sum(outputs, axis=0) / len(outputs)
    if spec.by == "mean":
        return Answer(mean, mean)
    if len(mean) == 1:
        votes = np.sum([u > metric.threshold for u in outputs], axis=0) / len(outputs)
        tied: Array = np.where(votes == 0.5, mean > metric.threshold, votes > 0.5)
        return Answer(votes, tied.astype(mean.dtype))
    places = metric.places or 1
    shape = (places, len(mean) // places, mean.shape[1])
    classes = np.arange(shape[1])[:, None]
    chosen = [u.reshape(shape).argmax(axis=1, keepdims=True) == classes for u in outputs]
    votes = np.sum(chosen, axis=0) / len(outputs)
    best = votes == votes.max(axis=1, keepdims=True)
    lead = np.where(best, mean.reshape(shape), -np.inf).argmax(axis=1, keepdims=True) == classes
    return Answer(votes.reshape(mean.shape), lead.reshape(mean.shape).astype(mean.dtype))


def outputs_of(session: Session, members: Sequence[Member], samples: Samples) -> list[Array]:
    """(units, N) of each."""
    evaluator = session.evaluator
    return [evaluator.predict(session.padded(*m), samples)[1].astype(np.float64) for m in members]


def _figures(
    session: Session, spec: Ensemble, members: Sequence[Member], samples: Samples
) -> dict[str, float]:
    metric = session.metric
    assert metric is not None
    answer = together(spec, outputs_of(session, members, samples), metric)
    return figures_of(session, spec, answer.decided, samples)


def figures_of(session: Session, spec: Ensemble, answer: Array, samples: Samples) -> dict[str, float]:
    """Of what is answered together, (units, N): `accuracy` or `r2`, and the loss, which votes have not."""
    metric, targets = session.metric, samples.goal.astype(np.float64)
    assert metric is not None
    if spec.by == "vote":
        low, high = targets.min(), targets.max()
        coded = answer if len(answer) > 1 else low + (high - low) * answer
        return {metric.kind: metric.score(coded, targets)}
    return {"loss": _loss(session, answer, targets, samples), metric.kind: metric.score(answer, targets)}


def _loss(session: Session, outputs: Array, targets: Array, samples: Samples) -> float:
    """Of outputs and targets (units, N), as the file's loss is written."""
    problem, loss = session.program.problem, session.spec.loss
    assert loss is not None
    axes = tuple(a for a in problem.lets[problem.output].axes if a != ir.SAMPLES)
    functions = {a.name.lower(): a for a in session.spec.functions}
    each = of_all_samples(lower_loss(loss, ir.Var("u", axes), ir.Var("y", axes), functions))
    shape = (-1, *(a.size or 1 for a in axes))
    env = {"u": outputs.T.reshape(shape), "y": targets.T.reshape(shape)}
    weight = of_all_samples(lower_weight(loss, ir.Var("y", axes), functions))
    losses, weights = (np.broadcast_to(evaluate(e, env), (outputs.shape[1],)) for e in (each, weight))
    if loss.by_sample:
        weights = weights * samples.y[-1, : samples.count]
    total = float((weights * losses).sum())
    if not problem.mean:
        return total
    return total / (float(weights.sum()) if loss.divide == "weights" else len(losses))
