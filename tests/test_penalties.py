"""Penalties on parameters in the loss: trajectories of PyTorch from the same weights, kernels and interpreter; the figures
have them too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.calculus import interpret
from netc.compiler.calculus.evaluate import loss_and_gradient
from netc.compiler.meaning.spec_text import spec_text
from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.compiler.rules.penalties_told import penalties_told
from netc.dsl.source import Source
from netc.runtime.results.hessian import Hessians
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
UNIT = "layer1.weight[{0}, k]/sqrt(sum[k](layer1.weight[{0}, k]^2))"
DISTANCE = f"sqrt(sum[k](({UNIT.format('i')} - {UNIT.format('j')})^2))"
"""Of two rows on the unit sphere, as in Liu et al., Learning towards Minimum Hyperspherical Energy, 2018, eq. 1."""


def energy(w, f):
    """The sum of f(distance) over all i != j; pairs are listed, so that none is a row with itself."""
    rows = w / w.norm(dim=1, keepdim=True)
    i, j = torch.triu_indices(len(w), len(w), 1)
    return 2 * f((rows[i] - rows[j]).norm(dim=1)).sum()


PENALTIES = {
    f"0.02*sum[i, j](1/{DISTANCE} if i != j else 0)": lambda w1, *_: 0.02 * energy(w1, lambda d: 1 / d),
    f"0.02*sum[i, j](-log({DISTANCE}) if i != j else 0)": lambda w1, *_: 0.02 * energy(w1, lambda d: -d.log()),
    f"0.02*sum[i, j](where(j < i, {DISTANCE}^(-2), 0))": lambda w1, *_: 0.01 * energy(w1, lambda d: d**-2),
    "0.1*sum[i, j]((sum[k](layer1.weight[i, k]*layer1.weight[j, k]) - (1 if i == j else 0))^2)":
        lambda w1, *_: 0.1 * ((w1 @ w1.T - torch.eye(5)) ** 2).sum(),
    "0.1*mean[k](max[i](|layer1.weight[i, k]|)) + 0.1*sum[h, i](layer3.weights[h, i]*layer1.bias[i])":
        lambda w1, b1, g, b, w2, b2: 0.1 * w1.abs().amax(0).mean() + 0.1 * (w2 @ b1).sum(),
    "0.1*sum[i](|layer1.bias[1 + i] - layer1.bias[0 + i]|) + 0.1*norm(layer1.weight/max[i, k](|layer1.weight[i, k]|))":
        lambda w1, b1, *_: 0.1 * (b1[1:] - b1[:-1]).abs().sum() + 0.1 * (w1 / w1.abs().max()).norm(),
    "0.1*sum(layer1.weight^2)": lambda w1, b1, g, b, w2, b2: 0.1 * (w1**2).sum(),
    "0.02*sum(|weights|)": lambda w1, b1, g, b, w2, b2: 0.02 * (w1.abs().sum() + w2.abs().sum()),
    "0.01*sum(|weights|) + 0.03*sum(weights^2)/2": lambda w1, b1, g, b, w2, b2: sum(
        0.01 * w.abs().sum() + 0.015 * (w**2).sum() for w in (w1, w2)
    ),
    "0.1*norm(theta) + 0.2*mean(layer2^2)*max(|gains|)": lambda *p: 0.1 * torch.cat([a.reshape(-1) for a in p]).norm()
    + 0.2 * (torch.cat([p[2], p[3]]) ** 2).mean() * torch.cat([p[2], p[3]]).abs().max(),
    "0.1*norm(theta/max(|theta|))": lambda *p: 0.1
    * (torch.cat([a.reshape(-1) for a in p]).norm() / torch.cat([a.reshape(-1) for a in p]).abs().max()),
    "0.1*dot(layer3.weights, layer3.weights)": lambda w1, b1, g, b, w2, b2: 0.1 * (w2 * w2).sum(),
}  # fmt: skip


def program(penalty: str):
    return to_ir(to_spec(to_ast(Source("<test>", TEXT.format(penalty=penalty))), None, Path()))


def loss_of(parts, penalty: str):
    w1, b1, gamma, beta, w2, b2 = parts
    h = torch.nn.functional.layer_norm(torch.tanh(torch.tensor(X) @ w1.T + b1), (5,), gamma, beta, 1e-5)
    return ((h @ w2.T + b2 - torch.tensor(Y)) ** 2).mean() + PENALTIES[penalty](*parts)


def trajectory(penalty: str, start: np.ndarray, steps: int) -> np.ndarray:
    problem = program(penalty).problem
    parts = [
        torch.tensor(start[t.offset : t.stop].reshape(t.kept_shape), requires_grad=True)
        for t in problem.weights
    ]
    rule = torch.optim.SGD(parts, lr=0.05)
    for _ in range(steps):
        loss = loss_of(parts, penalty)
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
    text = TEXT.format(penalty=f"0.1*sum(layer1.weight^2) + 0.1*norm(theta) + {PAIRS}")
    spec = to_spec(to_ast(Source("<test>", text)), None, Path())
    again = to_spec(to_ast(Source("<spec>", spec_text(spec))), None, Path())
    assert to_ir(again).problem == to_ir(spec).problem


PAIRS = f"0.02*sum[i, j](1/{DISTANCE} if i != j else 0)"


def test_kernels_sum_over_pairs_of_rows() -> None:
    result = netc.compile(TEXT.format(penalty=PAIRS)).train(X, Y)
    start = first_theta(program(PAIRS), 0, 1)[0]
    np.testing.assert_allclose(result.theta[0], trajectory(PAIRS, start, 20), rtol=1e-10, atol=1e-12)


def test_derivatives_of_pairs_are_those_of_differences_and_of_pytorch() -> None:
    problem = program(PAIRS).problem
    theta = first_theta(program(PAIRS), 0, 1)[0] + 0.1

    def reference(t):
        parts = [t[w.offset : w.stop].reshape(w.kept_shape) for w in problem.weights]
        return loss_of(parts, PAIRS)

    found = Hessians(problem, X, Y)
    at = torch.tensor(theta, requires_grad=True)
    (gradient,) = torch.autograd.grad(reference(at), at)
    np.testing.assert_allclose(found.gradient(theta), gradient, rtol=1e-10, atol=1e-11)
    hessian = torch.autograd.functional.hessian(reference, torch.tensor(theta))
    np.testing.assert_allclose(found.hessian(theta), hessian, rtol=1e-9, atol=1e-10)
    shifts = 1e-6 * np.eye(len(theta))
    up, down = ([loss_and_gradient(problem, theta + sign * s, X, Y)[0] for s in shifts] for sign in (1, -1))
    differences = (np.array(up) - np.array(down)) / 2e-6
    np.testing.assert_allclose(found.gradient(theta), differences, rtol=1e-6, atol=1e-8)


def test_a_penalty_inside_the_mean_over_outputs() -> None:
    inside = TEXT.replace("mean((u - y)^2) + {penalty}", "mean((u - y)^2 + 0.1*sum(weights^2))")
    outside = program("0.1*sum(weights^2)")
    start = first_theta(outside, 0, 1)[0]
    made = to_ir(to_spec(to_ast(Source("<test>", inside)), None, Path()))
    ends = [interpret.run(p, start, X, Y, 20).trajectory[-1] for p in (made, outside)]
    np.testing.assert_allclose(*ends, rtol=1e-12)


def test_explain_says_how_far_indices_run() -> None:
    text = TEXT.format(penalty="0.1*norm(theta) + 0.1*sum[i, k](layer1.weight[i, k]^2)")
    said = list(penalties_told(to_spec(to_ast(Source("<test>", text)), None, Path())))
    assert said == ["norm(theta)", "sum[i, k](layer1.weight[i, k]^2); i from 0 to 4, k from 0 to 2"]


def test_arrays_of_convolutions_and_of_images_that_are_read_as_a_row() -> None:
    """The norm of a row's difference from itself has the derivative 0, as any norm at 0."""
    text = """network [3x3x1 (conv 2x2, tanh) 2 (lin) 3 (lin) 2]
init glorot_normal
loss R = mean((u - y)^2){penalty}
optimizer gd(eta = 0.05)
train steps = 3, batch = full, seed = 6
"""
    overlap = "sum[i, j, c, p, q](layer1.weight[i, c, p, q]*layer1.weight[j, c, p, q] if i < j else 0)"
    distances = "sum[i, j](sqrt(sum[k]((layer2.weight[i, k] - layer2.weight[j, k])^2)))"
    penalised, bare = (
        to_ir(to_spec(to_ast(Source("<test>", text.format(penalty=p))), None, Path()))
        for p in (f" + 0.1*{overlap} + 0.2*{distances}", "")
    )
    theta = first_theta(penalised, 0, 1)[0]
    x = RNG.normal(size=(7, 9))
    found, without = (loss_and_gradient(p.problem, theta, x, Y[:7])[1] for p in (penalised, bare))
    at = torch.tensor(theta, requires_grad=True)
    kernels, rows = (
        at[t.offset : t.stop].reshape(t.kept_shape)
        for t in penalised.problem.weights
        if t.name in ("layer1.weight", "layer2.weight")
    )
    i, j = torch.triu_indices(3, 3, 1)
    penalty = 0.1 * (kernels[0] * kernels[1]).sum() + 0.4 * (rows[i] - rows[j]).norm(dim=1).sum()
    (expected,) = torch.autograd.grad(penalty, at)
    np.testing.assert_allclose(found - without, expected, rtol=1e-10, atol=1e-12)
