"""Trains programs with both targets, the GPU's in numba's simulator: `python cuda_simulated.py < programs.json`.

A process of its own, since the simulator takes the place of numba.cuda as a whole. Prints one line of JSON for
each program: how far apart the targets are. Sizes are small: a thread of a block is a thread of Python here.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numpy as np

from netc.compiler import cuda_plan
from netc.compiler.cuda_plan import Card
from netc.runtime import cuda_kernels
from netc.runtime import session as sessions
from netc.runtime.state import State
from netc.runtime.train import Watcher, _Loop


def trained(text: str, target: str) -> tuple[State, sessions.Session]:
    """All runs to their end in two stretches, without reports."""
    file = sessions.read_text(text, "simulated.net", Path.cwd())
    session = sessions.open_session(file, {"target": target})
    loop = _Loop(session.task, Watcher())
    state = loop.begin(0)
    with loop.workers:
        for last in (loop.total // 2, loop.total):
            if len(rows := state.running(np.arange(state.runs))):
                loop._call_advance(state, rows, last)
    return state, session


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Largest, relative to the larger numbers; NaN equals NaN."""
    other = ~(np.isnan(a) & np.isnan(b) | (a == b))
    return float(np.max(np.abs(a - b)[other] / np.maximum(1, np.abs(b))[other], initial=0))


def compare(case: dict[str, Any]) -> dict[str, Any]:
    cuda_kernels.TEAMS = 2
    cuda_plan.WORK = 0 if case.get("grid") else 10**9
    threads = case.get("threads", 4)
    card = Card(threads=threads, crowd=threads, blocks=1, shared=case.get("shared", 48 * 1024))
    cuda_kernels.card = lambda: card
    gpu, session = trained(case["text"], "cuda")
    cpu, _ = trained(case["text"], "cpu")
    width = session.program.problem.parameters
    return {
        "shape": session.cuda_module().SHAPE,
        "theta": difference(gpu.theta[:, :width], cpu.theta[:, :width]),
        "vectors": difference(gpu.vectors[:, :, :width], cpu.vectors[:, :, :width]),
        "scalars": difference(gpu.scalars, cpu.scalars),
        "figures": difference(gpu.figures, cpu.figures),
        "counters": gpu.counters.tolist(),
        "same": bool((gpu.counters == cpu.counters).all() and (gpu.order == cpu.order).all()),
    }


if __name__ == "__main__":
    for case in json.load(sys.stdin):
        print(json.dumps(compare(case)), flush=True)
