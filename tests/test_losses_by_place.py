"""Losses that read outputs and targets by place, weights of samples and their divisor, smoothed labels, a class for each
place: values and derivatives in the interpreter against PyTorch, trained networks on kernels, Keras where it differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.calculus.evaluate import loss_and_gradient
from netc.compiler.meaning.spec import Facts
from netc.compiler.meaning.spec_text import spec_text
from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.dsl.source import Source

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
REST = "init he_normal\noptimizer gd(eta = 0.1)\ntrain steps = 4, batch = full, seed = 2\n"
RNG = np.random.default_rng(11)
X = RNG.normal(size=(12, 3))


def spec(text: str):
    return to_spec(to_ast(Source("<test>", text + "\n" + REST)), None, Path())


def against(text: str, x, y, reference) -> None:
    """`reference` of the network's last z and the targets as they are given to PyTorch; the text and the spec as text."""
    problem = to_ir(spec(text)).problem
    again = spec_text(spec(text))
    assert to_ir(to_spec(to_ast(Source("<spec>", again)), None, Path())).problem == problem
    theta = RNG.normal(size=problem.parameters)
    loss, gradient = loss_and_gradient(problem, theta, x, y)
    parts = [
        torch.tensor(theta[t.offset : t.stop].reshape(t.kept_shape), requires_grad=True)
        for t in problem.weights
    ]
    right = reference(parts)
    np.testing.assert_allclose(loss, right.item(), rtol=1e-10)
    slopes = torch.cat([g.reshape(-1) for g in torch.autograd.grad(right, parts)])
    np.testing.assert_allclose(gradient, slopes.numpy(), rtol=1e-9, atol=1e-11)


def two_layers(parts):
    return torch.tanh(torch.tensor(X) @ parts[0].T + parts[1]) @ parts[2].T + parts[3]


CLASSES = RNG.integers(0, 4, 12)
ONE_HOT = np.eye(4)[CLASSES]
WEIGHTS = np.array([1.0, 2.0, 0.5, 7.0])


@pytest.mark.parametrize("divide", ["weights", "samples"])
def test_class_weights_as_pytorch_and_as_keras(divide: str) -> None:
    weight = "weight = y[1] + 2*y[2] + y[3]/2 + 7*y[4]"

    def reference(parts):
        z, goal = two_layers(parts), torch.tensor(CLASSES)
        if divide == "weights":
            return nn.CrossEntropyLoss(weight=torch.tensor(WEIGHTS))(z, goal)
        each = F.cross_entropy(z, goal, reduction="none")  # Keras: sum_over_batch_size
        return (each * torch.tensor(WEIGHTS)[goal]).sum() / len(goal)

    text = f"network [3 (tanh) 5 (softmax) 4]\nloss cross_entropy, {weight}, divide = {divide}"
    against(text, X, ONE_HOT, reference)


def test_keras_divides_weighted_losses_by_the_number_of_samples() -> None:
    keras = pytest.importorskip("keras")
    u = RNG.dirichlet(np.ones(4), 12)
    found = float(keras.losses.CategoricalCrossentropy()(ONE_HOT, u, sample_weight=WEIGHTS[CLASSES]))
    each = -np.log(u[np.arange(12), CLASSES]) * WEIGHTS[CLASSES]
    assert found == pytest.approx(each.sum() / 12, rel=1e-5)
    assert found != pytest.approx(each.sum() / WEIGHTS[CLASSES].sum(), rel=1e-2)


def test_smoothed_labels() -> None:
    def reference(parts):
        return nn.CrossEntropyLoss(label_smoothing=0.2)(two_layers(parts), torch.tensor(CLASSES))

    against("network [3 (tanh) 5 (softmax) 4]\nloss smoothed_cross_entropy(0.2)", X, ONE_HOT, reference)


def test_a_mean_and_a_variance_of_one_target() -> None:
    y = RNG.normal(size=(12, 1))

    def variance(parts):
        z = two_layers(parts)
        return nn.GaussianNLLLoss()(z[:, 0], torch.tensor(y[:, 0]), F.softplus(z[:, 1]))

    def logarithm(parts):
        z = two_layers(parts)
        return nn.GaussianNLLLoss()(z[:, 0], torch.tensor(y[:, 0]), torch.exp(z[:, 1]))

    text = "loss own = (log(softplus(u[2])) + (u[1] - y[1])^2/softplus(u[2]))/2"
    against(f"network [3 (tanh) 5 (lin) 2]\n{text}", X, y, variance)
    against("network [3 (tanh) 5 (lin) 2]\nloss gaussian_nll_log", X, y, logarithm)


def test_the_library_has_pytorchs_gaussian_likelihood() -> None:
    y = RNG.normal(size=(12, 1))

    def reference(parts):
        z = torch.exp(two_layers(parts))
        return nn.GaussianNLLLoss()(z[:, 0], torch.tensor(y[:, 0]), z[:, 1])

    against("network [3 (tanh) 5 (exp) 2]\nloss gaussian_nll", X, y, reference)


