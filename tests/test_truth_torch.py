"""A thousand iterations of netc follow PyTorch in float64, from the same weights, to 1e-9 relative.

The rates keep the training away from chaos, so that a difference in the last bit stays one: with PyTorch
against itself, samples in another order, a thousand iterations grow the rounding to at most 2e-12 of a
parameter here. Larger rates train faster but end in two-cycles of single parameters (Adam, RMSprop and
AdaGrad divide by the size of a vanishing gradient), where the last bit decides: on Boston the same
comparison of PyTorch with itself is 1.8 for RMSprop at 0.001 and for Adam at 0.003, 0.4 for AdaGrad at 0.01.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from peers import netc_training
from peers.problems import Arrays, Problem, boston, digits, iris

torch = pytest.importorskip("torch", reason="PyTorch 2.13.0 is not installed: pip install torch==2.13.0")

from peers import torch_training  # noqa: E402
from sweeps import one_in  # noqa: E402

ITERATIONS = 1000


@dataclass(frozen=True)
class Rule:
    """One update rule under both names; `rates` belong to the problems of the same name."""

    name: str
    netc: str
    torch: Callable[[Iterable[Any], float], Any]
    rates: dict[str, float]


RULES = (
    Rule(
        "gd",
        "gd(eta = {rate})",
        lambda p, rate: torch.optim.SGD(p, lr=rate),
        {"boston": 0.1, "iris": 0.1, "digits": 0.1},
    ),
    Rule(
        "heavy_ball",
        "momentum.heavy_ball(eta = {rate}, alpha = 0.9)",
        lambda p, rate: torch.optim.SGD(p, lr=rate, momentum=0.9),
        {"boston": 0.01, "iris": 0.01, "digits": 0.01},
    ),
    Rule(
        "adam",
        "adam.paper(eta = {rate}, beta1 = 0.9, beta2 = 0.999, eps = 1e-8)",
        lambda p, rate: torch.optim.Adam(p, lr=rate),
        {"boston": 0.001, "iris": 0.01, "digits": 0.003},
    ),
    Rule(
        "rmsprop",
        "rmsprop.eps_outside(eta = {rate}, rho = 0.99, eps = 1e-8)",
        lambda p, rate: torch.optim.RMSprop(p, lr=rate),
        {"boston": 0.0001, "iris": 0.001, "digits": 0.0002},
    ),
    Rule(
        "adagrad",
        "adagrad.eps_outside(eta = {rate}, eps = 1e-10)",
        lambda p, rate: torch.optim.Adagrad(p, lr=rate),
        {"boston": 0.005, "iris": 0.01, "digits": 0.01},
    ),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("make", one_in(3, [boston, iris, digits]))
def test_full_batch(rule: Rule, make: Callable[[], Problem], tmp_path: Path) -> None:
    _follows(rule, make(), None, tmp_path, epochs=ITERATIONS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_minibatches_in_order(rule: Rule, tmp_path: Path) -> None:
    """150 samples are four batches of 32 and one of 22."""
    _follows(rule, iris(), 32, tmp_path, epochs=ITERATIONS // 5)


def _follows(rule: Rule, problem: Problem, batch: int | None, folder: Path, epochs: int) -> None:
    rate = rule.rates[problem.name]
    start = problem.weights(seed=1)
    peer = torch_training.train(problem, start, lambda p: rule.torch(p, rate), epochs, batch)
    optimizer = rule.netc.format(rate=rate)
    model = netc_training.model(
        folder, problem, start, optimizer, every=1, epochs=epochs, batch=batch or "full"
    )
    result = model.train(problem.x, problem.y)
    assert result.steps.tolist() == [ITERATIONS]
    np.testing.assert_allclose(result.history["loss_train"], peer.losses, rtol=1e-9)
    _same(model.unflatten(result.theta[0]), peer.weights)


def _same(ours: Arrays, theirs: Arrays) -> None:
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_the_comparison_can_fail() -> None:
    start = iris().weights(seed=1)
    nearly = start | {"layer1.bias": start["layer1.bias"] * (1 + 2e-9)}
    with pytest.raises(AssertionError, match=r"layer1\.bias"):
        _same(nearly, start)
