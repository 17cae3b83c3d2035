"""`python -m bench.starts`: many starts of one problem, netc beside PyTorch and JAX, each at its best and in a plain loop.

A workload is measured in a process of its own, on as many cores as it has threads. Before a time is taken the
contenders solve a part of it from the same starts and must agree. Where a whole workload would take minutes a part
is timed (fewer starts of a plain loop, fewer iterations of a network), and the time is scaled up: those have a ~.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BENCHMARK = """activation g(z) = z^2 - 1
objective R(w, b) = g(w + b)^2 + g(b)^2
init theta ~ uniform(-3, 3)
"""
BOSTON = """network [13(tanh)15(tanh)15(lin)1]
init glorot_uniform
loss half_mse
"""


@dataclass(frozen=True)
class Starts:
    name: str
    title: str
    text: str
    """The file, but for `train`."""
    train: str
    starts: int
    steps: int
    threads: int
    agreed: int
    """Steps after which ends are compared; after more, rounding may decide where a start goes."""
    parts: dict[str, tuple[int, int]]
    """Contender -> starts and steps that are timed, where that is not all."""

    def share(self, contender: str) -> tuple[int, int]:
        return self.parts.get(contender, (self.starts, self.steps))


WORKLOADS = (
    Starts(
        "lcd", "benchmark 1, LCD until the gradient is below 1e-4, 10 000 starts, one thread",
        f"{BENCHMARK}optimizer turpault.LCD\n", "stop = norm(grad R) < 1e-4", 10_000, 1000, 1, 10,
        {"torch.loop": (10, 1000), "jax.loop": (500, 1000)},
    ),
    Starts(
        "gd", "benchmark 1, GD, 1000 steps, 1 000 000 starts, two threads",
        f"{BENCHMARK}optimizer gd(eta = 0.1)\n", "seed = 0", 1_000_000, 1000, 2, 20,
        {"torch": (1_000_000, 20), "torch.loop": (2, 1000), "jax.loop": (500, 1000)},
    ),
    Starts(
        "boston", "Boston `[13(tanh)15(tanh)15(lin)1]`, Adam, 6000 iterations on 404 samples, 300 starts, two threads",
        f"{BOSTON}optimizer torch.Adam(lr = 0.001)\n", "seed = 0", 300, 6000, 2, 50,
        {"torch": (300, 60), "torch.loop": (2, 300), "jax": (300, 100), "jax.loop": (4, 500)},
    ),
)  # fmt: skip


class Contender(Protocol):
    def run(self, starts: int, steps: int) -> Array:
        """The last parameters (starts, P) after at most so many steps."""


CONTENDERS = {
    "netc": ("bench.starts_netc", "Netc"),
    "torch": ("bench.starts_torch", "Together"),
    "torch.loop": ("bench.starts_torch", "OneByOne"),
    "jax": ("bench.starts_jax", "Together"),
    "jax.loop": ("bench.starts_jax", "OneByOne"),
}
HEADS = {"netc": "netc", "torch": "PyTorch, vectorised", "torch.loop": "PyTorch, a loop", "jax": "JAX, vmap + scan",
         "jax.loop": "JAX, a loop"}  # fmt: skip


def first(work: Starts) -> Array:
    """(starts, P): where netc begins, so that all do."""
    import netc
    from bench.starts_netc import data
    from netc.runtime.training.start import first_theta

    model = netc.compile(f"{work.text}train steps = 1, runs = {work.starts}, {work.train}\n")
    session = model._sessions.after(model._session, *data(work), {}, None, None)
    return first_theta(session.program, 0, work.starts)


def measure(work: Starts, names: list[str], repetitions: int, scale: float) -> dict[str, float]:
    """Seconds of the whole workload; `scale` makes it smaller, for a trial."""
    theta = first(work)
    made = {name: _maker(name)(work, theta) for name in names}
    _agree(work, made, min(64, work.starts))
    seconds = {}
    for name, contender in made.items():
        starts, steps = work.share(name)
        starts = max(1, int(starts * scale))
        contender.run(starts, steps)
        times = []
        for _ in range(repetitions):
            began = time.perf_counter()
            contender.run(starts, steps)
            times.append(time.perf_counter() - began)
        seconds[name] = median(times) * (work.starts / starts) * (work.steps / steps)
    return seconds


def _maker(name: str) -> Callable[[Starts, Array], Contender]:
    module, contender = CONTENDERS[name]
    maker: Callable[[Starts, Array], Contender] = getattr(import_module(module), contender)
    return maker


def _agree(work: Starts, made: dict[str, Contender], starts: int) -> None:
    names = list(made)
    ours = made[names[0]].run(starts, work.agreed)
    for name in names[1:]:
        some = min(starts, work.share(name)[0])
        theirs = made[name].run(some, work.agreed)
        same = np.isclose(theirs, ours[:some], rtol=1e-6, atol=1e-8, equal_nan=True) | ~np.isfinite(theirs)
        if not same.all(axis=1).mean() > 0.98:  # a search may decide otherwise where rounding decides
            raise SystemExit(f"{work.name}: {name} ends elsewhere than {names[0]}\n{theirs[:3]}\n{ours[:3]}")


def table(found: dict[str, dict[str, float]]) -> str:
    names = [name for name in CONTENDERS if any(name in times for times in found.values())]
    lines = [["seconds", *(HEADS[name] for name in names)], ["---", *["---:"] * len(names)]]
    for work in WORKLOADS:
        if times := found.get(work.name):
            lines.append([work.title, *(_cell(work, name, times) for name in names)])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cell(work: Starts, name: str, times: dict[str, float]) -> str:
    if name not in times:
        return ""
    shown = f"{times[name]:.2g}" if times[name] < 100 else f"{times[name]:.0f}"
    if name == "netc":
        return f"**{shown}**"
    ratio = times[name] / times["netc"] if "netc" in times else float("nan")
    times_ours = f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"  # below 1 netc is behind
    return f"{'~' if name in work.parts else ''}{shown} ({times_ours}×)"


def _child(work: Starts, arguments: argparse.Namespace) -> dict[str, float]:
    """In a process of its own, which sees as many cores as the workload has threads."""
    threads = str(work.threads)
    environment = os.environ | {
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "JAX_PLATFORMS": "cpu",
    }
    command = [sys.executable, "-m", "bench.starts", "--child", work.name, "--scale", str(arguments.scale),
               "--repetitions", str(arguments.repetitions), "--contenders", *arguments.contenders]  # fmt: skip
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.starts", description=__doc__)
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument(
        "--only", nargs="+", default=[w.name for w in WORKLOADS], choices=[w.name for w in WORKLOADS]
    )
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of starts, for a trial")
    parser.add_argument("--write", nargs="+", type=Path, default=[], help="documents that hold the table")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    works: dict[str, Any] = {work.name: work for work in WORKLOADS}
    if arguments.child:
        work = works[arguments.child]
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-work.threads :])
        print(json.dumps(measure(work, arguments.contenders, arguments.repetitions, arguments.scale)))
        return
    from bench import report

    found = {name: _child(works[name], arguments) for name in arguments.only}
    cores = "cores as threads"
    text = f"{table(found)}\n{report.circumstances(arguments.repetitions).replace('one thread on one core', cores)}"
    print(text)
    for document in arguments.write:
        report.write(document, text, report.STARTS)


if __name__ == "__main__":
    main()
