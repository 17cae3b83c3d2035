"""Initial laws: bounds, variances and distributions against the formulas and against torch.nn.init."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import netc
from peers.problems import Arrays
from sweeps import one_in

FAN_IN, FAN_OUT, RUNS = 40, 25, 50
"""Of the first layer; with RUNS starts there are 50 000 weights and 1250 biases of one law."""

UNIFORM = {
    "glorot_uniform": np.sqrt(6 / (FAN_IN + FAN_OUT)),
    "glorot_uniform(gain = 5/3)": 5 / 3 * np.sqrt(6 / (FAN_IN + FAN_OUT)),
    "xavier_uniform": np.sqrt(6 / (FAN_IN + FAN_OUT)),
    "he_uniform": np.sqrt(6 / FAN_IN),
    "he_uniform(slope = 0.2)": np.sqrt(6 / ((1 + 0.2**2) * FAN_IN)),
    "he_uniform_fan_out": np.sqrt(6 / FAN_OUT),
    "lecun_uniform": np.sqrt(3 / FAN_IN),
    "torch_default": 1 / np.sqrt(FAN_IN),
    "uniform": 0.05,
}
"""The bound a of uniform(-a, a)."""

NORMAL = {
    "glorot_normal": np.sqrt(2 / (FAN_IN + FAN_OUT)),
    "he_normal": np.sqrt(2 / FAN_IN),
    "he_normal(slope = 0.2)": np.sqrt(2 / ((1 + 0.2**2) * FAN_IN)),
    "he_normal_fan_out": np.sqrt(2 / FAN_OUT),
    "lecun_normal": np.sqrt(1 / FAN_IN),
    "normal(sigma = 0.3)": 0.3,
}
"""The standard deviation."""


def starts(init: str, seed: int = 3, network: str = f"[{FAN_IN}(tanh){FAN_OUT}(lin)2]") -> list[Arrays]:
    """The parameters of RUNS networks, after an iteration that leaves them where they are."""
    model = netc.compile(
        f"network {network}\n"
        f"init {init}\n"
        "loss mse\n"
        "optimizer stay():\n"
        "    theta[n+1] = theta[n]\n"
        f"train steps = 1, runs = {RUNS}\n"
    )
    width = int(network[1:].split("(")[0])
    result = model.train(np.zeros((4, width)), np.zeros((4, 2)), seed=seed)
    return [model.unflatten(theta) for theta in result.theta]


def weights(init: str, seed: int = 3) -> NDArray[np.float64]:
    return np.concatenate([start["layer1.weight"].ravel() for start in starts(init, seed)])


@pytest.mark.parametrize(("init", "bound"), one_in(3, UNIFORM.items()))
def test_uniform_laws(init: str, bound: float) -> None:
    w = weights(init)
    assert 0.999 * bound < np.abs(w).max() <= bound
    assert stats.kstest(w, stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("init", "deviation"), NORMAL.items())
def test_normal_laws(init: str, deviation: float) -> None:
    w = weights(init)
    assert w.mean() == pytest.approx(0, abs=4 * deviation / np.sqrt(w.size))
    assert w.std() == pytest.approx(deviation, rel=4 / np.sqrt(2 * w.size))
    assert stats.kstest(w / deviation, "norm").pvalue > 1e-3


TORCH: dict[str, Callable[[Any, Any], Any]] = {
    "xavier_uniform": lambda nn, w: nn.init.xavier_uniform_(w),
    "xavier_normal": lambda nn, w: nn.init.xavier_normal_(w),
    "kaiming_uniform": lambda nn, w: nn.init.kaiming_uniform_(w),
    "kaiming_normal": lambda nn, w: nn.init.kaiming_normal_(w),
    "kaiming_uniform(slope = 0.2)": lambda nn, w: nn.init.kaiming_uniform_(w, a=0.2),
    "he_normal_fan_out": lambda nn, w: nn.init.kaiming_normal_(w, mode="fan_out"),
}


@pytest.mark.parametrize("init", TORCH)
def test_same_law_as_torch(init: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch 2.13.0 is not installed: pip install torch==2.13.0")
    torch.manual_seed(0)
    drawn = [TORCH[init](torch.nn, torch.empty(FAN_OUT, FAN_IN, dtype=torch.float64)) for _ in range(RUNS)]
    theirs = torch.stack(drawn).numpy().ravel()
    assert stats.ks_2samp(weights(init), theirs).pvalue > 1e-3


def test_torch_default_is_that_of_linear() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch 2.13.0 is not installed: pip install torch==2.13.0")
    torch.manual_seed(0)
    layers = [torch.nn.Linear(FAN_IN, FAN_OUT, dtype=torch.float64) for _ in range(RUNS)]
    ours = starts("torch_default")
    for name in ("weight", "bias"):
        theirs = np.concatenate([getattr(layer, name).detach().numpy().ravel() for layer in layers])
        mine = np.concatenate([start[f"layer1.{name}"].ravel() for start in ours])
        assert stats.ks_2samp(mine, theirs).pvalue > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("network", ["[12(tanh)30(lin)2]", "[30(tanh)12(lin)2]"])
def test_orthogonal(network: str) -> None:
    for start in starts("orthogonal(gain = 2)", network=network):
        w = start["layer1.weight"]
        short = w @ w.T if len(w) < w.shape[1] else w.T @ w
        np.testing.assert_allclose(short, 4 * np.eye(12), atol=1e-12)
        assert not start["layer1.bias"].any()


def test_constants() -> None:
    start = starts("constant(0.25, bias = -1)")[0]
    assert set(start["layer1.weight"].ravel()) == {0.25}
    assert set(start["layer1.bias"]) == {-1.0}


def test_seeds_and_runs_differ_and_repeat() -> None:
    first = starts("he_normal")
    again = starts("he_normal")
    other = starts("he_normal", seed=4)
    np.testing.assert_array_equal(first[0]["layer1.weight"], again[0]["layer1.weight"])
    assert not np.isin(first[0]["layer1.weight"], other[0]["layer1.weight"]).any()
    assert not np.isin(first[0]["layer1.weight"], first[1]["layer1.weight"]).any()
