"""The workloads in PyTorch, as someone who knows it would write them.

No optimizer object and no `backward()`: `autograd.grad` and one `_foreach_add_` for all parameters cost about
a fifth less here. Several networks are one batched product. Samples are columns, a little faster than
rows. `torch.compile` compiles ITERATIONS whole steps, updates included, into one call: a quarter less time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.func import grad_and_value
from torch.nn.functional import cross_entropy, gelu

from bench.workloads import BETAS, EPS, ITERATIONS, Workload
from peers.problems import Arrays

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "gelu": gelu,
    "sigmoid": torch.sigmoid,
    "lin": lambda z: z,
    "softmax": lambda z: z,
}
"""A softmax is part of the loss."""


State = tuple[list[Tensor], ...]
"""The parameters; for Adam also their two moments."""


class _Training:
    def __init__(self, work: Workload, device: str = "cpu") -> None:
        torch.set_num_threads(1)
        self.work, self.runs, self.device = work, work.runs, device
        self.start = work.start()
        dtype = torch.float64 if work.precision == "f64" else torch.float32
        self.parameters = [self._parameter(value).to(device, dtype) for value in self.start.values()]
        x = torch.from_numpy(work.problem.x).to(device, dtype)
        y = torch.from_numpy(work.problem.y).to(device)
        y = y.to(dtype).reshape(len(x), -1).T if work.problem.loss == "half_mse" else y
        self.xs = [part.T.contiguous() for part in x.split(work.batch)]
        self.ys = y.split(work.batch, dim=-1)

    def _parameter(self, value: object) -> Tensor:
        """Biases are columns; with several networks, the first axis counts them."""
        tensor = torch.as_tensor(value)
        tensor = tensor[:, None] if tensor.ndim == 1 else tensor
        return tensor.expand(self.work.runs, *tensor.shape).clone() if self.work.runs > 1 else tensor.clone()

    def loss(self, parameters: Sequence[Tensor], x: Tensor, y: Tensor) -> Tensor:
        affine = torch.baddbmm if self.work.runs > 1 else torch.addmm
        x = x.expand(self.work.runs, *x.shape) if self.work.runs > 1 else x
        for activation, weight, bias in zip(
            self.work.problem.activations, parameters[::2], parameters[1::2], strict=True
        ):
            x = ACTIVATIONS[activation](affine(bias, weight, x))
        if self.work.problem.loss == "half_mse":
            return (x - y).square().sum() / (2 * self.work.batch)  # the networks share no parameter
        return cross_entropy(x.T, y)

    def advance(self, steps: int) -> None:
        self.queue(steps)
        if self.device == "cuda":
            torch.cuda.synchronize()

    def queue(self, steps: int) -> None:
        """On a GPU these may not be done when it returns."""
        raise NotImplementedError

    def weights(self) -> Arrays:
        last = [p.detach()[-1] if self.work.runs > 1 else p.detach() for p in self.parameters]
        return {
            name: tensor.double().cpu().numpy().reshape(value.shape)
            for (name, value), tensor in zip(self.start.items(), last, strict=True)
        }


class Eager(_Training):
    name = "PyTorch eager"

    def __init__(self, work: Workload, device: str = "cpu") -> None:
        super().__init__(work, device)
        for parameter in self.parameters:
            parameter.requires_grad_()
        adam = torch.optim.Adam(self.parameters, lr=work.rate, betas=BETAS, eps=EPS, fused=True)
        self.adam = adam if work.rule == "adam" else None

    def queue(self, steps: int) -> None:
        for n in range(steps):
            batch = n % self.work.batches
            loss = self.loss(self.parameters, self.xs[batch], self.ys[batch])
            gradient = torch.autograd.grad(loss, self.parameters)
            if self.adam:
                for parameter, slope in zip(self.parameters, gradient, strict=True):
                    parameter.grad = slope
                self.adam.step()
                continue
            with torch.no_grad():
                torch._foreach_add_(self.parameters, gradient, alpha=-self.work.rate)


class Compiled(_Training):
    name = "torch.compile"

    def __init__(self, work: Workload, device: str = "cpu") -> None:
        super().__init__(work, device)
        self.steps = torch.compile(self._steps, fullgraph=True)
        moments = 2 if work.rule == "adam" else 0
        self.moments: State = tuple([torch.zeros_like(p) for p in self.parameters] for _ in range(moments))
        self.done = torch.zeros((), dtype=torch.float64, device=device)
        turns = range(
            0, work.unit, ITERATIONS
        )  # whole epochs, also of a number of batches that 4 does not divide
        self.turns = [[(n + i) % work.batches for i in range(ITERATIONS)] for n in turns]

    def _steps(self, state: State, n: Tensor, xs: list[Tensor], ys: list[Tensor]) -> tuple[State, Tensor]:
        for x, y in zip(xs, ys, strict=True):
            gradient, _ = grad_and_value(self.loss)(state[0], x, y)
            n = n + 1
            state = (
                self._adam(state, n, gradient)
                if self.work.rule == "adam"
                else (self._gd(state[0], gradient),)
            )
        return state, n

    def _gd(self, parameters: list[Tensor], gradient: Sequence[Tensor]) -> list[Tensor]:
        return [p - self.work.rate * g for p, g in zip(parameters, gradient, strict=True)]

    def _adam(self, state: State, n: Tensor, gradient: Sequence[Tensor]) -> State:
        one, two = BETAS
        m = [one * m + (1 - one) * g for m, g in zip(state[1], gradient, strict=True)]
        v = [two * v + (1 - two) * g * g for v, g in zip(state[2], gradient, strict=True)]
        rate, root = self.work.rate / (1 - one**n), (1 - two**n).sqrt()
        moved = zip(state[0], m, v, strict=True)
        return [p - rate * m / (v.sqrt() / root + EPS) for p, m, v in moved], m, v

    @torch.no_grad()
    def queue(self, steps: int) -> None:
        for n in range(steps // ITERATIONS):
            turn = self.turns[n % len(self.turns)]
            xs, ys = [self.xs[i] for i in turn], [self.ys[i] for i in turn]
            (self.parameters, *moments), self.done = self.steps(
                (self.parameters, *self.moments), self.done, xs, ys
            )
            self.moments = tuple(moments)


class Graph(Eager):
    """A unit of iterations of `Eager` recorded once as a CUDA graph, and played."""

    name = "PyTorch, CUDA graph"

    def __init__(self, work: Workload, device: str = "cuda") -> None:
        super().__init__(work, device)
        self.graph = recorded(self.parameters, partial(super().queue, work.unit))

    def queue(self, steps: int) -> None:
        for _ in range(steps // self.work.unit):
            self.graph.replay()


def recorded(parameters: Sequence[Tensor], iterate: Callable[[], None]) -> torch.cuda.CUDAGraph:
    """What `iterate` does to the parameters, which are left as they are. Recording needs a few turns on a stream of
    its own before (PyTorch's manual, "CUDA Graphs")."""
    kept = [p.detach().clone() for p in parameters]
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            iterate()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        iterate()
    with torch.no_grad():
        torch._foreach_copy_(list(parameters), kept)
    return graph
