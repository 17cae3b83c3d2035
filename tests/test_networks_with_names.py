"""Stages with names that others join, `as e1`, `(concat e1)`, `(add e1)`: a small U-Net against PyTorch, and as text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.calculus.evaluate import loss_and_gradient
from netc.compiler.meaning.spec_text import spec_text
from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.dsl.source import Source

torch = pytest.importorskip("torch")
F = torch.nn.functional
TEXT = """network [4x6x2 (conv 3x3 same, relu) 3 as e1 (maxpool 2x2) (conv 3x3 same, tanh) 4 as e2 (conv 3x3 same, tanh) 4
         (add e2) (upsample 2x2) (concat e1) (conv 3x3 same, relu) 5 (conv 1x1, softmax) 3]
init he_normal
loss pixel_cross_entropy
optimizer gd(eta = 0.1)
train steps = 3, batch = full, seed = 1
"""
RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(5, 48)), RNG.integers(0, 3, (5, 24))


def read(text: str):
    return to_spec(to_ast(Source("<test>", text)), None, Path())


def reference(parts):
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = parts
    z = torch.tensor(X).reshape(5, 4, 6, 2).permute(0, 3, 1, 2)
    e1 = F.relu(F.conv2d(z, w1, b1, padding=1))
    e2 = torch.tanh(F.conv2d(F.max_pool2d(e1, 2), w2, b2, padding=1))
    d = torch.tanh(F.conv2d(e2, w3, b3, padding=1)) + e2
    d = torch.cat([F.interpolate(d, scale_factor=2, mode="nearest"), e1], dim=1)
    return F.conv2d(F.relu(F.conv2d(d, w4, b4, padding=1)), w5, b5)


@pytest.mark.slow
def test_a_small_u_net_is_pytorchs() -> None:
    problem = to_ir(read(TEXT)).problem
    theta = RNG.normal(size=problem.parameters) * 0.5
    one_hot = np.eye(3)[Y].reshape(5, -1)
    parts = [
        torch.tensor(theta[t.offset : t.stop].reshape(t.kept_shape), requires_grad=True)
        for t in problem.weights
    ]
    right = F.cross_entropy(reference(parts), torch.tensor(Y).reshape(5, 4, 6))
    slopes = np.concatenate([g.numpy().reshape(-1) for g in torch.autograd.grad(right, parts)])
    loss, gradient = loss_and_gradient(problem, theta, X, one_hot)
    assert loss == pytest.approx(right.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-9, atol=1e-12)
    model = netc.compile(TEXT)
    np.testing.assert_allclose(model.gradient(theta, X, Y), slopes, rtol=1e-9, atol=1e-12)


def test_the_spec_as_text_is_the_same_network() -> None:
    spec = read(TEXT)
    assert to_ir(read(spec_text(spec))) == to_ir(spec)


def test_names_stand_in_the_brackets_of_blocks() -> None:
    block = "block skip(c) = [(conv 3x3 same, relu) c as a (conv 3x3 same, relu) c (concat a)]\n"
    network = "network [4x4x2 (skip) (skip) x 2 (conv 1x1, lin) 1]\ninit he_normal\nloss mse\n"
    problem = to_ir(read(f"{block}{network}optimizer gd(eta = 0.1)\ntrain steps = 1\n")).problem
    assert [t.shape[1] for t in problem.weights if t.name.endswith("weight")] == [2, 2, 4, 4, 8, 8, 16]
