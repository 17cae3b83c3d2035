"""Trains programs with both targets, the GPU's in numba's simulator: `python cuda_simulated.py < programs.json`.

A process of its own, since the simulator takes the place of numba.cuda as a whole. Prints one line of JSON for
each program: how far apart the targets are, or what else `do` asks. Sizes are small: a thread of a block is a
thread of Python here.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numpy as np

from layer_programs import CASES
from netc.compiler.kernels.cuda import lets_plan
from netc.compiler.kernels.cuda import plan as cuda_plan
from netc.compiler.kernels.cuda.plan import Card
from netc.dsl.diagnostics import SpecError
from netc.runtime import opening, program_file
from netc.runtime.session import Session
from netc.runtime.training import cuda_stretches as cuda_kernels
from netc.runtime.training import state as states
from netc.runtime.training import train as training
from netc.runtime.training.state import State
from netc.runtime.training.task import Outcome, Task, Watcher
from netc.runtime.training.train import _Loop


def opened(case: dict[str, Any], target: str) -> Session:
    """With `layers`: one of the networks of `layer_programs`, and its samples."""
    layers = CASES.get(case.get("layers", ""))
    text = layers.text(case.get("more", "")) if layers else case["text"]
    file = program_file.read_text(text, "simulated.net", Path.cwd())
    given = program_file.from_arrays(file, *layers.samples()) if layers else None
    steps = {"steps": case["steps"]} if "steps" in case else {}
    return opening.open_session(file, {"target": target, **steps}, given)


def trained(case: dict[str, Any], target: str) -> tuple[State, Session]:
    """All runs to their end in two stretches, both queued before the first is waited for; without reports."""
    session = opened(case, target)
    loop = _Loop(session.task, Watcher())
    state, stretches = loop.fresh(0), loop.stretches
    with loop.workers:
        stretches.begin(state)
        for stretch, last in enumerate((loop.total // 2, loop.total)):
            stretches.queue(last, report=False)
            if stretch >= stretches.depth - 1:
                stretches.wait()
        for _ in range(stretches.depth - 1):
            stretches.wait()
    return state, session


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Largest, relative to the larger numbers; NaN equals NaN."""
    other = ~(np.isnan(a) & np.isnan(b) | (a == b))
    return float(np.max(np.abs(a - b)[other] / np.maximum(1, np.abs(b))[other], initial=0))


def compare(case: dict[str, Any]) -> dict[str, Any]:
    cuda_kernels.TEAMS = 2
    cuda_plan.WORK = lets_plan.WIDE = 0 if case.get("grid") else 10**9
    threads = case.get("threads", 4)
    card = Card(threads=threads, crowd=threads, blocks=1, shared=case.get("shared", 48 * 1024))
    cuda_kernels.card = lambda: card
    gpu, session = trained(case, "cuda")
    cpu, _ = trained(case, "cpu")
    problem = session.program.problem
    width, states = problem.parameters, cpu.theta.shape[1] - problem.state_numbers
    return {
        "shape": session.cuda_module().SHAPE,
        "theta": difference(gpu.theta[:, :width], cpu.theta[:, :width]),
        "states": difference(gpu.theta[:, states:], cpu.theta[:, states:]),
        "vectors": difference(gpu.vectors[:, :, :width], cpu.vectors[:, :, :width]),
        "scalars": difference(gpu.scalars, cpu.scalars),
        "figures": difference(gpu.figures, cpu.figures),
        "counters": gpu.counters.tolist(),
        "same": bool((gpu.counters == cpu.counters).all() and (gpu.order == cpu.order).all()),
    }


def kept(arrays: dict[str, np.ndarray]) -> str:
    """Of everything in a checkpoint but the seconds it took, to the bit."""
    digest = hashlib.sha256()
    for name in sorted(arrays.keys() - {"seconds"}):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


class Recorder(Watcher):
    """Every report, and the checkpoint of every iteration that has one."""

    outcome: Outcome

    def __init__(self) -> None:
        self.reports: list[Any] = []
        self.checkpoints: dict[str, str] = {}
        self.arrays: dict[str, np.ndarray] = {}

    def reported(self, epoch: float, step: int, figures: np.ndarray) -> None:
        self.reports.append([epoch, step, kept({"figures": figures})])

    def checkpoint(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = {name: np.array(array) for name, array in arrays.items()}
        self.checkpoints[str(arrays["position"].tolist())] = kept(arrays)


def task(case: dict[str, Any], target: str) -> Task:
    file = program_file.read_text(case["text"], "simulated.net", Path.cwd())
    return opening.open_session(file, {"target": target}).task


def whole(case: dict[str, Any], watch: Recorder, resume: dict[str, np.ndarray] | None = None) -> list[Any]:
    """What came of a whole training, or what was said."""
    try:
        outcome = training.train(task(case, "cuda"), watch, resume)
    except SpecError as error:
        return [str(error)]
    watch.outcome = outcome
    results = ("theta", "best", "counters", "history", "stops", "final", "grown")
    return [outcome.interrupted, kept({name: getattr(outcome, name) for name in results})]


def pipelined(case: dict[str, Any]) -> dict[str, Any]:
    """A training with one stretch under way, and with two; and how far its reports are from the CPU's."""
    cuda_kernels.TEAMS = 2
    training.BETWEEN_CHECKPOINTS = 0.0
    states.MOST_ON_GPU = case.get("at_once", 2**22)
    found: dict[str, Any] = {}
    for depth in (1, 2):
        cuda_kernels.OnGpu.depth = depth
        watch = Recorder()
        found[str(depth)] = [whole(case, watch), watch.reports, watch.checkpoints]
    cpu = training.train(task(case, "cpu"), Watcher())
    gpu = watch.outcome
    found["apart"] = max(difference(gpu.history, cpu.history), difference(gpu.final, cpu.final))
    return found


driver_error = type("CudaAPIError", (Exception,), {"__module__": "numba.cuda.cudadrv.driver"})
"""The simulator's own writes itself otherwise."""


def failing(case: dict[str, Any]) -> dict[str, Any]:
    """A call of the driver fails in the middle of a training, which is then resumed."""
    from numba import cuda
    from numba.cuda.simulator import api
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    cuda_kernels.TEAMS = 2
    undisturbed = whole(case, Recorder())
    homes: dict[str, Any] = {
        "copy_to_host": FakeCUDAArray, "copy_to_device": FakeCUDAArray, "record": api.Event, "synchronize": api.stream,
        "wait": api.Event, "device_array": cuda, "pinned_array": cuda, "stream": cuda,
    }  # fmt: skip
    home, name = homes[case["place"]], case["place"]
    real, calls = getattr(home, name), itertools.count()

    def call(*arguments: Any, **named: Any) -> Any:
        if next(calls) >= case["after"]:
            raise driver_error(f"[{case['code']}] Call to {name} results in {case['error']}")
        return real(*arguments, **named)

    watch = Recorder()
    setattr(home, name, call)
    try:
        said = whole(case, watch)
    finally:
        setattr(home, name, real)
    again = whole(case, Recorder(), watch.arrays) if watch.arrays else None
    at = int(watch.arrays["position"][1]) if watch.arrays else -1
    return {"said": said, "at": at, "same": again == undisturbed}


DOES = {"compare": compare, "pipelined": pipelined, "failing": failing}

if __name__ == "__main__":
    for case in json.load(sys.stdin):
        print(json.dumps(DOES[case.get("do", "compare")](case)), flush=True)
