"""Many starts in JAX: one start as a jitted scan (or while loop), `vmap` over all of them; and one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from bench.starts import Array, Starts
from bench.starts_netc import data
from bench.starts_torch import EPS, ETA0, F1, F2, HALVINGS, LAMBDA, SIZES

jax.config.update("jax_enable_x64", True)


def objective(theta: jax.Array) -> jax.Array:
    s, b = theta[0] + theta[1], theta[1]
    return (s * s - 1) ** 2 + (b * b - 1) ** 2


slope = jax.grad(objective)


def gd(theta: jax.Array, steps: int) -> jax.Array:
    return lax.scan(lambda t, _: (t - 0.1 * slope(t), None), theta, None, length=steps)[0]


def lcd(theta: jax.Array, steps: int) -> jax.Array:
    def step(state: Any) -> Any:
        n, t, eta, g = state
        loss, size, start = objective(t), g @ g, F2 * eta

        def good(h: jax.Array) -> jax.Array:
            return objective(t - h * g) - loss <= -LAMBDA * h * size

        low = lax.while_loop(lambda h: ~good(h), lambda h: h / F1, start)
        searched, high = low < start, F1 * low
        for _ in range(HALVINGS):
            middle = jnp.sqrt(low * high)
            better = good(middle)
            low, high = jnp.where(searched & better, middle, low), jnp.where(better, high, middle)
        t = t - low * g
        return n + 1, t, low, slope(t)

    def going(state: Any) -> Any:
        n, _, _, g = state
        return (n < steps) & (jnp.sqrt(g @ g) >= EPS)

    return lax.while_loop(going, step, (0, theta, jnp.asarray(ETA0 / F2), slope(theta)))[1]


def network(theta: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    at, a = 0, x
    for layer, (inputs, outputs) in enumerate(pairwise(SIZES), start=1):
        weight = theta[at : at + inputs * outputs].reshape(outputs, inputs)
        at += inputs * outputs
        a = weight @ a + theta[at : at + outputs, None]
        at += outputs
        a = jnp.tanh(a) if layer < len(SIZES) - 1 else a
    return jnp.sum((a[0] - y) ** 2) / (2 * len(y))


def boston(theta: jax.Array, steps: int, x: jax.Array, y: jax.Array) -> jax.Array:
    def step(state: Any, n: jax.Array) -> Any:
        t, m, s = state
        g = jax.grad(network)(t, x, y)
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
        rate = 0.001 / (1 - 0.9 ** (n + 1))
        return (t - rate * m / (jnp.sqrt(s / (1 - 0.999 ** (n + 1))) + 1e-8), m, s), None

    zero = jnp.zeros_like(theta)
    return lax.scan(step, (theta, zero, zero), jnp.arange(steps))[0][0]


class Together:
    def __init__(self, work: Starts, theta: Array) -> None:
        self.theta = theta
        x, y = data(work)
        samples = () if x is None else (jnp.asarray(x.T.copy()), jnp.asarray(y, jnp.float64))
        self.rule: Callable[..., jax.Array] = {"lcd": lcd, "gd": gd, "boston": boston}[work.name]
        self.samples = samples
        self.compiled: dict[int, Callable[[Any], jax.Array]] = {}

    def solver(self, steps: int, together: bool) -> Callable[[Any], jax.Array]:
        if steps not in self.compiled:
            one = partial(self._one, steps)
            self.compiled[steps] = jax.jit(jax.vmap(one) if together else one)
        return self.compiled[steps]

    def _one(self, steps: int, theta: jax.Array) -> jax.Array:
        return self.rule(theta, steps, *self.samples)

    def run(self, starts: int, steps: int) -> Array:
        return np.asarray(self.solver(steps, True)(jnp.asarray(self.theta[:starts])))


class OneByOne(Together):
    def run(self, starts: int, steps: int) -> Array:
        solve = self.solver(steps, False)
        return np.stack([np.asarray(solve(jnp.asarray(one))) for one in self.theta[:starts]])
