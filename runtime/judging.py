"""A trained model and samples whose truth is known -> what it says of them (`results/judgement.py`). Trains nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from netc.runtime.parameters import Array
from netc.runtime.results.judgement import Judgement
from netc.runtime.results.result import Result
from netc.runtime.session import Session
from netc.runtime.training.loss_targets import PROBABILITIES

CALIBRATION = ("ece", "ece_levels", "smooth_ece")
"""Figures of a `Judgement` that an `expect` may speak of."""


class NotJudged(ValueError):
    """There is nothing to judge, and why."""


def judge_part(session: Session, theta: Array, states: Array | None, part: str) -> Judgement:
    """Of a part of the session's data. Raises NotJudged."""
    data = session.data
    if data is None:
        raise NotJudged("there are no samples whose truth is known")
    if part not in session.parts:
        raise NotJudged(f"the data have no {part} part; there is {', '.join(session.parts)}")
    rows = {"train": data.train, "validation": data.validation, "test": data.test}[part]
    return judge(
        session,
        theta,
        states,
        data.x[rows],
        data.codes[rows] if session.targets.classes else data.y[rows],
        part,
        rows,
    )


def judge(
    session: Session,
    theta: Array,
    states: Array | None,
    x: Array,
    truth: Array,
    part: str = "given",
    rows: Array | None = None,
) -> Judgement:
    """Of raw inputs (N, inputs), in which nothing is missing, and numbers of classes (N,) or raw targets (N, outputs).
    Raises NotJudged."""
    network, targets = session.spec.network, session.targets
    if network is None:
        raise NotJudged("an objective has no samples: it is judged by its theta")
    predict = predictor(session, theta, states)
    outputs = predict(x)
    if not np.isfinite(outputs).all():
        raise NotJudged("the model's outputs are not finite")
    known = session.known
    return Judgement(
        part,
        x,
        outputs,
        truth,
        np.arange(len(x)) if rows is None else rows,
        tuple(map(str, targets.classes)),
        known.columns if known else (),
        known.target_columns if known else (),
        probable(session),
        targets.metric().threshold,
        image_shape(network.input, known.columns if known else ()),
        predict,
    )


def predictor(session: Session, theta: Array, states: Array | None) -> Callable[[Array], Array]:
    """(N, inputs) raw -> (N, outputs) in the units of the data, in test mode."""
    row = session.padded(theta, states)
    outputs = session.spec.network.outputs if session.spec.network else 0

    def predict(x: Array) -> Array:
        samples = session.lay_out(session.inputs.apply(x), np.zeros((len(x), outputs)))
        _, found = session.evaluator.predict(row, samples)
        made: Array = session.targets.scaler.invert(found.T.astype(np.float64))
        return made

    return predict


def image_shape(shape: tuple[int, ...], columns: tuple[str, ...]) -> tuple[int, ...]:
    """Where the inputs are an image: by the network's input, or by columns that are called pixels."""
    if len(shape) in (2, 3):
        return shape if len(shape) == 2 or shape[2] in (1, 3) else ()
    side = math.isqrt(len(columns))
    pixels = len(columns) > 1 and all(name.startswith("pixel") for name in columns)
    return (side, side) if pixels and side * side == len(columns) else ()


def probable(session: Session) -> bool:
    """Whether the outputs are probabilities of classes."""
    network = session.spec.network
    if network is None or session.targets.kind not in ("codes", "one_hot"):
        return False
    last = network.activations[-1].definition.name if network.activations else "lin"
    return last == "softmax" if network.outputs > 1 else last in PROBABILITIES


def calibration(session: Session, result: Result | None) -> dict[str, Callable[[], Array]]:
    """What `expect` may ask of the runs' calibration, `ece(test)`: (runs,) each, computed when it is asked for; of no
    result stand-ins. None where the outputs are no probabilities of classes."""
    if session.data is None or not probable(session):
        return {}
    runs = min(session.spec.training.runs, 2)
    return {
        f"{name}({part})": partial(_of_runs, session, name, part, result)
        if result
        else partial(np.zeros, runs)
        for name in CALIBRATION
        for part in session.parts
    }


def _of_runs(session: Session, name: str, part: str, result: Result) -> Array:
    rows = zip(result.theta, result.states, strict=True)
    return np.array([_figure(session, name, part, theta, states) for theta, states in rows])


def _figure(session: Session, name: str, part: str, theta: Any, states: Any) -> float:
    try:
        found: float = getattr(judge_part(session, theta, states, part), name)
    except NotJudged:
        return math.inf  # a lost run is calibrated for nothing
    return found
