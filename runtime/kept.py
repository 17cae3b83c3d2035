"""A run's folder read back, for pictures: the spec, the history, a row for each run.

Reads files only: no data set is opened, nothing is trained, no kernel compiled. What follows from the spec
alone (starts, values of an objective) is computed from it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from netc.compiler import ir, pipeline
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.names import greek
from netc.dsl.printer import print_expr
from netc.dsl.source import Source
from netc.runtime.parameters import Array, flatten
from netc.runtime.start import first_theta


class Unreadable(Exception):
    """The folder is not that of a run that ended; the text says what is missing."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A run's folder; arrays over runs have the run as first axis."""

    path: Path
    file: Path
    """What was run, as the manifest has it."""
    program: ast.Program
    """`spec.net`, parsed."""
    problem: ir.Program | None
    """The lowered spec of an objective; None of a network."""
    history: dict[str, Array]
    """The columns of `history.csv`."""
    runs: dict[str, Array]
    """A row for each run: `stopped` (texts), `steps`, `loss_train`, `gradient_norm`, ... at its end."""
    ends: Array | None
    """(runs, P) last parameters of an objective."""

    @property
    def count(self) -> int:
        return len(self.runs["steps"])

    @property
    def name(self) -> str:
        """Of the file, or of its folder where that is all that tells it apart."""
        return self.file.stem

    @property
    def rule(self) -> str:
        """`momentum.ema`"""
        return self._optimizer.name

    @property
    def settings(self) -> str:
        """`η = 0.1, β1 = 0.1`: the numbers of the rule."""
        shown = [(greek(p.name), print_expr(p.default)) for p in self._optimizer.parameters if p.default]
        return ", ".join(f"{name} = {value}" for name, value in shown)

    @property
    def setup(self) -> str:
        """What is minimised, on a line: `R(w, b) = g(w + b)^2 + g(b)^2`, or the data and the network."""
        for s in self.program.statements:
            match s:
                case ast.Objective(name, variables, value):
                    head = f"{name}({', '.join(greek(v.name) for v in variables)})"
                    return ", ".join([f"{head} = {_printed(value)}", *self._functions])
                case ast.Network():
                    return f"{self._data} {s.span.text.removeprefix('network').strip()}".strip()
        return ""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the parameters of an objective, as they are printed."""
        assert self.problem is not None and isinstance(self.problem.problem, ir.Objective)
        return tuple(greek(name) for name in self.problem.problem.variables)

    @property
    def planar(self) -> bool:
        """An objective of two numbers: it can be drawn as a map."""
        return self.problem is not None and self.problem.problem.parameters == 2

    @cached_property
    def starts(self) -> Array:
        """(runs, P) of an objective: where every run began, from the spec's law, grid or list and its seed."""
        assert self.problem is not None
        return first_theta(self.problem, 0, self.count)

    @property
    def diverged(self) -> Array:
        """(runs,) bool"""
        found: Array = self.runs["stopped"] == "diverged"
        return found

    @property
    def _optimizer(self) -> ast.Optimizer:
        return next(s for s in self.program.statements if isinstance(s, ast.Optimizer))

    @property
    def _functions(self) -> Iterator[str]:
        """`g(z) = z² - 1`: what an objective is written with."""
        for s in self.program.statements:
            if isinstance(s, ast.Activation):
                yield f"{s.name}({s.variable}) = {_printed(s.value)}"

    @property
    def _data(self) -> str:
        data = next((s for s in self.program.statements if isinstance(s, ast.Data)), None)
        match data.sources if data else ():
            case (ast.Name(name), *_) if name != "inline":
                return name
            case (ast.Text(value), *_):
                return Path(value).stem
        return ""


def _printed(expr: ast.Expr) -> str:
    """As in print: `w² - 1`."""
    text = re.sub(r"\^(\d)\b", lambda m: "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(m[1])], print_expr(expr, unicode=True))
    return text.replace("*", "·")


def read(path: Path) -> Kept:
    """Raises Unreadable."""
    try:
        text = (path / "spec.net").read_text(encoding="utf-8")
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
        program = pipeline.to_ast(Source("spec.net", text))
        history = _table(path / "history.csv")
    except OSError as error:
        raise Unreadable(f"it has no readable {Path(error.filename or '').name}") from None
    except (SpecError, ValueError) as error:
        raise Unreadable(f"it is damaged: {str(error).splitlines()[0]}") from None
    problem = _objective(program, path)
    runs = _table(path / "runs.csv") if (path / "runs.csv").exists() else _from_history(history, summary)
    ends = _ends(path / "theta.safetensors", problem) if problem else None
    return Kept(path, Path(manifest.get("file", path.name)), program, problem, history, runs, ends)


def _objective(program: ast.Program, path: Path) -> ir.Program | None:
    if not any(isinstance(s, ast.Objective) for s in program.statements):
        return None
    return pipeline.to_ir(pipeline.to_spec(program, None, path))


def _from_history(history: dict[str, Array], summary: dict[str, Any]) -> dict[str, Array]:
    """The last report of every run."""
    run = history.get("run", np.zeros(len(history["step"])))
    last = np.append(np.diff(run) != 0, True)
    table = {name: column[last] for name, column in history.items() if name not in ("run", "step")}
    stopped = summary["stopped"]
    texts = [stopped] if isinstance(stopped, str) else stopped
    return {"stopped": np.array(texts), "steps": history["step"][last], **table}


def _ends(file: Path, problem: ir.Program) -> Array:
    from safetensors.numpy import load_file

    named = {k: v for k, v in load_file(file).items() if not k.startswith(("best.", "scale."))}
    return np.atleast_2d(flatten(problem.problem, named))


def _table(file: Path) -> dict[str, Array]:
    """Columns of numbers, or of texts where one is not a number."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        names = next(rows, [])
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return dict(_column(name, cells) for name, cells in zip(names, columns, strict=True))


def _column(name: str, cells: tuple[str, ...]) -> tuple[str, Array]:
    try:
        return name, np.array(cells, np.float64)
    except ValueError:
        return name, np.array(cells)


def each(paths: tuple[Path, ...]) -> Iterator[Kept]:
    """Raises Unreadable with the folder's name in front."""
    for path in paths:
        try:
            yield read(path)
        except Unreadable as error:
            raise Unreadable(f"'{path}' is not the folder of a run: {error}") from None
