"""What finished runs leave behind: one row for each run, whether there are three or a million.

Where there is a folder, the rows are files in it that are as large as the memory is not: they are kept when the
process ends early, whatever ends it, and read back when it is resumed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netc.runtime.parameters import Array
from netc.runtime.training.report import FIGURES
from netc.runtime.training.state import State, Unfit, require_counters, within

COUNTERS = 4
"""Of the kernels' counters: iterations, loss evaluations, gradient evaluations, status."""
NAMES = ("theta", "best", "counters", "figures", "grown", "watched", "kept_figures", "best_step")


class FinishedRuns:
    """Rows 0 ... count-1 are filled, in the order of the runs; those of `theta` and `best` are the parameters and, behind
    them, the states of layers."""

    def __init__(
        self,
        runs: int,
        parameters: int,
        states: int,
        real: type[np.floating],
        folder: Path | None = None,
        grown: Sequence[int] = (),
        watched: int = 0,
        keeps: bool = False,
    ) -> None:
        """Raises OSError where the folder has no room for all rows, Unfit where it holds others."""
        self.folder, self.count, self.counts = folder, 0, list(grown)
        self.parameters, self.states = parameters, states
        width = parameters + states
        self.shapes: tuple[tuple[int, type[np.generic]], ...] = (
            (width, real), (width, real), (COUNTERS, np.int64), (len(FIGURES), np.float64),
            (len(grown), np.float64), (watched, np.float64), (len(FIGURES) * keeps, np.float64), (1, np.int64),
        )  # fmt: skip
        self.kept = folder is not None and all((folder / f"{name}.npy").exists() for name in NAMES)
        """Whether there are rows of an earlier process."""
        (
            self.theta, self.best, self.counters, self.figures, self.grown, self.watched, self.kept_figures, self.best_step,
        ) = (
            np.empty((runs, columns), dtype) if folder is None else _on_disk(folder / f"{name}.npy", (runs, columns), dtype)
            for name, (columns, dtype) in zip(NAMES, self.shapes, strict=True)
        )  # fmt: skip

    def enter(self, state: State, theta: Array, watched: Array, kept: Array | None = None) -> None:
        """The runs of a state, at their last iteration and after their last report, the rows theta (runs, STRIDE) where
        they are measured there, and the values of what is monitored;
        `kept` (runs, FIGURES): figures of their best parameters, where these are what is kept."""
        at = slice(state.first, state.first + state.runs)
        for table, rows in ((self.theta, theta), (self.best, state.best)):
            table[at, : self.parameters] = rows[:, : self.parameters]
            table[at, self.parameters :] = rows[:, rows.shape[1] - self.states :]
        self.counters[at], self.figures[at] = state.counters[:, :COUNTERS], state.last
        self.grown[at], self.watched[at] = state.scalars[:, self.counts], watched
        self.best_step[at, 0], self.kept_figures[at] = state.best_step, np.nan if kept is None else kept
        self.count = at.stop

    def arrays(self) -> dict[str, Array]:
        """For a checkpoint: the filled rows, unless files keep them already."""
        if self.folder is not None:
            return {}
        return {f"finished.{name}": getattr(self, name)[: self.count] for name in NAMES}

    def restore(self, arrays: dict[str, Array], count: int, total: int) -> None:
        """The rows of the first `count` runs, of at most `total` iterations each. Raises Unfit."""
        self.count = count
        if self.folder is None:
            for name, (columns, dtype) in zip(NAMES, self.shapes, strict=True):
                within(arrays, f"finished.{name}", (count, columns), dtype)
                getattr(self, name)[:count] = arrays[f"finished.{name}"]
        elif not self.kept:
            raise Unfit(f"the results of the runs that are done are no longer in '{self.folder}'")
        require_counters(self.counters[:count], total)


def bytes_per_run(parameters: int, real: int, keeps: bool) -> int:
    return 2 * parameters * real + 8 * (COUNTERS + 1 + len(FIGURES) * (1 + keeps))


def _on_disk(file: Path, shape: tuple[int, int], dtype: Any) -> Array:
    """The array of a file, made with all its room reserved: later a full disk could only kill the process."""
    if file.exists():
        if not file.is_file() or file.is_symlink():
            raise Unfit(f"'{file}' is no file")
        try:
            found: Array = np.load(file, mmap_mode="r+")
        except (ValueError, EOFError) as error:
            raise Unfit(f"'{file}' is damaged: {error}") from None
        within({file.name: found}, file.name, shape, dtype)
        return found
    file.parent.mkdir(exist_ok=True)
    made = np.lib.format.open_memmap(file, "w+", dtype, shape)
    try:
        if hasattr(os, "posix_fallocate"):
            with file.open("r+b") as handle:
                os.posix_fallocate(handle.fileno(), 0, file.stat().st_size)
    except OSError:
        shutil.rmtree(file.parent, ignore_errors=True)
        raise
    return made
