"""`python -m bench.cuda`: many starts, many networks and one larger network on this machine's GPU.

First that the GPU ends where the CPU does, on a few runs and iterations; then time of a stretch, the copy of the state
back included. Nothing is measured without a GPU: the error says what is missing. The peers of issue 5
(PyTorch, JAX on the same GPU) are not here yet.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netc.dsl.diagnostics import SpecError
from netc.runtime import session as sessions
from netc.runtime.train import Watcher, _Loop

EXAMPLES = Path(__file__).parents[2] / "examples"
START = "init theta ~ uniform(-3, 3)\n"
OBJECTIVE = "activation g(z) = {g}\nobjective R(w, b) = (g(w + b)^2 + g(b)^2)/4\n" + START
"""One neuron with a bias on the samples (0, 0) and (1, 0), as in the talk."""
ONE, TWO = OBJECTIVE.format(g="z^2 - 1"), OBJECTIVE.format(g="2*z^3 - 3*z^2 + 5")
STEPS = 1000
REPETITIONS = 5


@dataclass(frozen=True)
class Case:
    title: str
    text: str
    iterations: int
    """Of one timed call."""


def cases() -> Iterator[Case]:
    for name, text in (("benchmark 1", ONE), ("benchmark 2", TWO)):
        for exponent in range(4, 9):
            for rule in ("gd(eta = 0.01)", "turpault.LC"):
                end = f"optimizer {rule}\ntrain steps = {STEPS}, runs = {10**exponent}\n"
                yield Case(f"{name}, {rule}, 1e{exponent} starts", text + end, STEPS)
    boston = (EXAMPLES / "boston.net").read_text(encoding="utf-8")
    for exponent in range(2, 6):
        for precision in ("f64", "f32"):
            settings = f"epochs = 200, runs = {10**exponent}, precision = {precision}"
            text = boston.replace("epochs = 200", settings)
            yield Case(f"Boston 13-15-15-1, batch 32, {precision}, 1e{exponent} networks", text, 130)
    mnist = (EXAMPLES / "mnist.net").read_text(encoding="utf-8")
    for batch in ("256", "full"):
        yield Case(
            f"MNIST 784-24-10, batch {batch}, f32", mnist.replace("batch = 64", f"batch = {batch}"), 100
        )


def loop_of(text: str, target: str, runs: int | None = None) -> _Loop:
    changed: dict[str, str | float] = {"target": target} | ({} if runs is None else {"runs": runs})
    file = sessions.read_text(without_expectations(text), "bench.net", EXAMPLES)
    return _Loop(sessions.open_session(file, changed).task, Watcher())


def without_expectations(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("expect"))


def apart(text: str) -> float:
    """How far the targets are from each other after ten iterations of eight runs (one of a single network)."""
    ends = []
    for target in ("cuda", "cpu"):
        loop = loop_of(text, target, 8 if "runs" in text else None)
        state = loop.fresh(0)
        with loop.workers:
            loop.stretches.begin(state)
            loop.stretches.queue(10, report=False)
            loop.stretches.wait()
        ends.append(state.theta)
    return float(np.abs(ends[0] - ends[1]).max())


def seconds(case: Case) -> tuple[float, int]:
    """Of one call, the median; and how many runs it advanced: those that fit in one state."""
    loop = loop_of(case.text, "cuda")
    loop.state = loop.fresh(0)
    with loop.workers:
        loop.warm_up()
        times = []
        for _ in range(REPETITIONS):
            loop.stretches.begin(loop.fresh(0))
            began = time.perf_counter()
            loop.stretches.queue(case.iterations, report=False)
            loop.stretches.wait()
            times.append(time.perf_counter() - began)
    return statistics.median(times), loop.state.runs


def main() -> None:
    print("| case | apart from the CPU | runs at once | µs per iteration | ns per run and iteration |")
    print("|---|---|---|---|---|")
    for case in cases():
        try:
            difference = apart(case.text)
            taken, runs = seconds(case)
        except SpecError as error:
            sys.exit(str(error))
        each = taken / case.iterations
        print(f"| {case.title} | {difference:.1e} | {runs} | {each * 1e6:.1f} | {each / runs * 1e9:.3f} |")


if __name__ == "__main__":
    main()
