"""`python -m bench.cuda_windows`: an iteration of LeNet-1 on this machine's GPU, netc beside PyTorch, also as a CUDA graph.

Plain gradient descent in float32 over whole batches in one order, from netc's first parameters. Before a time is taken all
must agree. `--device cpu` only compares, with netc's CPU target and PyTorch eager.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import agreement, further, prepared
from bench.windows import lenet1
from bench.workloads import AGREED, Contender, Precision
from netc.runtime import opening, program_file
from netc.runtime.training.task import Watcher
from netc.runtime.training.train import _Loop
from peers.problems import Arrays

TEXT = """data given, scale = none
network [28x28x1 (conv 5x5, tanh) 4 (avgpool 2x2) (conv 5x5, tanh) 12 (avgpool 2x2) (softmax) 10]
init glorot_uniform
loss cross_entropy
optimizer gd(eta = {rate})
train steps = 1000000000, batch = {batch}, shuffle = false, precision = {precision}
"""


@dataclass(frozen=True)
class Images:
    """LeNet-1 over four batches of numbers drawn once."""

    batch: int
    precision: Precision = "f32"
    rate: float = 0.01
    unit: int = 4
    agreed: int = AGREED

    @property
    def title(self) -> str:
        return f"LeNet-1, batch {self.batch}"

    @property
    def tolerance(self) -> float:
        return 1e-9 if self.precision == "f64" else 1e-4

    def samples(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        count = self.unit * self.batch
        return rng.uniform(0, 1, (count, 784)), np.arange(count) % 10


class Netc:
    def __init__(self, work: Images, target: str) -> None:
        self.name, self.runs = "netc", 1
        text = TEXT.format(rate=work.rate, batch=work.batch, precision=work.precision)
        file = program_file.read_text(text, "lenet1.net", Path.cwd())
        given = program_file.from_arrays(file, *work.samples())
        self.session = opening.open_session(file, {"target": target}, given)
        self.loop = _Loop(self.session.task, Watcher())
        self.loop.state = self.loop.fresh(0)
        self.start = self.weights()
        self.loop.warm_up()

    def advance(self, steps: int) -> None:
        self.loop.state.at += steps
        self.loop.stretches.queue(self.loop.state.at, report=False)
        self.loop.stretches.wait()

    def weights(self) -> Arrays:
        theta = self.loop.state.theta[0].astype(np.float64)
        return {
            t.name: theta[t.offset : t.stop].reshape(t.shape) for t in self.session.program.problem.weights
        }


class Eager:
    name, runs = "PyTorch eager", 1

    def __init__(self, work: Images, start: Arrays, device: str) -> None:
        import torch

        self.work, self.start, self.device = work, start, device
        real = torch.float64 if work.precision == "f64" else torch.float32
        x, y = work.samples()
        images = torch.tensor(x.reshape(-1, 1, 28, 28), dtype=real, device=device)
        self.xs, self.ys = images.split(work.batch), torch.tensor(y, device=device).split(work.batch)
        self.parameters = [torch.tensor(a, dtype=real, device=device) for a in start.values()]
        for p in self.parameters:
            p.requires_grad_()

    def advance(self, steps: int) -> None:
        import torch

        self.queue(steps)
        if self.device == "cuda":
            torch.cuda.synchronize()

    def queue(self, steps: int) -> None:
        import torch
        from torch.nn.functional import cross_entropy

        for n in range(steps):
            x, y = (a[n % self.work.unit] for a in (self.xs, self.ys))
            gradient = torch.autograd.grad(cross_entropy(lenet1(x, *self.parameters), y), self.parameters)
            with torch.no_grad():
                torch._foreach_add_(self.parameters, gradient, alpha=-self.work.rate)

    def weights(self) -> Arrays:
        return {
            n: p.detach().double().cpu().numpy() for n, p in zip(self.start, self.parameters, strict=True)
        }


class Graph(Eager):
    name = "PyTorch, CUDA graph"

    def __init__(self, work: Images, start: Arrays, device: str) -> None:
        from bench.torch_peer import recorded

        super().__init__(work, start, device)
        self.graph = recorded(self.parameters, partial(super().queue, work.unit))

    def queue(self, steps: int) -> None:
        for _ in range(steps // self.work.unit):
            self.graph.replay()


def contenders(work: Images, device: str) -> list[Contender]:
    ours = Netc(work, device)
    made: list[Any] = [Eager(work, ours.start, device)]
    if device == "cuda":
        made.append(Graph(work, ours.start, device))
    return [ours, *made]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.cuda_windows", description=__doc__)
    parser.add_argument("--batches", nargs="+", type=int, default=[32, 128])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    print("| µs an iteration | netc | PyTorch eager | PyTorch, CUDA graph |\n|---|---:|---:|---:|")
    for batch in arguments.batches:
        work = Images(batch)
        made = contenders(work, arguments.device)
        if arguments.device == "cpu":
            print(f"| {work.title}: {agreement(work, made)} apart |", flush=True)
            continue
        taken = further(made, prepared(work, made, 0.1), arguments.repetitions)
        print(f"| {work.title} | {' | '.join(f'{taken[c.name]:.0f}' for c in made)} |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
