"""Training in PyTorch, float64, samples in the order of the data: the outside truth of the trajectories."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from peers.problems import Arrays, Problem

MakeOptimizer = Callable[[Iterable[Tensor]], torch.optim.Optimizer]


@dataclass(frozen=True)
class Trajectory:
    losses: NDArray[np.float64]
    """Of all samples, at theta[0] and after each epoch."""
    weights: Arrays
    """After the last iteration."""


def train(
    problem: Problem, weights: Arrays, optimizer: MakeOptimizer, epochs: int, batch: int | None = None
) -> Trajectory:
    """`batch` samples an iteration in the order of the data, the last of an epoch the rest; None: all."""
    torch.set_num_threads(1)  # networks this small only wait for a second thread
    network = _network(problem, weights)
    x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
    size = batch or len(x)
    rule = optimizer(network.parameters())
    losses = []
    for _ in range(epochs):
        losses.append(_loss(problem, network(x), y).item())
        for part, target in zip(x.split(size), y.split(size), strict=True):
            rule.zero_grad()
            _loss(problem, network(part), target).backward()
            rule.step()
    losses.append(_loss(problem, network(x), y).item())
    return Trajectory(np.array(losses), {name: p.detach().numpy().copy() for name, p in _named(network)})


def _network(problem: Problem, weights: Arrays) -> torch.nn.Sequential:
    """Dense layers with tanh between them; the softmax is part of `cross_entropy`."""
    layers: list[torch.nn.Module] = []
    for fan_in, fan_out in pairwise(problem.sizes):
        layers += [torch.nn.Linear(fan_in, fan_out, dtype=torch.float64), torch.nn.Tanh()]
    network = torch.nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for name, parameter in _named(network):
            parameter.copy_(torch.from_numpy(weights[name]))
    return network


def _named(network: torch.nn.Sequential) -> Iterable[tuple[str, Tensor]]:
    """The parameters under netc's names: `layer1.weight`, `layer1.bias`, ..."""
    dense = [module for module in network if isinstance(module, torch.nn.Linear)]
    for number, module in enumerate(dense, start=1):
        yield f"layer{number}.weight", module.weight
        yield f"layer{number}.bias", module.bias


def _loss(problem: Problem, output: Tensor, target: Tensor) -> Tensor:
    if problem.loss == "half_mse":
        return (output[:, 0] - target).square().sum() / (2 * len(target))
    return cross_entropy(output, target)
