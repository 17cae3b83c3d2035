"""PyTorch and JAX at gradient descent on a chain of dense layers, each as one who knows it would write it.

JAX trains in one compiled loop, with samples as rows and as columns; PyTorch step by step, without an optimizer object and
without `backward()`, which costs less. Both are asked for where they are installed, and have one core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np

from netc.runtime.bench.plain_descent import RATE, Chain
from netc.runtime.parameters import Array


class Peer(Protocol):
    name: str

    def advance(self, steps: int) -> None:
        """So many iterations more; `steps` is a multiple of the batches."""

    def weights(self) -> list[Array]:
        """W and b, layer after layer."""


def installed(chain: Chain) -> Iterator[Callable[[], Peer]]:
    if find_spec("jax"):
        yield lambda: _Jax(chain, rows=False)
        yield lambda: _Jax(chain, rows=True)
    if find_spec("torch"):
        yield lambda: _Torch(chain)


class _Jax:
    def __init__(self, chain: Chain, rows: bool) -> None:
        jax: Any = import_module("jax")
        jax.config.update("jax_enable_x64", chain.precision == "f64")
        self.jax, self.chain, self.rows = jax, chain, rows
        self.name = "JAX, rows" if rows else "JAX, columns"
        self.parameters = [self._own(w.T if rows else w, b if rows else b[:, None]) for w, b in chain.layers]
        x, y = (np.stack([part[i] for part in chain.batches]).astype(chain.real) for i in (0, 1))
        self.x, self.y = (
            jax.numpy.asarray(a if rows else np.ascontiguousarray(a.swapaxes(1, 2))) for a in (x, y)
        )
        self.train = jax.jit(self._train, static_argnames="epochs", donate_argnums=0)

    def _own(self, weight: Array, bias: Array) -> Any:
        jnp = self.jax.numpy
        return jnp.array(weight, self.chain.real), jnp.array(bias, self.chain.real)

    def _loss(self, parameters: Any, x: Any, y: Any) -> Any:
        jax, jnp = self.jax, self.jax.numpy
        functions = {
            "lin": lambda z: z, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "elu": jax.nn.elu,
            "softplus": jax.nn.softplus, "gelu": lambda z: jax.nn.gelu(z, approximate=False), "silu": jax.nn.silu,
        }  # fmt: skip
        for (weight, bias), name in zip(parameters, self.chain.activations, strict=True):
            x = functions[name]((x @ weight if self.rows else weight @ x) + bias)
        units = 1 if self.rows else 0
        match self.chain.loss:
            case "mse":
                return jnp.mean((x - y) ** 2)
            case "half_mse":
                return jnp.sum((x - y) ** 2) / (2 * x.shape[1 - units])
        return -jnp.sum(y * jax.nn.log_softmax(x, axis=units)) / x.shape[1 - units]

    def _step(self, parameters: Any, batch: Any) -> Any:
        loss, gradient = self.jax.value_and_grad(self._loss)(parameters, *batch)
        rate = self.chain.real(RATE)
        return self.jax.tree.map(lambda p, g: p - rate * g, parameters, gradient), loss

    def _train(self, parameters: Any, x: Any, y: Any, epochs: int) -> Any:
        scan, step = self.jax.lax.scan, self._step
        if len(self.chain.batches) == 1:  # no inner loop where it would have one turn
            return scan(lambda p, _: step(p, (x[0], y[0])), parameters, None, length=epochs)
        return scan(lambda p, _: scan(step, p, (x, y)), parameters, None, length=epochs)

    def advance(self, steps: int) -> None:
        epochs = steps // len(self.chain.batches)
        trained, _ = self.train(self.parameters, self.x, self.y, epochs=epochs)
        self.parameters = self.jax.block_until_ready(trained)

    def weights(self) -> list[Array]:
        flat = [p for w, b in self.parameters for p in (w.T if self.rows else w, b)]
        return [np.asarray(p, np.float64) for p in flat]


class _Torch:
    name = "PyTorch eager"

    def __init__(self, chain: Chain) -> None:
        torch: Any = import_module("torch")
        torch.set_num_threads(1)
        self.torch, self.chain, self.at = torch, chain, 0
        self.parameters = [
            torch.from_numpy(np.array(a, chain.real)).requires_grad_()
            for w, b in chain.layers
            for a in (w, b[:, None])
        ]
        self.batches = [
            tuple(torch.from_numpy(np.ascontiguousarray(a.T, chain.real)) for a in batch)
            for batch in chain.batches
        ]

    def _loss(self, x: Any, y: Any) -> Any:
        torch, functional = self.torch, self.torch.nn.functional
        functions = {
            "lin": lambda z: z, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu, "elu": functional.elu,
            "softplus": functional.softplus, "gelu": functional.gelu, "silu": functional.silu,
        }  # fmt: skip
        for layer, name in enumerate(self.chain.activations):
            x = functions[name](torch.addmm(self.parameters[2 * layer + 1], self.parameters[2 * layer], x))
        match self.chain.loss:
            case "mse":
                return functional.mse_loss(x, y)
            case "half_mse":
                return (x - y).square().sum() / (2 * x.shape[1])
        return functional.cross_entropy(x.T, y.T)

    def advance(self, steps: int) -> None:
        torch = self.torch
        for _ in range(steps):
            gradient = torch.autograd.grad(self._loss(*self.batches[self.at]), self.parameters)
            with torch.no_grad():
                torch._foreach_add_(self.parameters, gradient, alpha=-RATE)
            self.at = (self.at + 1) % len(self.batches)

    def weights(self) -> list[Array]:
        return [p.detach().double().numpy() for p in self.parameters]
