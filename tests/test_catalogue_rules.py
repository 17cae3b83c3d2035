"""The rules of libraries against trajectories that the libraries themselves produced, all in float64."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netc

DATA = Path(__file__).with_name("data") / "dialects"
NAMES = {
    ("tf1", "momentum"): "tf1.MomentumOptimizer", ("tf1", "adagrad"): "tf1.AdagradOptimizer",
    ("tf1", "adadelta"): "tf1.AdadeltaOptimizer", ("tf1", "adam"): "tf1.AdamOptimizer",
    ("tf1", "rmsprop"): "tf1.RMSPropOptimizer", ("sklearn", "mlp_sgd"): "sklearn.SGDOptimizer",
    ("sklearn", "mlp_adam"): "sklearn.AdamOptimizer", ("chainer", "momentum_sgd"): "chainer.MomentumSGD",
}  # fmt: skip
NOT_OPTIONS = ("schedule", "hooks", "chain")
CHAINS = {
    "ema(0.9), scale_by_learning_rate": "optax.ema(0.9, learning_rate = 0.2)",
    "ema(0.9, debias=False), scale_by_learning_rate": "optax.ema(0.9, debias = false, learning_rate = 0.2)",
    "trace, add_decayed_weights(0.1), scale_by_learning_rate": """\
optimizer chain(learning_rate = 0.02, momentum = 0.9, weight_decay = 0.1):
    v[n+1]     = momentum*v[n] + grad R(theta[n])
    theta[n+1] = theta[n] - learning_rate*(v[n+1] + weight_decay*theta[n])
""",
    "add_decayed_weights(0.1) BEFORE sgd": """\
optimizer chain(learning_rate = 0.02, momentum = 0.9, weight_decay = 0.1):
    v[n+1]     = momentum*v[n] + grad R(theta[n]) + weight_decay*theta[n]
    theta[n+1] = theta[n] - learning_rate*v[n+1]
""",
}
"""Chains of optax that no alias spells."""


def runs() -> list[str]:
    names = sorted(p.stem for p in DATA.glob("*.json"))
    return [n for n in names if "__schedule_" not in n and "__clip__" not in n]


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return found


def spelled(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else str(value)


def call(run: dict[str, Any]) -> str:
    """The call that made the run, in netc's notation, which is that of Python."""
    library = run["library"].replace("jax-example-libraries", "jax")
    options = run["options"]
    if "chain" in options:
        return CHAINS[options["chain"]]
    name = NAMES.get((library, run["optimizer"]), f"{library}.{run['optimizer']}")
    given = {n: v for n, v in options.items() if n not in NOT_OPTIONS}
    if name == "optax.rprop":  # the run's first step size is the argument called learning_rate
        given = {"learning_rate": given["initial_step"]}
    return f"{name}({', '.join(f'{n}={spelled(v)}' for n, v in given.items())})"


def rate_of(run: dict[str, Any]) -> str:
    names = ("lr", "learning_rate", "step_size", "learning_rate_init", "alpha")
    return next(n for n in names if n in run["options"])


def close(found: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> bool:
    return bool((np.abs(found - wanted) <= 1e-12 * (1 + np.abs(wanted))).all())


@pytest.mark.parametrize("name", runs())
def test_trajectory(name: str) -> None:
    run = load(name)
    rule = netc.update_rule(call(run))
    schedule = {rate_of(run): run["learning_rates"]} if run["options"].get("schedule") == "step" else None
    found = rule.trajectory(run["initial_point"], run["gradients"], schedule)
    assert close(found, np.array(run["trajectory"]))


@pytest.mark.parametrize("name", [n for n in runs() if "objective_run" in load(n)])
def test_free_run(name: str) -> None:
    """The gradients of the run on the objective, replayed."""
    run = load(name)["objective_run"]
    whole = load(name)
    schedule = (
        {rate_of(whole): whole["learning_rates"]} if whole["options"].get("schedule") == "step" else None
    )
    found = netc.update_rule(call(whole)).trajectory(run["initial_point"], run["gradients"], schedule)
    assert close(found, np.array(run["trajectory"]))
