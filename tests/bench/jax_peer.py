"""The workloads in JAX, as someone who knows it would write them: one jitted scan over all iterations.

Parameters are donated, batches are the scanned axis, several networks are one `vmap`. Samples as rows is the
usual way; as columns XLA's products for these sizes are up to a third faster, so both compete.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from bench.workloads import BETAS, EPS, Workload
from peers.problems import Arrays

jax.config.update("jax_enable_x64", True)

Parameters = list[tuple[Array, Array]]
State = tuple[Parameters, ...]
"""The parameters; for Adam also their two moments."""

ACTIVATIONS = {
    "tanh": jnp.tanh,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "sigmoid": jax.nn.sigmoid,
    "lin": lambda z: z,
    "softmax": lambda z: z,
}
"""A softmax is part of the loss."""


class _Scan:
    rows: bool
    """Whether a sample is a row of the arrays, or a column."""

    def __init__(self, work: Workload) -> None:
        self.work, self.runs = work, work.runs
        self.start = work.start()
        values = [jnp.asarray(value, work.dtype) for value in self.start.values()]
        parameters = [self.layer(w, b) for w, b in zip(values[::2], values[1::2], strict=True)]
        own = jax.tree.map(jnp.array, parameters)  # own buffers, since they are donated
        if work.runs > 1:
            own = jax.tree.map(lambda p: jnp.repeat(p[None], work.runs, axis=0), parameters)
        moments = 2 if work.rule == "adam" else 0
        zeros = [jax.tree.map(jnp.zeros_like, own) for _ in range(moments)]
        self.state: State = (own, *zeros)
        self.done = 0
        y = work.problem.y
        targets = y if work.problem.loss == "half_mse" else np.eye(work.problem.sizes[-1])[y]
        self.xs, self.ys = self.batches(work.problem.x), self.batches(targets)
        self.train = jax.jit(self._train, static_argnames="epochs", donate_argnums=0)

    def batches(self, samples: np.ndarray) -> Array:
        """(batches, samples of one, features), or the last two exchanged."""
        rows = samples.astype(self.work.dtype).reshape(self.work.batches, self.work.batch, -1)
        return jnp.asarray(rows if self.rows else np.ascontiguousarray(rows.swapaxes(1, 2)))

    def layer(self, weight: Array, bias: Array) -> tuple[Array, Array]:
        return (weight.T, bias) if self.rows else (weight, bias[:, None])

    def loss(self, parameters: Parameters, x: Array, y: Array) -> Array:
        for activation, (weight, bias) in zip(self.work.problem.activations, parameters, strict=True):
            x = ACTIVATIONS[activation]((x @ weight if self.rows else weight @ x) + bias)
        if self.work.problem.loss == "half_mse":
            return jnp.sum((x - y) ** 2) / (2 * self.work.batch)
        return -jnp.sum(y * jax.nn.log_softmax(x, axis=-1 if self.rows else 0)) / self.work.batch

    def _step(
        self, carry: tuple[State, Array], batch: tuple[Array, Array]
    ) -> tuple[tuple[State, Array], Array]:
        state, n = carry
        loss, gradient = jax.value_and_grad(self.loss)(state[0], *batch)
        if self.work.rule == "gd":
            rate = self.work.dtype(self.work.rate)
            return ((jax.tree.map(lambda p, g: p - rate * g, state[0], gradient),), n), loss
        one, two = (self.work.dtype(beta) for beta in BETAS)
        n = n + 1
        m = jax.tree.map(lambda m, g: one * m + (1 - one) * g, state[1], gradient)
        v = jax.tree.map(lambda v, g: two * v + (1 - two) * g * g, state[2], gradient)
        rate = (self.work.rate / (1 - BETAS[0] ** n)).astype(self.work.dtype)
        root = jnp.sqrt(1 - BETAS[1] ** n).astype(self.work.dtype)
        new = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + EPS), state[0], m, v)
        return ((new, m, v), n), loss

    def _train(
        self, state: State, n: Array, xs: Array, ys: Array, epochs: int
    ) -> tuple[tuple[State, Array], Array]:
        step = self._step
        if self.work.runs > 1:
            step = jax.vmap(step, in_axes=((0, None), None), out_axes=((0, None), 0))
        if self.work.batches == 1:  # no inner loop where it would have one turn
            return lax.scan(lambda c, _: step(c, (xs[0], ys[0])), (state, n), None, length=epochs)
        return lax.scan(lambda c, _: lax.scan(step, c, (xs, ys)), (state, n), None, length=epochs)

    def advance(self, steps: int) -> None:
        n = jnp.asarray(self.done, jnp.float64)
        (self.state, _), _ = jax.block_until_ready(
            self.train(self.state, n, self.xs, self.ys, epochs=steps // self.work.batches)
        )
        self.done += steps

    def weights(self) -> Arrays:
        last = jax.tree.map(lambda p: p[-1], self.state[0]) if self.work.runs > 1 else self.state[0]
        flat = [value for weight, bias in last for value in (weight.T if self.rows else weight, bias)]
        return {
            name: np.asarray(tensor, np.float64).reshape(value.shape)
            for (name, value), tensor in zip(self.start.items(), flat, strict=True)
        }


class Rows(_Scan):
    name = "JAX, rows"
    rows = True


class Columns(_Scan):
    name = "JAX, columns"
    rows = False
