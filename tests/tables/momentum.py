"""The numbers of docs/which-momentum.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

import netc

Table = tuple[Sequence[str], Iterator[Sequence[str]]]
RATE, KEPT = 0.01, 0.9
CALLS = {
    "torch.SGD": "lr={}, momentum=0.9",
    "optax.sgd": "learning_rate={}, momentum=0.9",
    "tf1.MomentumOptimizer": "learning_rate={}, momentum=0.9",
    "jax.momentum": "step_size={}, mass=0.9",
    "paddle.Momentum": "learning_rate={}, momentum=0.9",
    "mlx.SGD": "learning_rate={}, momentum=0.9",
    "tinygrad.SGD": "lr={}, momentum=0.9",
    "keras.SGD": "learning_rate={}, momentum=0.9",
    "tf_keras.SGD": "learning_rate={}, momentum=0.9",
    "chainer.MomentumSGD": "lr={}, momentum=0.9",
    "sklearn.SGDOptimizer": "learning_rate_init={}, momentum=0.9, nesterov=false",
    "autograd.sgd": "step_size={}, mass=0.9",
    "optax.ema": "decay=0.9, learning_rate={}, debias=false",
    "turpault.Momentum": "eta={}, beta1=0.1",
}
"""A call of each library with the memory 0.9, its rate left open."""
FORMS = {
    "momentum.ema": "(eta = {}, beta1 = 0.1)",
    "momentum.velocity": "(eta = {}, alpha = 0.9)",
    "momentum.double_rate": "(eta = {}, beta1 = 0.1)",
    "momentum.heavy_ball": "(eta = {}, alpha = 0.9)",
}


def names() -> Table:
    """Which form each library's call is, with which rate: the form that stays the same under a schedule."""
    head = ("call", "is", "with the same rate it walks", "write in netc for the same iterates")
    return head, (_name(call) for call in CALLS)


def _name(call: str) -> Sequence[str]:
    text = f"{call}({CALLS[call].format(RATE)})"
    for form in ("momentum.ema", "momentum.velocity", "momentum.heavy_ball"):
        other = f"{form}{FORMS[form].format(RATE)}"
        if _scheduled(text) == _scheduled(other):
            far = "as far as an average" if form == "momentum.ema" else "10 times as far as an average"
            return f"`{text}`", f"`{form}`", far, f"`{other}`"
    raise AssertionError(f"{text} is none of the forms")


def _scheduled(text: str) -> list[float]:
    """Where it ends on some gradients when the rate falls to a tenth on the way."""
    rule = netc.update_rule(text)
    rate = next(name for name, value in rule.parameters.items() if value == RATE)
    path = rule.trajectory([1.0], gradients(20, 1), {rate: [RATE] * 10 + [RATE / 10] * 10})
    return [round(float(x), 12) for x in path[:, 0]]


def gradients(steps: int, size: int) -> np.ndarray:
    """(steps, size), smooth, of mean about 0.5, without any chance."""
    n, i = np.arange(steps)[:, None], np.arange(size)[None]
    return 0.5 + np.cos(0.3 * n * (i + 1)) + 0.2 * np.sin(1.1 * n + i)


def steps() -> Table:
    """How far each form goes in iteration n on a gradient that is always 1."""
    at = (1, 2, 5, 10, 50)
    head = ("rule, rate 0.1, memory 0.9", *(f"step {n}" for n in at), "in the end")
    rules = {
        "`gd`": "gd(eta = 0.1)",
        **{f"`{form}`": form + FORMS[form].format(0.1) for form in FORMS},
        "`nesterov.shifted`": "nesterov.shifted(eta = 0.1, alpha = 0.9)",
        "`torch.SGD`, `dampening=0.9`": "torch.SGD(lr=0.1, momentum=0.9, dampening=0.9)",
        "`optax.ema`, debiased": "optax.ema(decay=0.9, learning_rate=0.1)",
    }
    return head, ([name, *_lengths(text, (*at, 400))] for name, text in rules.items())


def _lengths(text: str, at: Sequence[int]) -> list[str]:
    path = netc.update_rule(text).trajectory([0.0], np.ones((max(at), 1)))[:, 0]
    return [f"{path[n - 1] - path[n]:.4g}" for n in at]


def breaks() -> Table:
    """How far forms that are equal drift apart, on 50 given gradients."""
    head = ("what is changed", "`velocity`, same rate", "`ema`, rate × 10", "cure")
    rate = [0.02] * 20 + [0.002] * 15 + [0.0002] * 15
    memory = [0.5 + 0.45 * n / 49 for n in range(50)]
    changed = [
        ("nothing", {}, {}, {}, ""),
        ("the rate: a tenth after 20 and 35 steps", {"eta": rate}, {"eta": rate}, {"eta": _times(rate, 10)},
         "rescale the velocity by new rate / old rate"),
        ("the memory: from 0.5 to 0.95, rate of `ema` divided by its β1", {"alpha": memory}, {"alpha": memory},
         {"beta1": [1 - a for a in memory], "eta": [0.02 / (1 - a) for a in memory]}, "keep the sum of gradients"),
    ]  # fmt: skip
    return head, (_drift(*row) for row in changed)


def _times(values: list[float], factor: float) -> list[float]:
    return [factor * value for value in values]


Schedule = dict[str, list[float]]


def _drift(what: str, sums: Schedule, velocity: Schedule, average: Schedule, cure: str) -> Sequence[str]:
    truth = _path("momentum.heavy_ball(eta = 0.02, alpha = 0.9)", sums)
    others = (
        _path("momentum.velocity(eta = 0.02, alpha = 0.9)", velocity),
        _path("momentum.ema(eta = 0.2, beta1 = 0.1)", average),
    )
    return [what, *(shown(np.abs(path - truth).max()) for path in others), cure]


def _path(text: str, schedule: Schedule) -> np.ndarray:
    return netc.update_rule(text).trajectory(np.ones(4), gradients(50, 4), schedule)


def shown(difference: float) -> str:
    return "0" if difference < 1e-12 else f"**{difference:.2g}**"


EXPECTED = re.compile(r"^expect +diverged = ([\d.]+%) of runs", re.MULTILINE)


def shares() -> Table:
    """What the files of examples/momentum state, and `netc reproduce examples/momentum` judges."""
    rules = ("gd", "ema", "double_rate", "velocity", "heavy_ball", "adam")
    head = ("rule", "benchmark 1, 40 000 starts, η = 0.1", "Boston, 50 starts, η = 0.5")
    return head, ([f"`{rule}`", _share(rule), _share(f"boston_{rule}")] for rule in rules)


def _share(name: str) -> str:
    file = Path(__file__).parents[2] / "examples" / "momentum" / f"{name}.net"
    if not file.exists():
        return ""
    (found,) = EXPECTED.findall(file.read_text(encoding="utf-8"))
    return str(found)
