"""Penalties on parameters in the loss: trajectories of PyTorch from the same weights, kernels and interpreter; the figures
have them too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.calculus import interpret
from netc.compiler.meaning.spec_text import spec_text
from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.dsl.source import Source
from netc.runtime.training.start import first_theta

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(15, 3)), RNG.normal(size=(15, 2))
TEXT = """network [3 (tanh) 5 (layernorm 1e-5) (lin) 2]
init glorot_normal
loss R = mean((u - y)^2) + {penalty}
optimizer gd(eta = 0.05)
train steps = 20, batch = full, seed = 6
"""
PENALTIES = {
    "0.1*sum(layer1.weight^2)": lambda w1, b1, g, b, w2, b2: 0.1 * (w1**2).sum(),
    "0.02*sum(|weights|)": lambda w1, b1, g, b, w2, b2: 0.02 * (w1.abs().sum() + w2.abs().sum()),
    "0.01*sum(|weights|) + 0.03*sum(weights^2)/2": lambda w1, b1, g, b, w2, b2: sum(
        0.01 * w.abs().sum() + 0.015 * (w**2).sum() for w in (w1, w2)
    ),
    "0.1*norm(theta) + 0.2*mean(layer2^2)*max(|gains|)": lambda *p: 0.1 * torch.cat([a.reshape(-1) for a in p]).norm()
    + 0.2 * (torch.cat([p[2], p[3]]) ** 2).mean() * torch.cat([p[2], p[3]]).abs().max(),
    "0.1*dot(layer3.weights, layer3.weights)": lambda w1, b1, g, b, w2, b2: 0.1 * (w2 * w2).sum(),
}  # fmt: skip


def program(penalty: str):
    return to_ir(to_spec(to_ast(Source("<test>", TEXT.format(penalty=penalty))), None, Path()))


def trajectory(penalty: str, start: np.ndarray, steps: int) -> np.ndarray:
    problem = program(penalty).problem
    parts = [
        torch.tensor(start[t.offset : t.stop].reshape(t.kept_shape), requires_grad=True)
        for t in problem.weights
    ]
    rule = torch.optim.SGD(parts, lr=0.05)
    for _ in range(steps):
        w1, b1, gamma, beta, w2, b2 = parts
        h = torch.nn.functional.layer_norm(torch.tanh(torch.tensor(X) @ w1.T + b1), (5,), gamma, beta, 1e-5)
        loss = ((h @ w2.T + b2 - torch.tensor(Y)) ** 2).mean() + PENALTIES[penalty](*parts)
        rule.zero_grad()
        loss.backward()
        rule.step()
    return torch.cat([p.detach().reshape(-1) for p in parts]).numpy()


@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_interpreter_follows_pytorch(penalty: str) -> None:
    made = program(penalty)
    start = first_theta(made, 0, 1)[0]
    found = interpret.run(made, start, X, Y, 20).trajectory[-1]
    np.testing.assert_allclose(found, trajectory(penalty, start, 20), rtol=1e-9, atol=1e-11)


def test_kernels_do_too_and_the_figures_have_the_penalty() -> None:
    penalty = "0.01*sum(|weights|) + 0.03*sum(weights^2)/2"
    model = netc.compile(TEXT.format(penalty=penalty))
    result = model.train(X, Y)
    start = first_theta(program(penalty), 0, 1)[0]
    np.testing.assert_allclose(result.theta[0], trajectory(penalty, start, 20), rtol=1e-9, atol=1e-11)
    parts = [torch.tensor(a) for a in model.unflatten(result.theta[0]).values()]
    bare = np.mean((model.predict(X) - Y) ** 2)
    assert result.loss_train[0] == pytest.approx(bare + PENALTIES[penalty](*parts).item(), rel=1e-10)


def test_the_spec_as_text_has_the_penalty() -> None:
    text = TEXT.format(penalty="0.1*sum(layer1.weight^2) + 0.1*norm(theta)")
    spec = to_spec(to_ast(Source("<test>", text)), None, Path())
    again = to_spec(to_ast(Source("<spec>", spec_text(spec))), None, Path())
    assert to_ir(again).problem == to_ir(spec).problem
