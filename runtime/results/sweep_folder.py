"""The folder of a sweep: one of a run for each point, under `points/`, and all runs in one table, `sweep.csv`.

A point is done when its `figures.safetensors` is there, which is written last; a sweep that is resumed reads it.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netc.compiler.meaning.spec import Sweep
from netc.dsl.printer import print_expr
from netc.dsl.reading import read_bytes, require_regular
from netc.runtime.atomic import write_bytes, write_text
from netc.runtime.parameters import Array
from netc.runtime.results.sweep_result import Point, SweepResult

DONE = "figures.safetensors"
MOST = 2**30
"""Bytes of the figures of a point."""


@dataclass(frozen=True)
class SweepFolder:
    path: Path

    def point(self, number: int) -> Path:
        return self.path / "points" / f"{number:05}"

    def read(self, number: int, names: frozenset[str]) -> dict[str, Array] | None:
        """The figures of a point that is done; None of one that is not. ValueError where they are others."""
        from safetensors import SafetensorError, safe_open

        path = self.point(number) / DONE
        if not path.exists():
            return None
        require_regular(path)
        try:
            with safe_open(path, "numpy") as file:
                order = json.loads((file.metadata() or {}).get("names", "[]"))
                found = {name: file.get_tensor(name) for name in order}
        except (SafetensorError, ValueError, TypeError) as error:
            raise ValueError(f"'{path}' is damaged: {error}") from None
        if not names <= {*found} or len({a.shape for a in found.values()}) != 1 or found["steps"].ndim != 1:
            raise ValueError(f"'{path}' is not of this sweep")
        return found

    def write(self, number: int, figures: dict[str, Array]) -> None:
        from safetensors.numpy import save

        arrays = {name: np.ascontiguousarray(array) for name, array in figures.items()}
        write_bytes(self.point(number) / DONE, save(arrays, {"names": json.dumps([*figures])}))

    def read_turn(self, number: int, turn: int) -> dict[str, Array] | None:
        """By halving: the figures of a point at the end of a round."""
        from safetensors.numpy import load

        path = self.point(number) / f"round-{turn}.safetensors"
        return load(read_bytes(path, MOST)) if path.exists() else None

    def write_turn(self, number: int, turn: int, figures: dict[str, Array]) -> None:
        from safetensors.numpy import save

        arrays = {name: np.ascontiguousarray(array) for name, array in figures.items()}
        write_bytes(self.point(number) / f"round-{turn}.safetensors", save(arrays))

    def keep(self, number: int, files: dict[str, bytes]) -> None:
        """The folder of a point that was trained elsewhere."""
        self.point(number).mkdir(parents=True, exist_ok=True)
        for name in sorted(files, key=lambda name: name == DONE):
            write_bytes(self.point(number) / name, files[name])

    def write_result(self, result: SweepResult) -> None:
        write_text(self.path / "sweep.csv", table(result.points, result.sweep))
        write_text(self.path / "summary.json", json.dumps(result.summary, indent=2, allow_nan=False) + "\n")


def halted(point: Path) -> bool:
    """Whether this is the folder of a point that halving has stopped before its end."""
    from safetensors.numpy import load

    path = point / DONE
    found = load(read_bytes(path, MOST)) if path.is_file() else {}
    return "halted" in found and bool(np.isfinite(found["halted"]).all())


def table(points: tuple[Point, ...], sweep: Sweep) -> str:
    """A row for each run of each point: the values of the axes, and the figures so that they are read back to the same
    bits, `loss_test` for `loss(test)`."""
    names = list(dict.fromkeys(name for p in points for name in p.figures))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = [name.replace("(", "_").rstrip(")") for name in names]
    writer.writerow(["point", *(axis.name for axis in sweep.axes), "run", *heads])
    for point in points:
        values = [print_expr(value) for value in point.values]
        for run in range(len(point.figures["steps"])):
            cells = [point.figures[n][run].item() if n in point.figures else "" for n in names]
            writer.writerow([point.number, *values, run, *cells])
    return text.getvalue()
