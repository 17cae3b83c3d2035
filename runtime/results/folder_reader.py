"""A run's folder read back, for pictures: the spec, the history, a row for each run.

Reads files only: no data set is opened, nothing is trained, no kernel compiled. What follows from the spec
alone (starts, values of an objective) is computed from it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from netc.compiler import pipeline
from netc.compiler.calculus import ir
from netc.compiler.meaning.spec import Points
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.names import greek
from netc.dsl.printer import print_expr
from netc.dsl.reading import LARGEST_TEXT, read_bytes, read_text, require_regular
from netc.dsl.source import Source
from netc.dsl.visible import visible
from netc.runtime.parameters import Array, flatten, flatten_states
from netc.runtime.training.start import first_theta

NEEDED = ("outcome", "steps", "loss_train", "gradient_norm")
"""Columns of `runs.csv`."""


class Unreadable(ValueError):
    """The folder is not that of a run that ended, or the file holds no model; the text says what is missing."""


class Damaged(Unreadable):
    """It is one, but not as it was written."""


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
    points: tuple[Points, ...]
    """Those that the spec of an objective lists."""
    history: dict[str, Array]
    """The columns of `history.csv`."""
    runs: dict[str, Array]
    """A row for each run, the columns of `runs.csv`: `outcome` (texts), `steps`, `loss_train`, ... at its end."""
    ends: Array | None
    """(runs, P) last parameters of an objective."""

    @property
    def count(self) -> int:
        return len(self.runs["steps"])

    @property
    def name(self) -> str:
        """Of the file, or of its folder where that is all that tells it apart."""
        return visible(self.file.stem)

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
                    return f"{self._data} {_short(s.span.text)}".strip()
        return ""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the parameters of an objective, as they are printed."""
        assert self.problem is not None
        return tuple(greek(t.name) for t in self.problem.problem.weights)

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
        found: Array = self.runs["outcome"] == "diverged"
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


def _short(network: str) -> str:
    """`[13(tanh)15(lin)1]` of the spec's `network [13 (dense, tanh) 15 (dense, lin) 1]`."""
    return re.sub(r" \((?:dense, )?(.*?)\) ", r"(\1)", network.removeprefix("network").strip())


