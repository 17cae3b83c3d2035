"""The numbers of docs/which-adam.md."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import netc
from tables.momentum import Table, gradients, shown

CALLS = {
    "adam.paper": "eta = 0.001",
    "torch.Adam": "lr=0.001",
    "optax.adam": "learning_rate=0.001",
    "chainer.Adam": "alpha=0.001",
    "paddle.Adam": "learning_rate=0.001",
    "mlx.Adam": "learning_rate=0.001",
    "keras.Adam": "learning_rate=0.001",
    "tf1.AdamOptimizer": "learning_rate=0.001",
    "sklearn.AdamOptimizer": "learning_rate_init=0.001",
    "adam.eps_inside": "eta = 0.001, eps = 1e-8",
    "adam.no_bias_correction": "eta = 0.001",
}


def epsilon() -> Table:
    """The epsilon that each rule adds to |g| in effect, at the first step and late."""
    head = ("rule", "ε as given", "added to \\|g\\| at step 1", "at step 100", "at step 1000")
    return head, ([f"`{call}`", _given(call), *_effective(call)] for call in CALLS)


def _rule(call: str, more: str = "") -> netc.UpdateRule:
    return netc.update_rule(f"{call}({CALLS[call]}{more})")


def _given(call: str) -> str:
    found = _rule(call).parameters
    return f"{next(found[name] for name in ('eps', 'epsilon') if name in found):g}"


def _effective(call: str) -> list[str]:
    """With the tiny gradient g at every step, step = corrected rate*g/(g + ε') gives ε'."""
    tiny = 1e-12
    return [f"{_added(_step(call, tiny, at), _step(call, 1e6, at), tiny):.1e}" for at in (1, 100, 1000)]


def _added(step: float, full: float, g: float) -> float:
    """`full` is the step where epsilon does not count."""
    return g * (full / step - 1)


def _step(call: str, g: float, at: int) -> float:
    path = _rule(call).trajectory([0.0], np.full((at, 1), g))[:, 0]
    return float(path[-2] - path[-1])


def tiny() -> Table:
    """The first step on small gradients, in units of the rate."""
    sizes = (1.0, 1e-3, 1e-5, 1e-7, 1e-9)
    head = ("first step / rate", *(f"g = {g:g}" for g in sizes))
    return head, ([f"`{call}`", *(f"{_step(call, g, 1) / 0.001:.3g}" for g in sizes)] for call in CALLS)


def first() -> Table:
    """The steps on a gradient that is always 1, in units of the rate."""
    at = (1, 2, 5, 10, 100, 1000)
    head = ("step / rate", *(f"step {n}" for n in at))
    calls = ("adam.paper", "keras.Adam", "adam.no_bias_correction", "mlx.Adam")
    return head, ([f"`{call}`", *(f"{_step(call, 1.0, n) / 0.001:.3g}" for n in at)] for call in calls)


DECAYS = {
    "torch.Adam(lr=0.01, weight_decay=0.1)": "L2, inside g",
    "paddle.Adam(learning_rate=0.01, weight_decay=0.1)": "L2, inside g",
    "torch.AdamW(lr=0.01, weight_decay=0.1)": "η λ θ",
    "keras.Adam(learning_rate=0.01, weight_decay=0.1)": "η λ θ",
    "optax.adamw(learning_rate=0.01, weight_decay=0.1)": "η λ θ",
    "adamw.paper(eta = 0.01, lambda = 0.1)": "λ θ, no rate",
}


def decay() -> Table:
    """A weight that begins at 1, under no gradient at all, and under a gradient of 100."""
    head = ("call", "subtracts", "θ after 10 steps, g = 0", "θ after 10 steps, g = 100")
    return head, (_decay(text, what) for text, what in DECAYS.items())


def _decay(text: str, what: str) -> Sequence[str]:
    ends = (netc.update_rule(text).trajectory([1.0], np.full((10, 1), g))[-1, 0] for g in (0.0, 100.0))
    return [f"`{text}`", what, *(f"{end:.5f}" for end in ends)]


def amsgrad() -> Table:
    """AMSGrad of three libraries with one epsilon, on the same gradients."""
    calls = (
        "torch.Adam(lr=0.001, amsgrad=true)",
        "optax.amsgrad(learning_rate=0.001)",
        "keras.Adam(learning_rate=0.001, amsgrad=true, epsilon=1e-8)",
    )
    paths = [netc.update_rule(text).trajectory(np.ones(4), _burst()) for text in calls]
    head = ("largest difference, in units of the rate", *(f"`{text.partition('(')[0]}`" for text in calls))
    rows = (
        [f"`{text}`", *(shown(np.abs(path - other).max() / 0.001) for other in paths)]
        for text, path in zip(calls, paths, strict=True)
    )
    return head, rows


def _burst() -> np.ndarray:
    """A large gradient early, small ones after: the maximum then matters."""
    given = 0.1 * gradients(50, 4)
    given[3:5] *= 50
    return given
