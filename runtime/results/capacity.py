"""Before very many runs begin: do they fit into the memory and onto the disk? An estimate, and a refusal.

Nothing is measured while training runs: what the estimate allows is reserved or bounded (`training/finished_runs.py`,
`training/state.py`).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from netc.dsl.diagnostics import Diagnostic
from netc.dsl.source import Span
from netc.runtime.free_room import free_memory, size
from netc.runtime.results.table_of_runs import AS_TEXT, STARTS, TEXT_CELL
from netc.runtime.training import finished_runs
from netc.runtime.training.report import COLUMNS
from netc.runtime.training.state import bytes_per_run, real_type, runs_at_once
from netc.runtime.training.task import Task, reports

SHARE = 0.8
"""Of what is free, what a training may take."""


@dataclass(frozen=True)
class Need:
    """Bytes."""

    memory: int
    disk: int
    history: int
    """What of the memory the history takes; on disk it takes about three times as much."""


def need(task: Task, folder: bool) -> Need:
    """Of a training whose results go to a folder, or stay in the memory."""
    program, kernels = task.program, task.kernels
    runs, parameters = program.training.runs, kernels.PARAMETERS
    real = real_type(program)(0).itemsize
    in_hand = runs_at_once(kernels, program, task.train.count)
    kept = runs * finished_runs.bytes_per_run(parameters + program.problem.state_numbers, real, task.keeps)
    history = 8 * (len(COLUMNS) + len(program.rule.followed)) * reports(task)
    memory = in_hand * bytes_per_run(kernels, program, task.train.count) + 2 * history
    memory += task.threads * kernels.SCRATCH * real
    if not folder or in_hand == runs:
        return Need(memory + kept, 0, history) if not folder else Need(memory + kept, 3 * history, history)
    cells = 10 + 2 * parameters * (parameters <= STARTS)
    table = runs * cells * (8 if runs > AS_TEXT else TEXT_CELL)
    return Need(memory, kept + 2 * runs * parameters * real + table + 3 * history, history)


def too_little(task: Task, folder: Path | None, span: Span) -> Diagnostic | None:
    """What to say where this machine is too small, before anything is begun."""
    wanted, runs = need(task, folder is not None), task.program.training.runs
    memory, disk = free_memory(), free_disk(folder) if folder else 0
    for what, bytes_wanted, free in (("memory", wanted.memory, memory), ("disk", wanted.disk, disk)):
        if bytes_wanted <= SHARE * free or (what == "disk" and folder is None):
            continue
        message = f"{runs} runs need about {size(bytes_wanted)} of {what}, and {size(free)} are free"
        hints = ["fewer runs"]
        if wanted.history > bytes_wanted / 4:
            hints = ["fewer reports, or `monitor loss, history = summary`"]
        elif what == "memory" and folder is None:
            hints = ["`netc run` keeps the results on disk instead"]
        elif what == "disk":
            hints = ["--out names another place"]
        return Diagnostic("E0516", message, span, hints=tuple(hints))
    return None


def free_disk(folder: Path) -> int:
    """Where the folder is, or will be."""
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    return shutil.disk_usage(there).free
