"""Models and results as a notebook shows them: a line, LaTeX, HTML with the curves. Draws no picture files (`pictures/`)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import Activation, Join, Named, Spec
from netc.compiler.rules.latex import latex_rule
from netc.dsl import ast
from netc.runtime.results.result import Result

if TYPE_CHECKING:
    from netc.model import Model

WIDTH, HEIGHT, MARGIN = 420, 160, 8
LONGEST = 60
"""Characters of a network in a line."""
MOST = 400
"""Points of a curve: more are left out evenly."""
COLOURS = {"loss_train": "#1f77b4", "loss_test": "#d62728"}
BOX = "font-family:monospace;white-space:pre"


def model_line(model: Model) -> str:
    """`boston.net: [13(tanh)15(lin)1], 466 parameters, momentum.ema, trained`"""
    spec = model._session.spec
    trained = "not trained yet" if model._theta is None else "trained"
    parameters = f"{model.parameters} parameter{'' if model.parameters == 1 else 's'}"
    rule = spec.optimizer.definition.name
    return f"{model._session.file.source.name}: {network_text(spec)}, {parameters}, {rule}, {trained}"


def network_text(spec: Spec) -> str:
    """`[13(tanh)15(lin)1]`, as the file has it, or the head of the objective."""
    if spec.network is None:
        assert spec.objective is not None
        return f"{spec.objective.name}({', '.join(spec.objective.variables)})"
    (written,) = (s for s in spec.program.statements if isinstance(s, ast.Network))
    text = written.span.quoted.removeprefix("network ")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def model_latex(model: Model) -> str:
    """The network and the update rule, for math mode."""
    spec = model._session.spec
    parts = [*_network_latex(spec), latex_rule(spec.optimizer.definition.body)]
    return (
        parts[0] if len(parts) == 1 else "\\begin{gathered}\n" + " \\\\\n".join(parts) + "\n\\end{gathered}"
    )


def _network_latex(spec: Spec) -> Iterator[str]:
    """A line a layer, with the activations behind it."""
    if spec.network is None:
        return
    rows: list[tuple[str, list[str]]] = []
    for operation in spec.network.operations:
        if isinstance(operation, Activation):
            if not rows:
                rows.append(("x", []))
            rows[-1][1].append(operation.definition.name)
        elif isinstance(operation, Join):
            rows.append((f"{operation.kind} {operation.name}", []))
        elif not isinstance(operation, Named):
            rows.append((operation.definition.name, []))
    before, lines = "x", []
    for n, (layer, activations) in enumerate(rows, start=1):
        value = rf"W_{{{n}}} {before} + b_{{{n}}}" if layer == "dense" else rf"{_word(layer)}({before})"
        for name in activations:
            value = value if name in ("lin", "linear") else rf"{_word(name)}({value})"
        before = "u" if n == len(rows) else f"a_{{{n}}}"
        lines.append(f"{before} &= {value}")
    yield "\\begin{aligned}\n" + " \\\\\n".join(f"  {line}" for line in lines) + "\n\\end{aligned}"


def _word(name: str) -> str:
    plain = name.replace("_", r"\_")
    return rf"\operatorname{{{plain}}}"


def model_html(model: Model) -> str:
    return f'<div style="{BOX}">{escape(model_line(model))}</div>\n$$\n{escape(model_latex(model))}\n$$'


def result_html(result: Result) -> str:
    """The short text, and the losses of the first run or the medians of very many against the epochs."""
    return f'<div style="{BOX}">{escape(repr(result))}</div>{_curves(result)}'


def _curves(result: Result) -> str:
    history: dict[str, NDArray[Any]] = result.history
    rows = (
        history["run"] == history["run"].min() if "run" in history else np.ones(len(history["epoch"]), bool)
    )
    found = {}
    for name in COLOURS:
        column = history.get(name, history.get(f"{name}_median"))
        if column is not None:
            good = rows & np.isfinite(column)
            found[name] = history["epoch"][good].astype(np.float64), column[good].astype(np.float64)
    found = {name: curve for name, curve in found.items() if len(curve[0]) > 1}
    return _svg(found) if found else ""


def _svg(curves: dict[str, tuple[NDArray[Any], NDArray[Any]]]) -> str:
    """Lines over the epochs; the losses on a scale of logarithms where all are above 0."""
    logarithms = all((y > 0).all() for _, y in curves.values())
    shown = {name: (x, np.log10(y) if logarithms else y) for name, (x, y) in curves.items()}
    right = max(float(x[-1]) for x, _ in shown.values()) or 1.0
    low, high = (f(float(f(y)) for _, y in shown.values()) for f in (min, max))
    high = high if high > low else low + 1.0
    lines = []
    for name, (x, y) in shown.items():
        some = slice(None, None, math.ceil(len(x) / MOST))
        across = MARGIN + (WIDTH - 2 * MARGIN) * x[some] / right
        down = MARGIN + (HEIGHT - 2 * MARGIN) * (high - y[some]) / (high - low)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))
        lines.append(f'<polyline fill="none" stroke="{COLOURS[name]}" points="{points}"/>')
    names = ", ".join(f'<span style="color:{COLOURS[name]}">{name}</span>' for name in shown)
    scale = f"{_end(low, logarithms)} to {_end(high, logarithms)}{', logarithmic' if logarithms else ''}"
    frame = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#bbb"/>'
    picture = f'<svg width="{WIDTH}" height="{HEIGHT}" xmlns="http://www.w3.org/2000/svg">{frame}{"".join(lines)}</svg>'
    return f"<div>{picture}<br/><small>{names}: {scale}; {right:g} epochs</small></div>"


def _end(value: float, logarithms: bool) -> str:
    return f"{10**value if logarithms else value:.3g}"
