"""Figures of the inside of networks: PyTorch's hooks and autograd, and plain NumPy, over a small MLP and a conv network."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.calculus.evaluate import initial_states, loss_and_gradient
from netc.compiler.calculus.likelihood import law_of
from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.dsl.source import Source
from netc.runtime.opening import open_session
from netc.runtime.program_file import read_text
from netc.runtime.training import inside as insides

torch = pytest.importorskip("torch")
F = torch.nn.functional
RNG = np.random.default_rng(5)
X, CLASSES = RNG.normal(size=(50, 4)), RNG.integers(0, 3, 50)
MLP = """network [4 (tanh) 6 (relu) 5 (softmax) 3]
data given, classes = 3
loss cross_entropy
init weights ~ normal(0, 0.9), biases = -0.4
optimizer momentum.heavy_ball(eta = 0.3, alpha = 0.5)
train epochs = 3, batch = 20, seed = 4, shuffle = false
"""
FIGURES = """mean(layers), var(layers), zeros(layers), dead(layers), norm(theta, layers), norm(grad R, layers),
    norm(step, layers), norm(step, layers)/norm(theta, layers), norm(theta - theta0, layers), norm(theta - theta0),
    norm(step), cosine(grad R), spread(grad R), cosine(grad R, layer2), spread(grad R, layer2), fisher(layers),
    fisher(theta), empirical_fisher(layers)""".replace("\n", " ")


def network(named):
    """The MLP in PyTorch, with what each of its layers gives."""
    layers = []
    for i in (1, 2, 3):
        weight = named[f"layer{i}.weight"]
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
        layer.weight.data, layer.bias.data = torch.tensor(weight), torch.tensor(named[f"layer{i}.bias"])
        layers.append(layer)
    model = torch.nn.Sequential(
        layers[0], torch.nn.Tanh(), layers[1], torch.nn.ReLU(), layers[2], torch.nn.Softmax(1)
    )
    given: list = []
    for module in (model[1], model[3], model[5]):
        module.register_forward_hook(lambda _, __, out: given.append(out.detach().numpy()))
    return model, layers, given


def gradients(layers, loss):
    """(P,) of each layer."""
    found = torch.autograd.grad(
        loss, [p for layer in layers for p in (layer.weight, layer.bias)], retain_graph=True
    )
    return [np.concatenate([a.numpy().ravel() for a in found[2 * i : 2 * i + 2]]) for i in range(len(layers))]


def expected_of_mlp(model, theta, before, start, after):
    """By name, of the three layers each."""
    torch_model, layers, given = network(model.unflatten(theta))
    x, y = torch.tensor(X), torch.tensor(CLASSES)

    def loss(part):
        logits = torch_model[:5](x[part])
        return F.nll_loss(torch.log_softmax(logits, 1), y[part])

    torch_model(x)
    right = {}
    for i, a in enumerate(given, 1):
        right |= {f"mean(layer{i})": a.mean(), f"var(layer{i})": a.var(), f"zeros(layer{i})": np.mean(a == 0)}
        right[f"dead(layer{i})"] = float((a == 0).all(axis=0).sum())
    whole = gradients(layers, loss(slice(None)))
    batches = [gradients(layers, loss(slice(a, b))) for a, b in pairwise((0, 20, 40, 50))]
    cuts = np.cumsum([0, *(len(g) for g in whole)])
    for i, (a, b) in enumerate(pairwise(cuts), 1):
        own = slice(a, b)
        right[f"norm(theta, layer{i})"] = np.linalg.norm(theta[own])
        right[f"norm(grad R, layer{i})"] = np.linalg.norm(whole[i - 1])
        right[f"norm(step, layer{i})"] = np.linalg.norm((after - theta)[own])
        right[f"norm(step, layer{i})/norm(theta, layer{i})"] = np.linalg.norm(
            (after - theta)[own]
        ) / np.linalg.norm(theta[own])
        right[f"norm(theta - theta0, layer{i})"] = np.linalg.norm((theta - start)[own])
    right["norm(theta - theta0)"] = np.linalg.norm(theta - start)
    right["norm(step)"] = np.linalg.norm(after - theta)
    for name, of in (("", [np.concatenate(g) for g in batches]), (", layer2", [g[1] for g in batches])):
        unit = [g / np.linalg.norm(g) for g in of]
        right[f"cosine(grad R{name})"] = np.mean([a @ b for a, b in pairwise(unit)])
        right[f"spread(grad R{name})"] = np.trace(np.cov(np.array(of).T, bias=True))
    true, empirical = np.zeros(3), np.zeros(3)
    for n in range(len(X)):
        logs = torch.log_softmax(torch_model[:5](x[n : n + 1]), 1)[0]
        squares = [np.array([g @ g for g in gradients(layers, logs[k])]) for k in range(3)]
        true += sum(float(logs[k].detach().exp()) * squares[k] for k in range(3)) / len(X)
        empirical += squares[int(y[n])] / len(X)
    right |= {f"fisher(layer{i + 1})": true[i] for i in range(3)} | {"fisher(theta)": true.sum()}
    return right | {f"empirical_fisher(layer{i + 1})": empirical[i] for i in range(3)}


@pytest.fixture(scope="module")
def trained():
    """The MLP with all figures at every step, and its parameters then."""
    model = netc.compile(f"{MLP}monitor loss, {FIGURES}, every = 1 step\n")
    path = []
    result = model.train(X, CLASSES, callback=lambda report: path.append(report.theta[0].copy()))
    return model, result, path


def test_every_figure_of_an_mlp_is_that_of_pytorch(trained) -> None:
    model, result, path = trained
    assert len(path) == 10
    for at in (0, 4):  # the step of iteration 4 is on the second batch, and has a momentum
        right = expected_of_mlp(model, path[at], None, path[0], path[at + 1])
        assert {*right} == {name for name in result.history if "(" in name}
        for name, value in right.items():
            assert result.history[name][at] == pytest.approx(value, rel=1e-9, abs=1e-12), name


def test_figures_do_not_change_the_training_and_hang_on_no_threads(trained) -> None:
    model, result, _ = trained
    plain = netc.compile(MLP).train(X, CLASSES)
    assert (plain.theta == result.theta).all()
    two = model.train(X, CLASSES, threads=2)
    for name, column in result.history.items():
        np.testing.assert_array_equal(two.history[name], column)


CONV = """network [6x5x2 (conv 3x3, torch.BatchNorm2d, relu) 4 (maxpool 2x2) (torch.Dropout 0.3) (tanh) 3 (lin) 2]
loss half_mse
init he_normal
optimizer gd(eta = 0.05)
train epochs = 1, batch = full, seed = 2
"""


def test_a_conv_network_is_that_of_pytorch() -> None:
    model = netc.compile(CONV)
    problem = to_ir(to_spec(to_ast(Source("<test>", CONV)), None, Path())).problem
    theta, x, y = RNG.normal(size=model.parameters), RNG.normal(size=(300, 60)), RNG.normal(size=(300, 2))
    states = np.concatenate([RNG.normal(size=4), RNG.uniform(0.5, 2, 4)])
    w1, b1, gamma, beta, w2, b2, w3, b3 = p = [
        torch.tensor(a, requires_grad=True) for a in model.unflatten(theta).values()
    ]

    def forward(x):
        image = torch.tensor(x).reshape(-1, 6, 5, 2).permute(0, 3, 1, 2)
        z1 = F.conv2d(image, w1, b1)
        z2 = F.batch_norm(z1, torch.tensor(states[:4]), torch.tensor(states[4:]), gamma, beta, eps=1e-5)
        a2 = F.relu(z2)
        h = F.max_pool2d(a2, 2).permute(0, 2, 3, 1).reshape(len(x), -1)
        a3 = torch.tanh(h @ w2.T + b2)
        return z1, a2, a3, a3 @ w3.T + b3

    given = [a.detach().numpy() for a in forward(x)]
    names = [insides.gives(problem, f"layer{i}") for i in (1, 2, 3, 4)]
    found = insides.spreads(problem, names, theta, states, x, y)  # in two parts
    for name, a in zip(names, given, strict=True):
        assert found[name].mean == pytest.approx(a.mean(), rel=1e-10, abs=1e-13)
        assert found[name].var == pytest.approx(a.var(), rel=1e-10)
        assert found[name].zeros == np.mean(a == 0)
        assert found[name].dead == (a == 0).all(axis=(0, *range(2, a.ndim))).sum()
    assert law_of(problem) == "normal"
    x, y = x[:7], y[:7]
    true, empirical = np.zeros(8), np.zeros(8)
    for n in range(7):
        u = forward(x[n : n + 1])[-1][0]
        each = [torch.autograd.grad(u[k], p, retain_graph=True) for k in range(2)]
        true += [sum(float((g[i] ** 2).sum()) for g in each) / 7 for i in range(8)]
        loss = ((u - torch.tensor(y[n])) ** 2).sum() / 2
        empirical += [float((g**2).sum()) / 7 for g in torch.autograd.grad(loss, p)]
    for right, mine in ((true, insides.fisher(problem, theta, states, x, y)),
                        (empirical, insides.fisher(problem, theta, states, x, y, empirical=True))):  # fmt: skip
        np.testing.assert_allclose([*mine.values()], right, rtol=1e-9)
        assert [*mine] == [t.name for t in problem.weights]


@pytest.mark.parametrize(("network", "loss", "law"), [
    ("[3(tanh)4(sigmoid)1]", "binary_cross_entropy", "bernoulli"),
    ("[3(tanh)4(softmax)3]", "smoothed_cross_entropy(0.1)", "categorical"),
    ("[3(tanh)4(lin)2]", "R = sum((u - y)^2)/2 + 0.1*sum(weights^2)", "normal"),
    ("[3(tanh)4(hard_sigmoid)1]", "mse", "bernoulli"),  # 0 and 1 themselves
    ("[3(tanh)4(lin)3]", "mse", None),
    ("[3(tanh)4(lin)1]", "mae", None),
    ("[3(tanh)4(lin)2]", "R = mean((u[1] - y[1])^2/(1 + u[2]^2) + log(1 + u[2]^2))", None),  # two outputs, a target
])  # fmt: skip
def test_the_law_is_seen_in_the_network(network: str, loss: str, law: str | None) -> None:
    text = f"network {network}\nloss {loss}\ninit glorot_uniform\noptimizer gd(eta = 1)\ntrain steps = 1\n"
    problem = to_ir(to_spec(to_ast(Source("<test>", text)), None, Path())).problem
    assert law_of(problem) == law
    if "(sigmoid)1" in network:  # a neuron: F = E p(1 - p)(x^2 + 1)
        neuron = text.replace("[3(tanh)4(sigmoid)1]", "[3(sigmoid)1]")
        problem = to_ir(to_spec(to_ast(Source("<test>", neuron)), None, Path())).problem
        theta, x, y = RNG.normal(size=4), RNG.normal(size=(9, 3)), RNG.integers(0, 2, (9, 1)).astype(float)
        p = 1 / (1 + np.exp(-(x @ theta[:3] + theta[3])))
        squares = (x**2).sum(axis=1) + 1
        found = insides.fisher(problem, theta, np.zeros(0), x, y)
        assert sum(found.values()) == pytest.approx(np.mean(p * (1 - p) * squares))
        found = insides.fisher(problem, theta, np.zeros(0), x, y, empirical=True)
        assert sum(found.values()) == pytest.approx(np.mean((p - y[:, 0]) ** 2 * squares))


def test_expectations_name_layers_at_the_parameters_that_are_kept() -> None:
    text = MLP.replace("seed = 4", "seed = 4, runs = 2")
    claims = "expect min(fisher(layer2)) > 0\nexpect all(norm(theta - theta0, layers) > 0)\n"
    model = netc.compile(text + claims)
    result = model.train(X, CLASSES)
    assert [v.holds for v in result.expect] == [True, True]
    right = [expected_of_mlp(model, theta, None, theta, theta)["fisher(layer2)"] for theta in result.theta]
    assert float(result.expect[0].value) == pytest.approx(min(right), rel=1e-9)


def test_what_a_phase_does_not_train_has_no_gradient_and_is_measured_all_the_same() -> None:
    text = MLP.replace("epochs = 3, ", "") + "phase a: epochs = 1\nphase b: epochs = 1, freeze = layer1\n"
    text += "monitor norm(theta, layers), norm(grad R, layers), norm(theta - theta0, layers), fisher(layers), every = 1\n"
    text += "expect fisher(layer1, a) > 0\nexpect norm(theta, layer1, a) = norm(theta, layer1) within 1e-12\n"
    text += "expect norm(grad R, layer2, a) > 0\nexpect norm(theta, layer2, a) = norm(theta, layer2)\n"
    result = netc.compile(text).train(X, CLASSES)
    assert [v.holds for v in result.expect] == [True, True, True, False]
    assert result.expect[0].value == result.phases[0].final["fisher(layer1)"][0]
    history = {
        name: column[np.flatnonzero(result.history["phase"] == result.history["phase"][-1])]
        for name, column in result.history.items()
    }
    assert (history["norm(grad R, layer1)"] == 0).all()
    assert (history["norm(grad R, layer2)"] > 0).all()
    moved = history["norm(theta - theta0, layer1)"]
    assert moved[0] == moved[-1] > 0
    assert (history["norm(theta, layer1)"] == history["norm(theta, layer1)"][0]).all()
    assert (history["fisher(layer1)"] > 0).all()


def test_of_an_objective_there_are_steps() -> None:
    text = "objective R(a, b) = a^2 + 2*b^2\ninit theta = (3, 1)\noptimizer gd(eta = 0.1)\ntrain steps = 2\n"
    history = netc.compile(f"{text}monitor norm(step), norm(theta - theta0), every = 1 step").train().history
    path = [np.array([3 * 0.8**n, 0.6**n]) for n in range(4)]
    np.testing.assert_allclose(history["norm(step)"], [np.linalg.norm(b - a) for a, b in pairwise(path)])
    np.testing.assert_allclose(
        history["norm(theta - theta0)"], [np.linalg.norm(a - path[0]) for a in path[:3]], atol=1e-15
    )


def test_a_quotient_of_nothing_is_nan() -> None:
    text = f"{MLP}monitor norm(theta - theta0)/norm(theta - theta0), every = 1"
    session = open_session(read_text(text, "<test>", Path()), {})
    assert session.spec.monitor.shown[0].name == "norm(theta - theta0)/norm(theta - theta0)"
    assert np.isnan(
        netc.compile(text).train(X, CLASSES).history["norm(theta - theta0)/norm(theta - theta0)"][0]
    )


@pytest.mark.parametrize("layers", [
    "[5x2 (keras.LSTM) 3 (softmax) 4]",
    "[4 (spectral, tanh) 5 (layernorm eps 1e-5) (softmax) 4]",
    "[5x5x1 (conv 3x3 same, relu) 2 (globalavgpool) (dense nobias, softmax) 3]",
])  # fmt: skip
def test_derivatives_sample_by_sample_are_those_of_single_samples(layers: str) -> None:
    text = (
        f"network {layers}\nloss cross_entropy\ninit glorot_uniform\noptimizer gd(eta = 1)\ntrain steps = 1\n"
    )
    problem = to_ir(to_spec(to_ast(Source("<test>", text)), None, Path())).problem
    theta, x = RNG.normal(size=problem.parameters), RNG.normal(size=(6, problem.inputs))
    y, states = np.eye(problem.outputs)[RNG.integers(0, problem.outputs, 6)], initial_states(problem)
    each = [
        loss_and_gradient(problem.tested, theta, x[n : n + 1], y[n : n + 1], None, states)[1]
        for n in range(6)
    ]
    right = [sum((g[t.offset : t.stop] ** 2).sum() for g in each) / 6 for t in problem.weights]
    found = insides.fisher(problem, theta, states, x, y, empirical=True)
    np.testing.assert_allclose([*found.values()], right, rtol=1e-10)


def test_of_a_run_that_is_lost_figures_are_not_finite_and_nothing_warns() -> None:
    text = MLP.replace("relu", "z^2").replace("(z^2)", "(square)").replace("eta = 0.3", "eta = 1e8")
    text = f"activation square(z) = z^2\n{text}monitor {FIGURES}, every = 1 step\n"
    result = netc.compile(text.replace("shuffle = false", "runs = 2")).train(X, CLASSES)
    assert result.diverged.all()
    assert not np.isfinite([result.final["var(layer2)"], result.final["norm(theta, layer1)"]]).all()
    assert np.isnan(result.final["norm(step)"]).all()


def test_a_sweep_knows_what_is_monitored_of_its_points() -> None:
    text = MLP.replace("epochs = 3", "epochs = 1, runs = 2") + "monitor dead(layers), norm(theta - theta0)\n"
    text += "sweep eta in {0.1, 0}, figure = loss(train)\nexpect median(norm(theta - theta0)) over eta >= (0, 0)\n"
    text += "expect best(max(dead(layer2))) >= 0\nexpect median(norm(theta - theta0)) over eta = (0, 0)\n"
    model = netc.compile(text)
    found = model.sweep(X, CLASSES)
    right = [np.median(result.final["norm(theta - theta0)"]) for result in found.results]
    assert right[0] > right[1] == 0
    assert [v.holds for v in found.expect] == [True, True, False]
    assert found.expect[2].value == pytest.approx(right)
