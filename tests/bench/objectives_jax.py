"""Many starts of an objective in JAX: one jitted scan over the iterations of one start, `vmap` over all."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from bench.objectives import COMPARED, Objective, ends
from peers.problems import Arrays

jax.config.update("jax_enable_x64", True)


def activation(number: int, z: Array) -> Array:
    return z * z - 1 if number == 1 else (2 * z - 3) * z * z + 5


def loss(number: int, theta: tuple[Array, Array]) -> Array:
    w, b = theta
    return (activation(number, w + b) ** 2 + activation(number, b) ** 2) / 4


class Scan:
    name = "JAX, vmap + scan"

    def __init__(self, work: Objective) -> None:
        self.work, self.runs = work, work.runs
        w, b = (jnp.asarray(np.array(column)) for column in work.start.T)
        self.theta = w, b
        self.train = jax.jit(self._train, static_argnames="steps", donate_argnums=0)

    def _train(self, theta: tuple[Array, Array], steps: int) -> tuple[Array, Array]:
        slope = jax.grad(partial(loss, self.work.number))

        def one(theta: tuple[Array, Array]) -> tuple[Array, Array]:
            def step(t: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
                return jax.tree.map(lambda p, g: p - self.work.rate * g, t, slope(t)), None

            return lax.scan(step, theta, None, length=steps)[0]

        return jax.vmap(one)(theta)

    def advance(self, steps: int) -> None:
        self.theta = jax.block_until_ready(self.train(self.theta, steps=steps))

    def weights(self) -> Arrays:
        return ends(np.stack([np.asarray(p[:COMPARED]) for p in self.theta], 1))
