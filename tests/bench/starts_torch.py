"""Many starts in PyTorch: all together, elementwise over starts (batched products for networks); and one by one.

Together, starts that are done are masked, as someone would write it who wants the answers and not only the time.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from bench.starts import Array, Starts
from bench.starts_netc import data

SIZES = (13, 15, 15, 1)
LAMBDA, F1, F2, ETA0, HALVINGS = 0.5, 30.0, 1e4, 0.1, 3
EPS = 1e-4


def objective(w: Tensor, b: Tensor) -> Tensor:
    s = w + b
    return (s * s - 1) ** 2 + (b * b - 1) ** 2


def gradient(w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        w, b = w.detach().requires_grad_(), b.detach().requires_grad_()
        slopes = torch.autograd.grad(objective(w, b).sum(), (w, b))
    return slopes[0], slopes[1]


@torch.no_grad()
def gd(theta: Tensor, steps: int) -> Tensor:
    w, b = theta[:, 0].clone(), theta[:, 1].clone()
    for _ in range(steps):
        slope_w, slope_b = gradient(w, b)
        w -= 0.1 * slope_w
        b -= 0.1 * slope_b
    return torch.stack([w, b], 1)


@torch.no_grad()
def lcd(theta: Tensor, steps: int) -> Tensor:
    """Starts that converged leave the batch."""
    ends, rows = theta.clone(), torch.arange(len(theta))
    w, b = theta[:, 0].clone(), theta[:, 1].clone()
    eta = torch.full_like(w, ETA0 / F2)
    for _ in range(steps):
        gw, gb = gradient(w, b)
        size = gw * gw + gb * gb
        going = size.sqrt() >= EPS
        if not going.all():
            ends[rows] = torch.stack([w, b], 1)
            rows, w, b, eta, gw, gb, size = (x[going] for x in (rows, w, b, eta, gw, gb, size))
            if not len(rows):
                return ends
        loss = objective(w, b)

        def good(h: Tensor, w: Tensor = w, b: Tensor = b, gw: Tensor = gw, gb: Tensor = gb, loss: Tensor = loss,
                 size: Tensor = size) -> Tensor:  # fmt: skip
            return objective(w - h * gw, b - h * gb) - loss <= -LAMBDA * h * size

        start = F2 * eta
        low = start.clone()
        while not (accepted := good(low)).all():
            low = torch.where(accepted, low, low / F1)
        searched, high = low < start, F1 * low
        for _ in range(HALVINGS):
            middle = (low * high).sqrt()
            better = good(middle)
            low, high = torch.where(searched & better, middle, low), torch.where(better, high, middle)
        w, b, eta = w - low * gw, b - low * gb, low
    ends[rows] = torch.stack([w, b], 1)
    return ends


def parameters(theta: Tensor) -> list[Tensor]:
    """Weights (starts, out, in) and biases (starts, out, 1)."""
    found, at = [], 0
    for inputs, outputs in pairwise(SIZES):
        found.append(theta[:, at : at + inputs * outputs].reshape(-1, outputs, inputs))
        at += inputs * outputs
        found.append(theta[:, at : at + outputs, None])
        at += outputs
    return [p.clone().requires_grad_() for p in found]


def boston(theta: Tensor, steps: int, x: Tensor, y: Tensor) -> Tensor:
    weights = parameters(theta)
    optimizer = torch.optim.Adam(weights, lr=0.001, foreach=True)
    wide = x.T.expand(len(theta), *x.T.shape)
    for _ in range(steps):
        optimizer.zero_grad()
        a = wide
        for layer in range(0, len(weights), 2):
            a = torch.baddbmm(weights[layer + 1], weights[layer], a)
            a = torch.tanh(a) if layer + 2 < len(weights) else a
        loss = (a[:, 0] - y).square().sum() / (2 * len(y))  # starts share no parameter
        loss.backward()
        optimizer.step()
    return torch.cat([p.detach().flatten(1) for p in weights], 1)


class Together:
    def __init__(self, work: Starts, theta: Array) -> None:
        torch.set_num_threads(work.threads)
        self.work, self.theta = work, torch.from_numpy(theta)
        x, y = data(work)
        self.data = () if x is None else (torch.from_numpy(x), torch.from_numpy(y).double())

    def solve(self, theta: Tensor, steps: int) -> Tensor:
        rule = {"lcd": lcd, "gd": gd, "boston": boston}[self.work.name]
        ends: Tensor = rule(theta, steps, *self.data)
        return ends

    def run(self, starts: int, steps: int) -> Array:
        return self.solve(self.theta[:starts], steps).numpy()


class OneByOne(Together):
    def run(self, starts: int, steps: int) -> Array:
        return np.concatenate([self.solve(one[None], steps).numpy() for one in self.theta[:starts]])
