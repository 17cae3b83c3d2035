"""`python -m bench.layers`: networks of layers beside PyTorch eager, one thread each; a further step of gradient descent.

Measured as `python -m bench` does: agreement first, (T(3n) - T(n)) / 2n of processor time, repetitions in turns.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.__main__ import _one_core
from bench.workloads import AGREED
from peers.problems import Arrays

if TYPE_CHECKING:
    from peers.networks import Network

SAMPLES, RATE = 512, 0.01


@dataclass(frozen=True)
class LayerWork:
    network: Network
    batch: int
    precision: str = "f32"
    agreed: int = AGREED

    @property
    def title(self) -> str:
        return f"{self.network.name}, batches of {self.batch}"

    @property
    def unit(self) -> int:
        return SAMPLES // self.batch

    @cached_property
    def tolerance(self) -> float:
        """Twice what rounding alone does to the weights in that time, which is much where relu, maxima and batch norm
        multiply it: how far PyTorch in float32 is from PyTorch in float64. At least 1e-4."""
        exact, rounded = Torch(self, "float64"), Torch(self)
        for contender in (exact, rounded):
            contender.advance(math.ceil(self.agreed / self.unit) * self.unit)
        near = rounded.weights()
        return max(
            1e-4,
            *(2 * float(np.abs(near[n] - w).max() / np.abs(w).max()) for n, w in exact.weights().items()),
        )

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        x, y = self.network.data(SAMPLES)
        return x.astype(np.float32), y

    @cached_property
    def model(self) -> Any:
        import netc

        return netc.compile(
            f"{self.network.text}init glorot_uniform\nloss cross_entropy\noptimizer gd(eta = {RATE})\n"
            f"train steps = 1, batch = {self.batch}, shuffle = false, precision = {self.precision}\n"
            "monitor loss, every = 1000000\n"
        )

    @cached_property
    def start(self) -> Arrays:
        found: Arrays = self.model.unflatten(
            np.random.default_rng(1).uniform(-0.2, 0.2, self.model.parameters)
        )
        return found


class Netc:
    name, runs = "netc", 1

    def __init__(self, work: LayerWork) -> None:
        self.work = work

    def advance(self, steps: int) -> None:
        self.result = self.work.model.train(*self.work.data, steps=steps, theta=self.work.start, threads=1)

    def weights(self) -> Arrays:
        found: Arrays = self.work.model.unflatten(self.result.theta[0])
        return found


class Torch:
    name, runs = "PyTorch eager", 1

    def __init__(self, work: LayerWork, precision: str = "float32") -> None:
        import torch

        torch.set_num_threads(1)
        self.work, self.torch, self.dtype = work, torch, getattr(torch, precision)
        x, y = (torch.tensor(a) for a in work.data)
        parts = (x.to(self.dtype).split(work.batch), y.split(work.batch))
        self.batches = list(zip(*parts, strict=True))

    def advance(self, steps: int) -> None:
        """From the start, as netc's."""
        torch = self.torch
        self.parameters = {
            name: torch.tensor(values, dtype=self.dtype, requires_grad=True)
            for name, values in self.work.start.items()
        }
        given, values = self.parameters | self.states(), list(self.parameters.values())
        for n in range(steps):
            x, y = self.batches[n % len(self.batches)]
            loss = torch.nn.functional.cross_entropy(self.work.network.outputs(given, x, True), y)
            slopes = torch.autograd.grad(loss, values)
            with torch.no_grad():
                torch._foreach_add_(values, slopes, alpha=-RATE)

    def states(self) -> dict[str, Any]:
        """Running means and variances of batch norm."""
        torch = self.torch
        norms = [n.removesuffix(".gamma") for n in self.parameters if n.endswith(".gamma")]
        sizes = {n: self.work.start[f"{n}.gamma"].shape for n in norms}
        return {f"{n}.m": torch.zeros(s, dtype=self.dtype) for n, s in sizes.items()} | {
            f"{n}.s": torch.ones(s, dtype=self.dtype) for n, s in sizes.items()
        }

    def weights(self) -> Arrays:
        return {name: values.detach().double().numpy() for name, values in self.parameters.items()}


def works() -> Iterator[LayerWork]:
    from peers import networks

    for make in (
        networks.lenet1,
        networks.lenet5,
        networks.vgg,
        networks.resnet,
        networks.lstm,
        networks.vit,
    ):
        yield LayerWork(make(), 32)
    yield LayerWork(networks.lenet1(), 128)


def table(rows: Sequence[tuple[LayerWork, dict[str, float]]]) -> str:
    from bench.report import cell

    names = [Netc.name, Torch.name]
    lines = [["µs per iteration, f32", *names], ["---", "---:", "---:"]]
    lines += [[w.title, *(cell(times[n], times[Netc.name], n) for n in names)] for w, times in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.layers", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="networks whose title contains TEXT")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one repetition of one contender")
    arguments = parser.parse_args()
    _one_core()
    import time

    from bench import report
    from bench.measure import times

    rows = []
    for work in works():
        if arguments.only in work.title:
            contenders = [Netc(work), Torch(work)]
            rows.append(
                (work, times(work, contenders, arguments.repetitions, arguments.seconds, time.process_time))
            )
            print(table(rows[-1:]), flush=True)
    print(f"{table(rows)}\n{report.circumstances(arguments.repetitions)}")


if __name__ == "__main__":
    main()
