"""A network of layers from its text to what is trained: kernels against the interpreter, names of what is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.calculus.evaluate import loss_and_gradient, predict
from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.dsl.source import Source
from netc.runtime.parameters import flatten

TEXT = """
block     res(c) = x + [c (conv 3x3 same nobias, layernorm(1e-5), relu) c]
network   [5x5x1 (conv 3x2 pad 1x0, tanh) 2 (avgpool 2x2) (res) (softmax) 3]
init      glorot_uniform
loss      cross_entropy
optimizer gd(eta = 0.5)
train     epochs = 3, batch = full, seed = 1
"""

PROBLEM = to_ir(to_spec(to_ast(Source("<test>", TEXT)), None, Path())).problem


@pytest.fixture(scope="module")
def model() -> netc.Model:
    return netc.compile(TEXT)


@pytest.mark.slow
def test_kernels_are_as_the_interpreter(model: netc.Model) -> None:
    problem, rng = PROBLEM, np.random.default_rng(0)
    theta, x = rng.normal(size=problem.parameters), rng.normal(size=(7, 25))
    y = rng.integers(0, 3, 7)
    one_hot = np.eye(3)[y]
    loss, gradient = loss_and_gradient(problem, theta, x, one_hot)
    assert model.loss(theta, x, y) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(model.gradient(theta, x, y), gradient, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(model.predict(x, theta=theta), predict(problem, theta, x), rtol=1e-10)


def test_parameters_go_out_and_in_by_name(model: netc.Model) -> None:
    theta = np.arange(float(PROBLEM.parameters))
    named = model.unflatten(theta)
    assert {n: a.shape for n, a in named.items()} == {
        "layer1.weight": (2, 1, 3, 2), "layer1.bias": (2,), "layer2.weight": (2, 2, 3, 3),
        "layer3.gamma": (2,), "layer3.beta": (2,), "layer4.weight": (3, 8), "layer4.bias": (3,),
    }  # fmt: skip
    np.testing.assert_array_equal(flatten(PROBLEM, named), theta)


@pytest.mark.sweep
def test_training_follows_the_gradient(model: netc.Model) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(12, 25)), rng.integers(0, 3, 12)
    one, two = (model.train(x, y, steps=k).theta[0] for k in (1, 2))
    _, gradient = loss_and_gradient(PROBLEM, one, x, np.eye(3)[y])
    np.testing.assert_allclose(two, one - 0.5 * gradient, rtol=1e-12, atol=1e-14)
