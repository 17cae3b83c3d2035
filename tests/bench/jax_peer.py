"""The workloads in JAX, as someone who knows it would write them: one jitted scan over all iterations.

Parameters are donated, batches are the scanned axis, several networks are one `vmap`. Samples as rows is the
usual way; as columns XLA's products for these sizes are up to a third faster, so both compete.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from bench.workloads import Workload
from peers.problems import Arrays

jax.config.update("jax_enable_x64", True)

Parameters = list[tuple[Array, Array]]


class _Scan:
    rows: bool
    """Whether a sample is a row of the arrays, or a column."""

    def __init__(self, work: Workload) -> None:
        self.work, self.runs = work, work.runs
        self.start = work.start()
        values = [jnp.asarray(value, work.dtype) for value in self.start.values()]
        parameters = [self.layer(w, b) for w, b in zip(values[::2], values[1::2], strict=True)]
        self.parameters = jax.tree.map(jnp.array, parameters)  # own buffers, since they are donated
        if work.runs > 1:
            self.parameters = jax.tree.map(lambda p: jnp.repeat(p[None], work.runs, axis=0), parameters)
        y = work.problem.y
        targets = y[:, None] if work.problem.loss == "half_mse" else np.eye(work.problem.sizes[-1])[y]
        self.xs, self.ys = self.batches(work.problem.x), self.batches(targets)
        self.train = jax.jit(self._train, static_argnames="epochs", donate_argnums=0)

    def batches(self, samples: np.ndarray) -> Array:
        """(batches, samples of one, features), or the last two exchanged."""
        rows = samples.astype(self.work.dtype).reshape(self.work.batches, self.work.batch, -1)
        return jnp.asarray(rows if self.rows else np.ascontiguousarray(rows.swapaxes(1, 2)))

    def layer(self, weight: Array, bias: Array) -> tuple[Array, Array]:
        return (weight.T, bias) if self.rows else (weight, bias[:, None])

    def loss(self, parameters: Parameters, x: Array, y: Array) -> Array:
        for layer, (weight, bias) in enumerate(parameters, start=1):
            x = (x @ weight if self.rows else weight @ x) + bias
            x = jnp.tanh(x) if layer < len(parameters) else x
        if self.work.problem.loss == "half_mse":
            return jnp.sum((x - y) ** 2) / (2 * self.work.batch)
        return -jnp.sum(y * jax.nn.log_softmax(x, axis=-1 if self.rows else 0)) / self.work.batch

    def _step(self, parameters: Parameters, batch: tuple[Array, Array]) -> tuple[Parameters, Array]:
        loss, gradient = jax.value_and_grad(self.loss)(parameters, *batch)
        rate = self.work.dtype(self.work.rate)
        return jax.tree.map(lambda p, g: p - rate * g, parameters, gradient), loss

    def _train(self, parameters: Parameters, xs: Array, ys: Array, epochs: int) -> tuple[Parameters, Array]:
        step = self._step
        if self.work.runs > 1:
            step = jax.vmap(step, in_axes=(0, None))
        if self.work.batches == 1:  # no inner loop where it would have one turn
            return lax.scan(lambda p, _: step(p, (xs[0], ys[0])), parameters, None, length=epochs)
        return lax.scan(lambda p, _: lax.scan(step, p, (xs, ys)), parameters, None, length=epochs)

    def advance(self, steps: int) -> None:
        self.parameters, _ = jax.block_until_ready(
            self.train(self.parameters, self.xs, self.ys, epochs=steps // self.work.batches)
        )

    def weights(self) -> Arrays:
        last = jax.tree.map(lambda p: p[-1], self.parameters) if self.work.runs > 1 else self.parameters
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
