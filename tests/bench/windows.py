"""`python -m bench.windows`: a step of networks of windows, netc's kernels beside PyTorch eager, both with one thread.

Loss and gradient of a batch, and theta minus a small multiple of it; from the same weights and samples, after both have
been found to agree. By processor time, and as ratios: what else the machine does is in both.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

RATE = 1e-3


@dataclass(frozen=True)
class Network:
    name: str
    image: tuple[int, int, int]
    outputs: Callable[..., Any]
    """In PyTorch, of its parameters in netc's order and x (samples, channels, height, width)."""


def _flat(z: Any, weight: Any, bias: Any) -> Any:
    """A dense layer over (height, width, channel), as netc's weights lie."""
    return z.movedim(1, -1).flatten(1) @ weight.flatten(1).T + bias


def lenet1(x: Any, k1: Any, b1: Any, k2: Any, b2: Any, w: Any, b: Any) -> Any:
    import torch
    from torch.nn import functional as F

    z = F.avg_pool2d(torch.tanh(F.conv2d(x, k1, b1)), 2)
    return _flat(F.avg_pool2d(torch.tanh(F.conv2d(z, k2, b2)), 2), w, b)


def lenet5(x: Any, k1: Any, b1: Any, k2: Any, b2: Any, *dense: Any) -> Any:
    from torch.nn import functional as F

    z = F.max_pool2d(F.relu(F.conv2d(x, k1, b1, padding=2)), 2)
    z = F.relu(_flat(F.max_pool2d(F.relu(F.conv2d(z, k2, b2)), 2), *dense[:2]))
    return F.linear(F.relu(F.linear(z, *dense[2:4])), *dense[4:])


def vgg(z: Any, *parameters: Any) -> Any:
    from torch.nn import functional as F

    for layer in range(4):
        z = F.relu(F.conv2d(z, *parameters[2 * layer : 2 * layer + 2], padding=1))
        z = F.max_pool2d(z, 2) if layer % 2 else z
    return _flat(z, *parameters[8:])


NETWORKS = (
    Network("lenet1", (28, 28, 1), lenet1),
    Network("lenet5", (28, 28, 1), lenet5),
    Network("vgg", (16, 16, 3), vgg),
)
SAMPLES = 512


class Netc:
    def __init__(self, network: Network, batch: int, precision: str, x: Any, y: Any, theta: Any) -> None:
        import nets
        from hand_built import program
        from netc.compiler import pipeline
        from netc.compiler.kernels.cpu.target import Cpu
        from netc.runtime import host
        from netc.runtime.devices.load import load_kernels
        from netc.runtime.training.sample_layout import lay_out

        target = Cpu(host.machine())
        made = program(
            getattr(nets, network.name)(), f"batch = {batch}, shuffle = true, precision = {precision}"
        )
        self.kernels = load_kernels(pipeline.to_text(pipeline.to_loops(made, target, len(x)), target))
        real = np.float32 if precision == "f32" else np.float64
        self.samples = lay_out(x, y, self.kernels.BLOCK, real, bool(self.kernels.BY_SAMPLE))
        self.order = np.random.default_rng(1).permutation(len(x))
        self.theta, self.grad = np.zeros((2, self.kernels.STRIDE), real)
        self.theta[: len(theta)] = theta
        self.scratch, self.batch, self.at = np.zeros(self.kernels.SCRATCH, real), batch, 0

    def step(self) -> float:
        samples = self.samples
        loss: float = self.kernels.gradient(
            self.theta, samples.x, samples.y, self.order, self.at, self.batch, self.grad, self.scratch
        )
        self.theta -= RATE * self.grad
        self.at = (self.at + self.batch) % SAMPLES
        return loss


class Torch:
    def __init__(
        self, network: Network, batch: int, precision: str, x: Any, y: Any, theta: Any, order: Any
    ) -> None:
        import torch

        import nets

        torch.set_num_threads(1)
        real = torch.float32 if precision == "f32" else torch.float64
        weights = getattr(nets, network.name)().weights
        self.parameters = [
            torch.tensor(theta[t.offset : t.stop].reshape(t.shape), dtype=real) for t in weights
        ]
        for p in self.parameters:
            p.requires_grad_()
        images = x.reshape(len(x), *network.image)[order]
        self.x = torch.tensor(np.moveaxis(images, -1, 1).copy(), dtype=real)
        self.y = torch.tensor(y.argmax(axis=1)[order])
        self.network, self.batch, self.at = network, batch, 0

    def step(self) -> float:
        import torch
        from torch.nn.functional import cross_entropy

        part = slice(self.at, self.at + self.batch)
        loss = cross_entropy(self.network.outputs(self.x[part], *self.parameters), self.y[part])
        gradient = torch.autograd.grad(loss, self.parameters)
        with torch.no_grad():
            torch._foreach_add_(self.parameters, gradient, alpha=-RATE)
        self.at = (self.at + self.batch) % SAMPLES
        return float(loss.detach())


def measure(network: Network, batch: int, precision: str, repetitions: int) -> tuple[float, float]:
    """Microseconds of a step, of netc and of PyTorch; the best of several turns, taken by turns."""
    import nets

    made = getattr(nets, network.name)()
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (SAMPLES, made.inputs))
    y = np.eye(made.outputs)[rng.integers(0, made.outputs, SAMPLES)]
    theta = rng.uniform(-0.1, 0.1, made.parameters)
    netc = Netc(network, batch, precision, x, y, theta)
    torch = Torch(network, batch, precision, x, y, theta, netc.order)
    close = 1e-4 if precision == "f32" else 1e-10
    for _ in range(5):
        losses = netc.step(), torch.step()
        if abs(losses[0] - losses[1]) > close * abs(losses[1]):
            raise SystemExit(f"{network.name}: netc and PyTorch disagree: {losses}")
    best = [float("inf"), float("inf")]
    steps = max(2, 256 // batch)
    for _ in range(repetitions):
        for i, contender in enumerate((netc, torch)):
            began = time.process_time()
            for _ in range(steps):
                contender.step()
            best[i] = min(best[i], (time.process_time() - began) / steps * 1e6)
    return best[0], best[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.windows", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[n.name for n in NETWORKS])
    parser.add_argument("--batches", nargs="+", type=int, default=[32, 128])
    parser.add_argument("--precision", nargs="+", default=["f32"], choices=["f32", "f64"])
    parser.add_argument("--repetitions", type=int, default=20)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    print("| network | batch | netc, us | PyTorch eager, us | ratio | load |\n|---|---|---|---|---|---|")
    for network in (n for n in NETWORKS if n.name in arguments.only):
        for precision in arguments.precision:
            for batch in arguments.batches:
                ours, theirs = measure(network, batch, precision, arguments.repetitions)
                load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
                row = (
                    f"{network.name} {precision}",
                    batch,
                    f"{ours:.0f}",
                    f"{theirs:.0f}",
                    f"{theirs / ours:.1f}",
                )
                print(f"| {' | '.join(map(str, row))} | {load:.1f} |", flush=True)


if __name__ == "__main__":
    main()