def _printed(expr: ast.Expr) -> str:
    """As in print: `w² - 1`."""
    text = re.sub(r"\^(\d)\b", lambda m: "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(m[1])], print_expr(expr, unicode=True))
    return text.replace("*", "·")


def read(path: Path) -> Kept:
    """Raises Unreadable."""
    if (path / "points").is_dir():
        raise Unreadable("it is that of a sweep, whose points have folders of their own: points/00001, ...")
    try:
        text = read_text(path / "spec.net")
        manifest = json_of(path / "manifest.json")
        if not isinstance(manifest.get("file", ""), str):
            raise ValueError("manifest.json: it is not what was written")
        program = pipeline.to_ast(Source("spec.net", text))
        summary = json_of(path / "summary.json")
        history = table_of(path / "history.csv")
        if not len(history["step"]):
            raise ValueError("history.csv: it has no row")
        runs = runs_of(path) if summary["runs"] > 1 else _single(history, summary)
        objective = any(isinstance(s, ast.Objective) for s in program.statements)
        spec = pipeline.to_spec(program, None, path) if objective else None
        problem = pipeline.to_ir(spec) if spec else None
        ends = _ends(path / "theta.safetensors", problem) if problem else None
    except Unreadable:
        raise
    except OSError as error:
        raise Unreadable(f"it has no readable {Path(error.filename or '').name}") from None
    except (SpecError, ValueError) as error:
        raise Damaged(str(error).splitlines()[0]) from None
    except KeyError as error:
        raise Damaged(f"{error} is missing in its history.csv or summary.json") from None
    except TypeError:
        raise Damaged("its summary.json is not what was written") from None
    if missing := {*NEEDED} - {*runs}:
        raise Damaged(f"runs.csv has no column '{min(missing)}'")
    file, points = Path(manifest.get("file", path.name)), spec.points if spec else ()
    return Kept(path, file, program, problem, points, history, runs, ends)


def json_of(file: Path) -> Any:
    """Raises OSError, and ValueError with the file's name."""
    try:
        found = json.loads(read_bytes(file, LARGEST_TEXT))
    except json.JSONDecodeError as error:
        raise ValueError(f"{file.name}: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{file.name}: it is not what was written")
    return found


def _single(history: dict[str, Array], summary: dict[str, Any]) -> dict[str, Array]:
    """Of a run alone, which has no table: its last report, with the figures of what `keep` has chosen."""
    last = {name: column[-1:] for name, column in history.items()}
    found = {**last, "steps": last["step"], "outcome": np.array([summary["outcome"]])}
    if chosen := summary.get("kept"):
        figures = {"gradient_norm": summary["gradient_norm"]}
        for name in ("loss", "accuracy", "r2"):
            figures |= {f"{name}_{part}": value for part, value in summary.get(name, {}).items()}
        figures |= {"kept_steps": chosen["step"], "kept_epochs": chosen["epoch"]}
        found |= {name: np.array([value], np.float64) for name, value in figures.items()}
    return found


def runs_of(path: Path) -> dict[str, Array]:
    """`runs.csv`, or `runs.parquet` of very many."""
    if not (path / "runs.parquet").exists():
        return table_of(path / "runs.csv")
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError:
        raise Unreadable('its runs are in a Parquet file: pip install "netc[parquet]"') from None
    table = parquet.read_table(path / "runs.parquet")
    return {name: table[name].to_numpy() for name in table.column_names}


def _ends(file: Path, problem: ir.Program) -> Array:
    return rows(problem.problem, tensors_of(file)[0])[0]


def rows(problem: ir.Problem, arrays: dict[str, Array], prefix: str = "") -> tuple[Array, Array]:
    """theta (runs, P) and the states (runs, S) of layers, in the precision that was kept; with the prefix `best.` those
    at the lowest loss. ValueError."""
    named = parameters_in(arrays, prefix)
    own = {t.name: named.pop(t.name) for t in problem.states if t.name in named}
    kept = next(iter(named.values())).dtype if named else np.dtype(np.float64)
    theta = np.atleast_2d(flatten(problem, named)).astype(kept)
    states = flatten_states(problem, own) if problem.states else np.zeros((len(theta), 0))
    return theta, np.atleast_2d(states).astype(kept)


def tensors_of(file: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays of a safetensors file and what it says about them. Raises OSError, and ValueError where it is none."""
    from safetensors import SafetensorError, safe_open

    require_regular(file)
    try:
        with safe_open(file, "numpy") as held:
            return {name: held.get_tensor(name) for name in held.keys()}, dict(held.metadata() or {})  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{file.name}: {error}") from None


def parameters_in(arrays: dict[str, Array], prefix: str = "") -> dict[str, Array]:
    """Those of the parameters, `best.` ones with that prefix."""
    beside = () if prefix else ("best.", "last.", "phase.", "scale.")
    return {
        k.removeprefix(prefix): v
        for k, v in arrays.items()
        if k.startswith(prefix) and not k.startswith(beside)
    }


def table_of(file: Path) -> dict[str, Array]:
    """Columns of numbers, or of texts where one is not a number. Raises OSError, and ValueError with the file's name."""
    require_regular(file)
    with file.open(encoding="utf-8", newline="") as lines:
        names, *rows = [*csv.reader(lines)] or [[]]
    if any(len(row) != len(names) for row in rows):
        raise ValueError(f"{file.name}: it has rows that are shorter or longer than the first one")
    columns = [*zip(*rows, strict=True)] or [()] * len(names)
    return dict(_column(name, cells) for name, cells in zip(names, columns, strict=True))


def _column(name: str, cells: tuple[str, ...]) -> tuple[str, Array]:
    try:
        return name, np.array(cells, np.float64)
    except ValueError:
        return name, np.array(cells)


def each(paths: Iterable[Path]) -> Iterator[Kept]:
    """Raises Unreadable with the folder's name in front."""
    for path in paths:
        try:
            yield read(path)
        except Damaged as error:
            raise Damaged(f"'{path}' is damaged: {error}") from None
        except Unreadable as error:
            raise Unreadable(f"'{path}' is not the folder of a run: {error}") from None
