"""Many starts of an objective in PyTorch: elementwise over starts, eager, compiled, and as a CUDA graph.

The derivative is autograd's, as someone would write it who does not want to derive by hand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.func import grad

from bench.objectives import COMPARED, Objective, ends
from bench.torch_peer import recorded
from peers.problems import Arrays

ACTIVATIONS: dict[int, Callable[[Tensor], Tensor]] = {
    1: lambda z: z * z - 1,
    2: lambda z: (2 * z - 3) * z * z + 5,
}


class Eager:
    name = "PyTorch eager"

    def __init__(self, work: Objective, device: str = "cpu") -> None:
        self.work, self.runs, self.device = work, work.runs, device
        self.parameters = [torch.from_numpy(np.array(column)).to(device) for column in work.start.T]
        for parameter in self.parameters:
            parameter.requires_grad_()

    def loss(self, w: Tensor, b: Tensor) -> Tensor:
        g = ACTIVATIONS[self.work.number]
        return ((g(w + b) ** 2 + g(b) ** 2) / 4).sum()  # the starts share no parameter

    def advance(self, steps: int) -> None:
        self.queue(steps)
        if self.device == "cuda":
            torch.cuda.synchronize()

    def queue(self, steps: int) -> None:
        for _ in range(steps):
            slopes = torch.autograd.grad(self.loss(*self.parameters), self.parameters)
            with torch.no_grad():
                torch._foreach_add_(self.parameters, slopes, alpha=-self.work.rate)

    def weights(self) -> Arrays:
        return ends(torch.stack([p.detach()[:COMPARED] for p in self.parameters], 1).cpu().numpy())


class Compiled(Eager):
    """An iteration as one function that updates in place, so that it is one kernel.

    Not several: inductor writes each into the next as expressions, and four take it minutes.
    """

    name = "torch.compile"

    def __init__(self, work: Objective, device: str = "cpu") -> None:
        super().__init__(work, device)
        self.parameters = [p.detach() for p in self.parameters]
        self.step = torch.compile(self._step, fullgraph=True)

    def _step(self, w: Tensor, b: Tensor) -> None:
        slope_w, slope_b = grad(self.loss, argnums=(0, 1))(w, b)
        w.sub_(slope_w, alpha=self.work.rate)
        b.sub_(slope_b, alpha=self.work.rate)

    @torch.no_grad()
    def queue(self, steps: int) -> None:
        for _ in range(steps):
            self.step(*self.parameters)


class Graph(Compiled):
    """A unit of iterations of `Compiled` recorded once as a CUDA graph, and played."""

    name = "PyTorch, CUDA graph"

    def __init__(self, work: Objective, device: str = "cuda") -> None:
        super().__init__(work, device)
        iterate = super().queue
        self.graph = recorded(self.parameters, lambda: iterate(work.unit))

    def queue(self, steps: int) -> None:
        for _ in range(steps // self.work.unit):
            self.graph.replay()
