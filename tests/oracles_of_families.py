"""Update rules in plain NumPy, by families, as their papers and text books write them: what the library is compared with.

A rule is a function of a problem and of its parameters, which are called as in `dsl/library`, with the defaults of the
source (`lambda` is `lambda_`). It yields theta[1], theta[2], ... A problem knows where to start, gives a gradient at a
point, and which entries of theta are one tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Path = Iterator[Array]
Rule = Callable[..., Path]


class Problem(Protocol):
    start: Array
    tensors: list[slice]

    def grad(self, p: Array) -> Array: ...


def gradient_descent(at: Problem, eta: float, change: Callable[[Array], Array]) -> Path:
    p = at.start
    while True:
        p = p - eta * change(at.grad(p))
        yield p


def shortened(threshold: float) -> Callable[[Array], Array]:
    """Pascanu, Mikolov, Bengio 2013, algorithm 1."""

    def change(g: Array) -> Array:
        length = np.sqrt((g * g).sum())
        return g * (threshold / length) if length >= threshold else g

    return change


def momentum(at: Problem, keep: float, gain: float, rate: float) -> Path:
    """v = keep v + gain g; p = p - rate v."""
    p, v = at.start, np.zeros_like(at.start)
    while True:
        v = keep * v + gain * at.grad(p)
        p = p - rate * v
        yield p


def lookahead(at: Problem, eta: float, alpha: float) -> Path:
    p, v = at.start, np.zeros_like(at.start)
    while True:
        v = alpha * v - eta * at.grad(p + alpha * v)
        p = p + v
        yield p


def shifted(at: Problem, eta: float, alpha: float) -> Path:
    """The look-ahead point of `lookahead`, which is what libraries call the parameters."""
    q, v = at.start, np.zeros_like(at.start)
    while True:
        v = alpha * v - eta * at.grad(q + alpha * v)
        q = q + v
        yield q + alpha * v


def adagrad(at: Problem, eta: float, root: Callable[[Array], Array], s0: float = 0.0) -> Path:
    p, s = at.start, np.full_like(at.start, s0)
    while True:
        g = at.grad(p)
        s = s + g * g
        p = p - eta * g / root(s)
        yield p


def rmsprop(
    at: Problem, eta: float, rho: float, root: Callable[[Array], Array], alpha: float = 0, ahead: float = 0
) -> Path:
    p, s, v = at.start, np.zeros_like(at.start), np.zeros_like(at.start)
    while True:
        g = at.grad(p + ahead * v)
        s = rho * s + (1 - rho) * g * g
        v = alpha * v - eta * g / root(s)
        p = p + v
        yield p


def adam(
    at: Problem, eta: float, b1: float, b2: float, root: Callable[[Array], Array],
    corrected: bool = True, hat: float = 0.0, decay: float = 0.0, yogi: bool = False,
) -> Path:  # fmt: skip
    """Kingma and Ba's algorithm 1 and its relatives; t counts from 1; `hat` is eps before the correction."""
    p = at.start
    m, s, t = np.zeros_like(p), np.zeros_like(p), 0
    while True:
        t += 1
        g = at.grad(p)
        m = b1 * m + (1 - b1) * g
        s = s - (1 - b2) * np.sign(s - g * g) * g * g if yogi else b2 * s + (1 - b2) * g * g
        c1, c2 = (1 - b1**t, 1 - b2**t) if corrected else (1, 1)
        divisor = np.sqrt(s / c2) + hat / np.sqrt(c2) if hat else root(s / c2)
        p = p - eta * (m / c1) / divisor - decay * p
        yield p


def lion(at: Problem, eta: float, b1: float, b2: float, decay: float) -> Path:
    p, m = at.start, np.zeros_like(at.start)
    while True:
        g = at.grad(p)
        direction = np.sign(b1 * m + (1 - b1) * g)
        m = b2 * m + (1 - b2) * g
        p = p - eta * (direction + decay * p)
        yield p


def outside(eps: float) -> Callable[[Array], Array]:
    return lambda s: np.sqrt(s) + eps


def inside(eps: float) -> Callable[[Array], Array]:
    return lambda s: np.sqrt(s + eps)


def kept(c: float) -> Callable[[Array], Array]:
    return lambda g: np.clip(g, -c, c)


def same(g: Array) -> Array:
    return g


