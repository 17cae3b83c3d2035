"""Kernels of layers whose parameters lie as Keras has them, inputs first: the gradient of a step is the interpreter's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import loss_and_gradient
from netc.compiler.kernels.patterns import chain
from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.dsl.source import Source

NETWORK = (
    "[5x4x2 (keras.Conv2D 3x2 padding same, tanh) 3 (torch.MaxPool2d 2x2) (keras.DepthwiseConv2D 2x1) (keras.Flatten)"
    " (keras.Dense) 2]"
)


def text_of(network: str) -> str:
    rest = "loss mse\noptimizer gd(eta = 1)\ntrain steps = 1, batch = full\n"
    return f"data given, scale = none\nnetwork {network}\n{rest}"


def problem_of(network: str) -> ir.Problem:
    return to_ir(to_spec(to_ast(Source("<test>", text_of(network))), None, Path())).problem


@pytest.mark.slow
def test_a_step_goes_along_the_gradient() -> None:
    problem = problem_of(NETWORK)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 40)), rng.uniform(size=(20, 2))
    theta = rng.normal(size=problem.parameters)
    _, gradient = loss_and_gradient(problem, theta, x, y)
    found = netc.compile(text_of(NETWORK)).train(x, y, theta=theta).theta
    np.testing.assert_allclose(theta - np.ravel(found), gradient, rtol=1e-9, atol=1e-12)


def test_the_kernels_of_dense_chains_are_for_outputs_first() -> None:
    """They walk through the rows of a weight; one with the inputs first has the kernels of any network."""
    assert chain(problem_of("[4 (torch.Linear, tanh) 8 (torch.Linear) 3]")) is not None
    assert chain(problem_of("[4 (torch.Linear, tanh) 8 (keras.Dense) 3]")) is None
    assert chain(problem_of("[4 (keras.Dense, tanh) 8 (torch.Linear) 3]")) is None
