"""The losses of the library give what PyTorch's and Keras' losses give, and their gradients what PyTorch derives."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from netc.compiler.calculus.evaluate import evaluate
from test_library_losses import head_of

torch = pytest.importorskip("torch", reason="PyTorch 2.13.0 is not installed: pip install torch==2.13.0")
F = torch.nn.functional

SAMPLES, OUTPUTS = 40, 4
RNG = np.random.default_rng(11)
Z = 2 * RNG.normal(size=(SAMPLES, OUTPUTS))
NUMBERS = RNG.normal(size=(SAMPLES, OUTPUTS))
BITS = RNG.choice([0.0, 1.0], size=(SAMPLES, OUTPUTS))
SIGNS = 2 * BITS - 1
CLASSES = RNG.integers(OUTPUTS, size=SAMPLES)
ONE_HOT = np.eye(OUTPUTS)[CLASSES]
COUNTS = RNG.poisson(2.0, size=(SAMPLES, OUTPUTS)).astype(float)
SHARES = RNG.dirichlet(np.ones(OUTPUTS), size=SAMPLES)

TORCH: dict[str, tuple[str, Any, Callable[[Any, Any], Any]]] = {
    # loss: the last activation, targets, PyTorch's loss of pre-activations and targets
    "mse": ("lin", NUMBERS, F.mse_loss),
    "mae": ("lin", NUMBERS, F.l1_loss),
    "huber(delta = 0.5)": ("lin", NUMBERS, lambda z, y: F.huber_loss(z, y, delta=0.5)),
    "smooth_l1(beta = 0.5)": ("lin", NUMBERS, lambda z, y: F.smooth_l1_loss(z, y, beta=0.5)),
    "poisson": ("exp", COUNTS, F.poisson_nll_loss),
    "binary_cross_entropy": ("sigmoid", BITS, F.binary_cross_entropy_with_logits),
    "cross_entropy": ("softmax", ONE_HOT, F.cross_entropy),
    "kl_divergence": (
        "softmax", SHARES, lambda z, y: F.kl_div(F.log_softmax(z, dim=1), y, reduction="batchmean")
    ),
    "logistic": ("lin", SIGNS, F.soft_margin_loss),
    "multi_margin": ("lin", ONE_HOT, lambda z, y: F.multi_margin_loss(z, y.argmax(dim=1))),
}  # fmt: skip


def values(loss: str, activation: str, y: Any) -> tuple[float, Any]:
    """Of the batch: the loss, and its gradient in z."""
    value, slope = head_of(loss, activation, OUTPUTS)
    at = {"layer1.z": Z, "y": y}
    adjoint = np.broadcast_to(evaluate(slope, at), Z.shape)
    return float(np.mean(evaluate(value, at))), adjoint / SAMPLES


@pytest.mark.parametrize("loss", TORCH)
def test_loss_and_gradient_are_those_of_torch(loss: str) -> None:
    activation, y, theirs = TORCH[loss]
    z = torch.tensor(Z, requires_grad=True)
    value = theirs(z, torch.tensor(y))
    value.backward()
    mine, gradient = values(loss, activation, y)
    assert mine == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, z.grad.numpy(), rtol=1e-10, atol=1e-14)


OUTPUT_OF: dict[str, Callable[[Any], Any]] = {
    "lin": lambda z: z, "softplus": F.softplus, "sigmoid": torch.sigmoid, "softmax": lambda z: F.softmax(z, dim=1),
}  # fmt: skip

KERAS: dict[str, tuple[str, Any, str, dict[str, Any]]] = {
    # loss: the last activation, targets, the class in keras.losses and its arguments
    "log_cosh": ("lin", NUMBERS, "LogCosh", {}),
    "huber(delta = 0.5)": ("lin", NUMBERS, "Huber", {"delta": 0.5}),
    "msle": ("softplus", COUNTS, "MeanSquaredLogarithmicError", {}),
    "poisson": ("softplus", COUNTS, "Poisson", {}),
    "binary_focal(gamma = 2)": ("sigmoid", BITS, "BinaryFocalCrossentropy", {"gamma": 2.0}),
    "binary_focal(gamma = 1.5)": ("sigmoid", BITS, "BinaryFocalCrossentropy", {"gamma": 1.5}),
    "focal": ("softmax", ONE_HOT, "CategoricalFocalCrossentropy", {"alpha": 1.0, "gamma": 2.0}),
    "kl_divergence": ("softmax", SHARES, "KLDivergence", {}),
    "hinge": ("lin", SIGNS, "Hinge", {}),
    "squared_hinge": ("lin", SIGNS, "SquaredHinge", {}),
    "categorical_hinge": ("lin", ONE_HOT, "CategoricalHinge", {}),
}


@pytest.mark.parametrize("loss", KERAS)
def test_loss_is_that_of_keras(loss: str) -> None:
    """Up to the 1e-7 that Keras adds to, or clips, what it takes the logarithm of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras", reason="Keras is not installed")
        activation, y, name, arguments = KERAS[loss]
        u = OUTPUT_OF[activation](torch.tensor(Z)).numpy()
        theirs = getattr(keras.losses, name)(**arguments, dtype="float64")(y, np.broadcast_to(u, Z.shape))
    assert values(loss, activation, y)[0] == pytest.approx(float(theirs), rel=1e-5)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_quantile_is_the_pinball_loss_of_sklearn(q: float) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    assert values(f"quantile(q = {q})", "lin", NUMBERS)[0] == pytest.approx(
        metrics.mean_pinball_loss(NUMBERS, Z, alpha=q), rel=1e-12
    )
