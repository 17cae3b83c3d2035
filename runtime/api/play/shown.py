"""What a page shows of a playground, as JSON has it: once (`setup`), and after every move (`frame`). Draws nothing.

Pictures are numbers on a grid, a byte each: how they look is the page's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from netc.compiler.rules.latex import latex_rule
from netc.dsl import ast
from netc.dsl.printer import print_equation
from netc.notebook import network_text
from netc.play import Playground
from netc.play.grids import as_bytes, grid, packed, window_of
from netc.runtime.data.parts import Indices
from netc.runtime.judging import probable
from netc.runtime.parameters import Array
from netc.runtime.results.hessian import Hessians
from netc.runtime.results.plain import plain
from netc.runtime.training.report import FIGURES

FINE, FINER = 80, 160
"""Cells along an axis of a grid, and of the surface of an objective, which is computed once; points of a line."""
DOTS = 500
"""Samples that are drawn."""
MOST_UNITS, MOST_LAYERS = 16, 8
"""Of a network that is drawn."""
SPREAD, SPREAD_OF_MANY = 1.6, 1.15
"""Of the window around few and many starts of an objective, beyond these."""
MANY = 10


def setup(play: Playground) -> dict[str, Any]:
    """What stays as it is until numbers are changed."""
    spec = play.session.spec
    data = play.session.data
    return {
        "file": play.session.file.source.name,
        "network": network_text(spec),
        "parameters": play.session.program.problem.parameters,
        "samples": {} if data is None else {p: len(getattr(data, p)) for p in play.session.parts},
        "loss": spec.loss.definition.name if spec.loss else "",
        "rule": spec.optimizer.definition.name,
        "equations": _equations(play),
        "schedules": [s.name for s in spec.schedules],
        "batch": _batch(play),
        "per_epoch": play.per_epoch,
        "total": play.total,
        "seed": spec.training.seed,
        "runs": spec.training.runs,
        "shown": play.live.state.runs,
        "metric": play.session.metric.kind if play.session.metric else "",
        "classes": [str(c) for c in play.session.targets.classes] if spec.network else [],
        "written": play.written,
        "picture": _still(play),
    }


def frame(play: Playground, said: str = "") -> dict[str, Any]:
    """How it is now."""
    shown: dict[str, Any] = plain_tree(
        {
            "step": play.step,
            "epoch": play.step / play.per_epoch,
            "ended": play.ended,
            "said": said,
            "curve": [[step, *row[:6].tolist()] for step, row in play.curve.rows],
            "figures": dict(zip(FIGURES, play.curve.rows[-1][1].tolist(), strict=True)),
            "marks": play.marks,
            "now": play.now,
        }
    )
    shown["numbers"] = [vars(m) for m in play.numbers]
    shown["picture"] = _moving(play)
    shown["layers"] = _layers(play)
    return shown


def plain_tree(value: Any) -> Any:
    """As JSON has it, which has no NaN."""
    match value:
        case dict():
            return {name: plain_tree(v) for name, v in value.items()}
        case list() | tuple():
            return [plain_tree(v) for v in value]
    return plain(value)


def _batch(play: Playground) -> str:
    training = play.session.spec.training
    if play.session.spec.objective or training.batch == "full":
        return "full"
    return f"{training.count}" if training.batch == "size" else f"{training.count} parts"


def _equations(play: Playground) -> dict[str, str]:
    """As MathML where latex2mathml is there, else as the language writes them."""
    from netc.html_report import equations

    body = play.session.spec.optimizer.definition.body
    try:
        return {"html": equations(latex_rule(body))}
    except ImportError:
        lines = [
            print_equation(e, unicode=True) if isinstance(e, ast.Equation) else e.span.text for e in body
        ]
        return {"text": "\n".join(lines)}


def kind(play: Playground) -> str:
    """Of the picture; empty: there is none."""
    spec = play.session.spec
    if spec.objective:
        return {1: "graph", 2: "surface"}.get(len(spec.objective.variables), "")
    assert spec.network
    if play.session.program.problem.parameters == 0 or play.session.data is None:
        return ""
    if spec.network.inputs == 2 and len(spec.network.output) == 1:
        return "plane"
    if spec.network.inputs == 1 and not play.session.targets.classes and spec.targets == spec.network.outputs:
        return "line"
    return "truth" if not play.session.targets.classes and spec.targets == spec.network.outputs else ""


def _still(play: Playground) -> dict[str, Any]:
    """The part of the picture that does not move."""
    match kind(play):
        case "surface":
            return _surface(play)
        case "graph":
            return _graph(play)
        case "plane" | "line" | "truth" as name:
            return {"kind": name, **_samples(play)}
    return {"kind": ""}


def _samples(play: Playground) -> dict[str, Any]:
    """Some samples of each part, in the units of the data: inputs, and the number of the class, or the first target."""
    data = play.session.data
    assert data is not None
    truth = data.codes if play.session.targets.classes else data.y[:, 0]
    parts = {
        part: {"x": data.x[rows][:, :2].tolist(), "y": np.asarray(truth[rows], float).tolist()}
        for part, rows in _drawn(play).items()
    }
    names = [*map(str, data.input_names[:2]), str(data.target_names[0]) if len(data.target_names) else "y"]
    return {"parts": parts, "names": names, "window": window_of(data.x[:, :2].astype(np.float64))}


def _around(play: Playground) -> list[list[float]]:
    """(low, high) for each number of an objective, with room around the starts and the points that the file names."""
    seen = np.vstack([play.starts, *([_points(play)] if _points(play) else [])])
    middle = (seen.min(axis=0) + seen.max(axis=0)) / 2
    spread = SPREAD_OF_MANY if len(play.starts) >= MANY else SPREAD
    half = spread * float((seen.max(axis=0) - seen.min(axis=0)).max()) / 2
    if half == 0:  # one place: the origin is the middle, so that what overshoots stays in sight
        middle, half = 0 * middle, SPREAD * max(1.0, float(np.abs(seen).max()))
    return [[float(c - half), float(c + half)] for c in middle]


def _points(play: Playground) -> list[tuple[float, ...]]:
    return [p for one in play.session.spec.points for p in one.places]


def _graph(play: Playground) -> dict[str, Any]:
    """An objective of one number."""
    assert play.session.spec.objective
    ((low, high),) = _around(play)
    x = np.linspace(low, high, FINER)
    values = Hessians(play.session.program.problem).losses(x[:, None])
    names = [*play.session.spec.objective.variables, play.session.spec.objective.name]
    return plain_tree({"kind": "graph", "names": names, "x": x.tolist(), "y": values.tolist()})  # type: ignore[no-any-return]


def _surface(play: Playground) -> dict[str, Any]:
    """The objective on a grid, as ranks of its values: level lines are as many where it is flat as where it is steep."""
    assert play.session.spec.objective
    window = _around(play)
    values = Hessians(play.session.program.problem).losses(grid(window, FINER))
    values = np.where(np.isfinite(values), values, np.inf)
    below = np.searchsorted(np.sort(values), values)
    return {
        "kind": "surface",
        "window": window,
        "names": list(play.session.spec.objective.variables),
        "fine": FINER,
        "cells": packed(below / (len(values) - 1)),
        "points": _points(play),
    }


def _moving(play: Playground) -> dict[str, Any]:
    """The part of the picture that training changes."""
    name, rows = kind(play), play.live.rows
    if not np.isfinite(rows[0, : play.session.program.problem.parameters]).all():
        return {}
    match name:
        case "graph":
            at = rows[:, :1].astype(np.float64)
            values = Hessians(play.session.program.problem).losses(at)
            return {"theta": plain_tree(np.column_stack([at, values]).tolist())}
        case "surface":
            return {"theta": plain_tree(rows[:, :2].astype(np.float64).tolist())}
        case "plane":
            return _plane(play, rows[0])
        case "line":
            (low, high), *_ = window_of(_x(play))
            x = np.linspace(low, high, FINER)
            return plain_tree({"x": x.tolist(), "u": _outputs(play, rows[0], x[:, None])[:, 0].tolist()})  # type: ignore[no-any-return]
        case "truth":
            return {"u": _said(play, rows[0])}
    return {}


def _x(play: Playground) -> Array:
    assert play.session.data is not None
    return play.session.data.x[:, :2].astype(np.float64)


def _plane(play: Playground, row: Array) -> dict[str, Any]:
    """On a grid: the class that is named and how sure it is, or the output between its lowest and highest value."""
    outputs = _outputs(play, row, grid(window_of(_x(play)), FINE))
    if not np.isfinite(outputs).all():
        return {}
    targets = play.session.targets
    if not targets.classes:
        low, high = float(outputs[:, 0].min()), float(outputs[:, 0].max())
        cells = packed((outputs[:, 0] - low) / (high - low or 1.0))
        return {"fine": FINE, "cells": cells, "low": low, "high": high}
    if outputs.shape[1] == 1:
        threshold = targets.metric().threshold
        above = outputs[:, 0] > threshold
        sure = np.clip(np.abs(outputs[:, 0] - threshold) / 0.5, 0, 1)
        return {"fine": FINE, "classes": as_bytes(above), "cells": packed(sure)}
    named = outputs.argmax(axis=1)
    top = np.sort(outputs, axis=1)[:, -2:]
    sure = top[:, 1] - top[:, 0] if probable(play.session) else np.tanh(top[:, 1] - top[:, 0])
    return {"fine": FINE, "classes": as_bytes(named), "cells": packed(sure)}


def _said(play: Playground, row: Array) -> Mapping[str, Any]:
    """Of the samples that are drawn, the first output."""
    data = play.session.data
    assert data is not None
    return {
        part: plain_tree(_outputs(play, row, data.x[rows])[:, 0].tolist())
        for part, rows in _drawn(play).items()
    }


def _drawn(play: Playground) -> dict[str, Indices]:
    """Of each part, the samples that are drawn: at most DOTS, evenly over the part."""
    parts = {part: getattr(play.session.data, part) for part in play.session.parts}
    return {part: rows[:: -(-len(rows) // DOTS)] for part, rows in parts.items()}


def _outputs(play: Playground, row: Array, x: Array) -> Array:
    """(N, outputs) of raw inputs, in the units of the data."""
    session = play.session
    samples = session.lay_out(session.inputs.apply(x), np.zeros((len(x), session.spec.targets)))
    _, outputs = session.evaluator.predict(row, samples)
    found = outputs.T.astype(np.float64)
    same = session.spec.network is not None and session.spec.targets == session.spec.network.outputs
    inverted: Array = session.targets.scaler.invert(found) if same else found
    return inverted


def _layers(play: Playground) -> list[dict[str, Any]]:
    """Weights (out, in) of dense layers behind each other, of the first units of each; of other networks nothing."""
    problem, row = play.session.program.problem, play.live.rows[0]
    tensors = [t for t in problem.weights if len(t.kept_shape) == 2]
    others = [t for t in problem.weights if len(t.kept_shape) > 2]
    chained = all(a.kept_shape[0] == b.kept_shape[1] for a, b in pairwise(tensors))
    if not play.session.spec.network or others or not tensors or not chained or len(tensors) > MOST_LAYERS:
        return []
    found = []
    for t in tensors:
        weights = row[t.offset : t.stop].astype(np.float64).reshape(t.kept_shape)
        scale = float(np.sqrt(np.mean(weights**2))) or 1.0
        some = weights[:MOST_UNITS, :MOST_UNITS] / scale
        shown = [[round(w, 2) if math.isfinite(w) else 0.0 for w in line] for line in some.tolist()]
        found.append({"units": list(t.kept_shape[::-1]), "weights": shown})
    return found
