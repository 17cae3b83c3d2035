"""What the bench of the CUDA target measures, what is aimed at (issue 5), and how operations are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bench.objectives import Objective
from bench.workloads import Workload, images
from peers.problems import boston

JAX = ("JAX, columns", "JAX, rows", "JAX, vmap + scan")
EAGER = ("PyTorch eager",)


@dataclass(frozen=True)
class Aim:
    """`times` the time of the fastest of some peers, or a share of the peak, that netc reaches at least."""

    least: float
    peers: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.peers:
            return f"{self.least:.0%} of the peak"
        who = self.peers[0].partition(",")[0]
        return f"{self.least:g}× {who}" if self.least != 1 else f"not slower than {who}"

    def verdict(self, times: Mapping[str, float], share: float | None) -> str:
        measured = [times[p] for p in self.peers if p in times]
        if "netc" not in times or (self.peers and not measured) or (not self.peers and share is None):
            return f"{self}: not measured"
        reached = min(measured) / times["netc"] if measured else share or 0.0
        shown = f"{reached:.1f}×" if self.peers else f"{reached:.0%}"
        return f"{self}: {'met' if reached >= self.least else '**missed**'} ({shown})"


@dataclass(frozen=True)
class Case:
    work: Workload | Objective
    aims: tuple[Aim, ...] = ()

    @property
    def runs(self) -> int:
        return self.work.runs


def cases(largest: float) -> Iterator[Case]:
    """None of more runs than that. Data are made when their case comes."""
    for number in (1, 2):
        numbers: Literal[1, 2] = 1 if number == 1 else 2
        for exponent in range(4, 9):
            if 10**exponent <= largest:  # fewer starts than the GPU has threads cannot fill it
                yield Case(Objective(numbers, 10**exponent), (Aim(0.4),) if exponent >= 6 else ())
    for precision in ("f32", "f64"):
        for exponent in range(2, 6):
            if 10**exponent <= largest:
                aims = (Aim(5, JAX), *((Aim(0.2),) if precision == "f32" else ())) if exponent >= 4 else ()
                yield Case(networks(10**exponent, "f32" if precision == "f32" else "f64"), aims)
    for batch in (256, 0):
        yield Case(mnist(60_000, batch), (Aim(1, EAGER),) if batch else ())


def small() -> Iterator[Case]:
    """Of the same kinds, for the agreement alone."""
    yield Case(Objective(1, 64))
    yield Case(Objective(2, 64))
    for precision in ("f64", "f32"):
        yield Case(networks(8, "f32" if precision == "f32" else "f64"))
        for batch in (256, 0):
            yield Case(mnist(512, batch, "f32" if precision == "f32" else "f64"))


def networks(runs: int, precision: Literal["f64", "f32"]) -> Workload:
    title = f"Boston 13-15-15-1, batch 32, {runs:.0e} networks".replace("e+0", "e")
    return Workload(title, boston(samples=384), precision, 32, runs, 0.05)


def mnist(samples: int, batch: int, precision: Literal["f64", "f32"] = "f32") -> Workload:
    """MNIST in shape; whole batches, or all samples at once where the batch is 0."""
    count = samples // batch * batch if batch else samples
    title = f"MNIST 784-24-10, batch {batch or 'full'}"
    return Workload(title, images(count), precision, batch or count, 1, 0.05)


FLOAT64 = re.compile(r"^\s*(fma|add|sub|mul)(?:\.rn)?\.f64\b", re.MULTILINE)
JUMP = re.compile(r"\bbra(?:\.uni)?\s+(\$L\w+);")


def operations_of_loop(ptx: str) -> int:
    """float64 operations of one turn of the loop that has most, in a kernel of one run per thread: an iteration of a
    rule without searches. A fused multiply-add is two; comparisons are none."""
    lines = ptx.splitlines()
    labels = {line[:-1]: at for at, line in enumerate(lines) if line.startswith("$L") and line.endswith(":")}
    jumps = [
        (labels[m[1]], at) for at, line in enumerate(lines) if (m := JUMP.search(line)) and m[1] in labels
    ]
    loops = ["\n".join(lines[first:last]) for first, last in jumps if first < last]
    counts = [sum(2 if name == "fma" else 1 for name in FLOAT64.findall(loop)) for loop in loops]
    return max(counts, default=0)