RULES: dict[str, Rule] = {
    "gd": lambda at, eta=0.01: gradient_descent(at, eta, same),
    "clipped_gd.by_value": lambda at, eta=0.01, alpha=1: gradient_descent(at, eta, kept(alpha)),
    "clipped_gd.by_norm": lambda at, eta=0.01, alpha=1: gradient_descent(at, eta, shortened(alpha)),
    "momentum.ema": lambda at, eta=0.01, beta1=0.1: momentum(at, 1 - beta1, beta1, eta),
    "momentum.heavy_ball": lambda at, eta=0.01, alpha=0.9: momentum(at, alpha, 1, eta),
    "momentum.velocity": lambda at, eta=0.01, alpha=0.9: momentum(at, alpha, eta, 1),
    "momentum.double_rate": lambda at, eta=0.1, beta1=0.1: momentum(at, 1 - beta1, eta, eta),
    "nesterov.lookahead": lambda at, eta=0.01, alpha=0.9: lookahead(at, eta, alpha),
    "nesterov.shifted": lambda at, eta=0.01, alpha=0.9: shifted(at, eta, alpha),
    "adagrad.eps_outside": lambda at, eta=0.01, eps=1e-10: adagrad(at, eta, outside(eps)),
    "adagrad.eps_inside": lambda at, eta=0.001, eps=1e-7, s0=0.1: adagrad(at, eta, inside(eps), s0),
    "rmsprop.eps_outside": lambda at, eta=0.01, rho=0.99, eps=1e-8: rmsprop(at, eta, rho, outside(eps)),
    "rmsprop.eps_inside": lambda at, eta=0.001, rho=0.9, eps=1e-7: rmsprop(at, eta, rho, inside(eps)),
    "rmsprop.momentum": lambda at, eta=0.01, rho=0.99, alpha=0.9, eps=1e-8: rmsprop(
        at, eta, rho, outside(eps), alpha
    ),
    "rmsprop.nesterov": lambda at, eta=0.01, rho=0.99, alpha=0.9, eps=1e-8: rmsprop(
        at, eta, rho, outside(eps), alpha, alpha
    ),
    "adam.paper": lambda at, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8: adam(
        at, eta, beta1, beta2, outside(eps)
    ),
    "adam.eps_inside": lambda at, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8: adam(
        at, eta, beta1, beta2, inside(eps)
    ),
    "adam.eps_hat": lambda at, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-7: adam(
        at, eta, beta1, beta2, np.sqrt, hat=eps
    ),
    "adam.talk": lambda at, eta=0.001, beta1=0.1, beta2=0.001, eps=1e-8: adam(
        at, eta, 1 - beta1, 1 - beta2, inside(eps)
    ),
    "adam.no_bias_correction": lambda at, eta=0.001, beta1=0.1, beta2=0.001, eps=1e-8: adam(
        at, eta, 1 - beta1, 1 - beta2, inside(eps), corrected=False
    ),
    "adamw.torch": lambda at, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lambda_=0.01: adam(
        at, eta, beta1, beta2, outside(eps), decay=eta * lambda_
    ),
    "adamw.paper": lambda at, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8, lambda_=0.0001, scale=1: adam(
        at, scale * eta, beta1, beta2, outside(eps), decay=scale * lambda_
    ),
    "yogi.corrected": lambda at, eta=0.01, beta1=0.9, beta2=0.999, eps=0.001: adam(
        at, eta, beta1, beta2, outside(eps), yogi=True
    ),
    "yogi.paper": lambda at, eta=0.01, beta1=0.9, beta2=0.999, eps=0.001: adam(
        at, eta, beta1, beta2, outside(eps), corrected=False, yogi=True
    ),
    "lion.paper": lambda at, eta=0.0001, beta1=0.9, beta2=0.99, lambda_=0.0: lion(
        at, eta, beta1, beta2, lambda_
    ),
}  # fmt: skip
CALLS = """
gd(eta = 0.1)
clipped_gd.by_value(eta = 0.1, alpha = 0.5)
clipped_gd.by_norm(eta = 0.1, alpha = 0.5)
momentum.ema(eta = 0.3, beta1 = 0.2)
momentum.heavy_ball(eta = 0.05, alpha = 0.8)
momentum.velocity(eta = 0.05, alpha = 0.8)
momentum.double_rate(eta = 0.2, beta1 = 0.2)
nesterov.lookahead(eta = 0.05, alpha = 0.8)
nesterov.shifted(eta = 0.05, alpha = 0.8)
adagrad.eps_outside(eta = 0.2, eps = 0.01)
adagrad.eps_inside(eta = 0.2, eps = 0.01, s0 = 0.3)
rmsprop.eps_outside(eta = 0.05, rho = 0.9, eps = 0.01)
rmsprop.eps_inside(eta = 0.05, rho = 0.8, eps = 0.01)
rmsprop.momentum(eta = 0.02, rho = 0.9, alpha = 0.7, eps = 0)
rmsprop.nesterov(eta = 0.02, rho = 0.9, alpha = 0.7, eps = 0)
adam.paper(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01)
adam.eps_inside(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01)
adam.eps_hat(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01)
adam.talk(eta = 0.1, beta1 = 0.2, beta2 = 0.05, eps = 0.01)
adam.no_bias_correction(eta = 0.1, beta1 = 0.2, beta2 = 0.05, eps = 0.01)
adamw.torch(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01, lambda = 0.2)
adamw.paper(eta = 0.2, beta1 = 0.8, beta2 = 0.95, eps = 0.01, lambda = 0.04, scale = 0.5)
yogi.corrected(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01)
yogi.paper(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01)
lion.paper(eta = 0.1, beta1 = 0.8, beta2 = 0.95, lambda = 0.1)
"""


def each(at: Problem, eta: float, threshold: float) -> Path:
    """Gradient descent with the gradient of each tensor shortened by itself."""
    p = at.start
    while True:
        g = at.grad(p)
        p = p - eta * np.concatenate([shortened(threshold)(g[part]) for part in at.tensors])
        yield p


CLIPS: dict[str, Callable[[Problem], Path]] = {
    "gd(eta = 0.1), clip = clip.by_value(c = 0.5)": lambda at: gradient_descent(at, 0.1, kept(0.5)),
    "gd(eta = 0.1), clip = clip.by_norm(c = 0.5)": lambda at: gradient_descent(at, 0.1, shortened(0.5)),
    "gd(eta = 0.1), clip = clip.by_norm_per_tensor(c = 0.5)": lambda at: each(at, 0.1, 0.5),
    "gd(eta = 0.1), clip = clip.by_norm_per_layer(c = 0.5)": lambda at: each(at, 0.1, 0.5),
}
"""Where each tensor is a layer of its own."""