def test_a_column_of_the_targets_weighs_the_samples() -> None:
    y = np.column_stack([RNG.normal(size=12), RNG.uniform(0, 3, 12)])

    def reference(parts):
        each = (two_layers(parts)[:, 0] - torch.tensor(y[:, 0])) ** 2
        return (each * torch.tensor(y[:, 1])).sum() / y[:, 1].sum()

    against(
        "network [3 (tanh) 5 (lin) 1]\nloss R = (u[1] - y[1])^2, weight = y[2], divide = weights",
        X,
        y,
        reference,
    )


IMAGES = RNG.normal(size=(6, 4 * 3 * 2))
PLACES = RNG.integers(0, 3, (6, 12))
SEGMENTS = "network [4x3x2 (conv 3x3 same, tanh) 4 (conv 1x1, softmax) 3]"


def logits(parts):
    z = torch.tensor(IMAGES).reshape(6, 4, 3, 2).permute(0, 3, 1, 2)
    return F.conv2d(torch.tanh(F.conv2d(z, parts[0], parts[1], padding=1)), parts[2], parts[3])


@pytest.mark.parametrize(
    ("loss", "smoothing"), [("pixel_cross_entropy", 0.0), ("smoothed_cross_entropy(0.1)", 0.1)]
)
def test_a_class_for_each_pixel(loss: str, smoothing: float) -> None:
    def reference(parts):
        goal = torch.tensor(PLACES).reshape(6, 4, 3)
        return nn.CrossEntropyLoss(label_smoothing=smoothing)(logits(parts), goal)

    against(f"{SEGMENTS}\nloss {loss}", IMAGES, np.eye(3)[PLACES].reshape(6, -1), reference)


# -- kernels, and the way from the data ----------------------------------------------------------------


def follow(text: str, x, y, encoded) -> netc.Model:
    """Four steps of gradient descent on kernels, by the interpreter's gradients."""
    model = netc.compile(text + "\n" + REST)
    problem = to_ir(spec(text)).problem
    result = model.train(x, y)
    first = model.train(x, y, steps=1).theta[0]
    for _ in range(3):
        first = first - 0.1 * loss_and_gradient(problem, first, x, encoded)[1]
    np.testing.assert_allclose(result.theta[0], first, rtol=1e-10, atol=1e-12)
    assert model.loss(first, x, y) == pytest.approx(
        loss_and_gradient(problem, first, x, encoded)[0], rel=1e-11
    )
    return model


def test_kernels_train_a_mean_and_a_variance_with_weights() -> None:
    y = np.column_stack([RNG.normal(size=12), RNG.uniform(0.5, 3, 12)])
    text = "data given\nnetwork [3 (tanh) 5 (lin) 2]\nloss gaussian_nll_log, weight = y[2], divide = weights"
    model = follow(text, X, y, y)
    assert model.predict(X).shape == (12, 2)
    held = X[:5] + 1, y[:5]
    last = model.train(X, y, validation_data=held)
    assert last.loss_validation[0] == pytest.approx(model.loss(last.theta[0], *held), rel=1e-12)
    assert model.result.metric == ""


@pytest.mark.parametrize("shape", ["4x1 (conv1d 1, softmax) 3", "2x2x1 (conv 1x1, softmax) 3"])
def test_each_step_or_place_may_have_a_class(shape: str) -> None:
    """A sequence has one axis of places, an image two: four whole numbers are four targets of either."""
    text = f"""data inline:
    0.1, 0.2, 0.3, 0.4 -> 0, 1, 2, 1
    0.4, 0.3, 0.2, 0.1 -> 2, 1, 0, 0
network [{shape}]
init zeros
loss pixel_cross_entropy
optimizer gd(eta = 0.1)
train steps = 1
"""
    assert to_spec(to_ast(Source("a.net", text)), Facts(4, 4, 2), Path()).network is not None


def test_kernels_train_a_segmentation_from_whole_numbers() -> None:
    text = f"data given\n{SEGMENTS}\nloss pixel_cross_entropy"
    model = follow(text, IMAGES, PLACES, np.eye(3)[PLACES].reshape(6, -1))
    u = model.predict(IMAGES).reshape(6, 12, 3)
    found = model.predict(IMAGES, labels=True)
    np.testing.assert_array_equal(found, u.argmax(axis=2))
    np.testing.assert_allclose(u.sum(axis=2), 1, rtol=1e-12)
    assert model.result.accuracy_train[0] == pytest.approx(np.mean(found == PLACES))
    with pytest.raises(netc.SpecError, match="the classes of places are the whole numbers 0 to 2"):
        model.train(IMAGES, PLACES + 1)
