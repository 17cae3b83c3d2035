"""Weights of samples, from Python and from a column: against PyTorch, Keras, scikit-learn, and repeated samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netc
from cuda_kernels import good
from netc.command_line import main

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(4)
X, KIND, WEIGHTS = RNG.normal(size=(20, 3)), RNG.integers(0, 3, 20), RNG.integers(0, 4, 20)
NETWORK = """
network   [3(tanh)4(softmax)3]
init      glorot_uniform
optimizer gd(eta = 0.3)
"""
RUN = "train epochs = 10, batch = 6, shuffle = false\n"


def model(divide: str, more: str = "", run: str = RUN) -> netc.Model:
    return netc.compile(
        f"data given, weights = given{more}\n{NETWORK}loss cross_entropy, divide = {divide}\n{run}"
    )


def test_divided_by_the_weights_it_is_pytorch() -> None:
    found = model("weights")
    start = found.unflatten(RNG.normal(size=found.parameters))
    result = found.train(X, KIND, sample_weight=WEIGHTS, theta=start)
    p = [torch.tensor(v, requires_grad=True) for v in start.values()]
    x, y, w = torch.tensor(X), torch.tensor(KIND), torch.tensor(WEIGHTS, dtype=torch.float64)

    def loss(at: slice) -> torch.Tensor:
        z = torch.nn.functional.linear(torch.tanh(torch.nn.functional.linear(x[at], p[0], p[1])), p[2], p[3])
        each = torch.nn.functional.cross_entropy(z, y[at], reduction="none")
        return (w[at] * each).sum() / w[at].sum()

    for _ in range(10):
        for at in (slice(0, 6), slice(6, 12), slice(12, 18), slice(18, 20)):
            gradients = torch.autograd.grad(loss(at), p)
            p = [(v - 0.3 * g).detach().requires_grad_() for v, g in zip(p, gradients, strict=True)]
    theta = np.concatenate([v.detach().numpy().ravel() for v in p])
    np.testing.assert_allclose(result.theta[0], theta, rtol=1e-10, atol=1e-12)
    assert result.loss_train[0] == pytest.approx(loss(slice(None)).item(), rel=1e-12)
    assert found.loss(theta, X, KIND) != pytest.approx(result.loss_train[0], rel=1e-3)


def test_the_sum_of_the_weights_is_of_all_samples_however_many() -> None:
    """More than go through a network together, and more than a batch has: figures, derivatives by parameters and inputs."""
    found = netc.compile(
        "data given, split = 50%\nnetwork [3 (tanh) 4 (dropout.inverted(0.2)) (softmax) 3]\ninit glorot_uniform\n"
        "loss cross_entropy, weight = y[1] + 5*y[2] + y[3]/2, divide = weights\noptimizer gd(eta = 0.3)\n"
        "train epochs = 2, batch = 6\n"
    )
    x, y = RNG.normal(size=(500, 3)), RNG.integers(0, 3, 500)
    theta = RNG.normal(size=found.parameters)

    def loss(p: Any, x: Any, at: Any) -> Any:
        z = torch.tanh(x[at] @ p["layer1.weight"].T + p["layer1.bias"])
        z = z @ p["layer2.weight"].T + p["layer2.bias"]
        weight = torch.tensor([1.0, 5.0, 0.5], dtype=torch.float64)
        return torch.nn.functional.cross_entropy(z, torch.tensor(y)[at], weight=weight)

    def tensors(theta: np.ndarray) -> Any:
        return {k: torch.tensor(v, requires_grad=True) for k, v in found.unflatten(theta).items()}

    p, inputs = tensors(theta), torch.tensor(x, requires_grad=True)
    right = loss(p, inputs, slice(None))
    slope, *slopes = torch.autograd.grad(right, [inputs, *p.values()])
    assert found.loss(theta, x, y) == pytest.approx(right.item(), rel=1e-12)
    by_theta = found.flatten(dict(zip(p, (s.numpy() for s in slopes), strict=True)))
    np.testing.assert_allclose(found.gradient(theta, x, y), by_theta, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(found.gradient(theta, x, y, wrt="x"), slope.numpy(), rtol=1e-9, atol=1e-15)
    result = found.train(x, y)
    data = found._session.data
    assert data is not None
    end = tensors(result.theta[0])
    for part, figure in ((data.train, result.loss_train), (data.test, result.loss_test)):
        assert figure[0] == pytest.approx(loss(end, torch.tensor(x), part).item(), rel=1e-12)


@pytest.fixture
def keras() -> Iterator[Any]:
    """In float64, for this test alone."""
    library = pytest.importorskip("keras")
    before = library.config.floatx()
    library.config.set_floatx("float64")
    yield library
    library.config.set_floatx(before)


def test_divided_by_the_samples_it_is_keras(keras: Any) -> None:
    found = model("samples")
    start = found.unflatten(RNG.normal(size=found.parameters))
    result = found.train(X, KIND, sample_weight=WEIGHTS, theta=start)
    peer = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(3, "softmax")]
    )
    values = list(start.values())
    peer.set_weights([v.T if v.ndim == 2 else v for v in values])
    peer.compile(keras.optimizers.SGD(0.3), "sparse_categorical_crossentropy")
    peer.fit(X, KIND, sample_weight=WEIGHTS, batch_size=6, epochs=10, shuffle=False, verbose=0)
    ends = [v.value.detach().cpu().numpy() for v in peer.weights]
    theta = np.concatenate([(v.T if v.ndim == 2 else v).ravel() for v in ends])
    np.testing.assert_allclose(result.theta[0], theta, rtol=1e-6, atol=1e-8)  # Keras clips probabilities


@pytest.mark.parametrize("scale", ["none", "zscore", "minmax"])
def test_a_weight_is_a_repetition_and_0_an_absence(scale: str) -> None:
    """Of a full batch, of the scaling too; the gap of a sample of weight 0 fills none."""
    x = X.copy()
    x[WEIGHTS == 0, 1], x[np.flatnonzero(WEIGHTS == 2)[0], 2] = 99, np.nan
    full = model("weights", f", scale = {scale}, missing = mean, classes = 3", "train epochs = 10\n")
    result = full.train(x, KIND, sample_weight=WEIGHTS)
    again = full.train(np.repeat(x, WEIGHTS, 0), np.repeat(KIND, WEIGHTS))
    np.testing.assert_allclose(result.theta, again.theta, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(result.loss_train, again.loss_train, rtol=1e-12)


def test_a_column_of_a_table_goes_with_its_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Through what is dropped, chosen and split; neither an input nor a target."""
    rows = [
        f"{a},{w},{b if i else ''},{y}"
        for i, (a, b, w, y) in enumerate(zip(*X.T[:2], WEIGHTS, X[:, 2], strict=True))
    ]
    (tmp_path / "t.csv").write_text("a,w,b,y\n" + "\n".join(rows) + "\n")
    text = (
        'data "t.csv", target = y, weights = w, missing = drop, split = 12, validation = 3, limit = 18\n'
        "network [2(lin)1]\ninit zeros\nloss half_mse, divide = weights\noptimizer gd(eta = 0.1)\ntrain epochs = 1\n"
    )
    (tmp_path / "t.net").write_text(text)
    found = netc.compile(tmp_path / "t.net")
    result = found.train()
    data = found._session.data
    assert data is not None
    assert data.input_names == ("a", "b")
    np.testing.assert_array_equal(data.x, X[1:19, :2])
    np.testing.assert_array_equal(data.weights, WEIGHTS[1:19])
    for part, loss in ((data.validation, result.loss_validation), (data.test, result.loss_test)):
        w = result.theta[0]
        errors = data.x[part] @ w[:2] + w[2] - data.y[part, 0]
        expected = np.average(errors**2, weights=data.weights[part]) / 2
        assert loss[0] == pytest.approx(expected, rel=1e-12)
    assert main(["explain", str(tmp_path / "t.net")]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "the column 'w'" in told
    assert "divided by the sum of its weights, as PyTorch's" in told


def test_places_of_an_image_are_weighted_by_the_sample() -> None:
    """Targets of several axes, with the weight behind all of them; and a weight of the loss besides."""
    x, y, w = RNG.normal(size=(5, 6)), RNG.normal(size=(5, 6)), np.array([0.5, 2, 0, 1, 3])
    found = netc.compile(
        "data given, weights = given\nnetwork [3x2x1 (conv 1x1 nobias) 1]\ninit zeros\n"
        "loss half_mse, weight = 2, divide = samples\noptimizer gd(eta = 0.1)\ntrain epochs = 1\n"
    )
    result = found.train(x, y, sample_weight=w, theta=np.array([0.5]))
    gradient = np.sum(2 * w[:, None] * (0.5 * x - y) * x) / 5
    np.testing.assert_allclose(result.theta[0], 0.5 - 0.1 * gradient, rtol=1e-12)


def test_the_gpu_weighs_as_the_equations_say() -> None:
    text = f"data given, weights = given\n{NETWORK}loss cross_entropy, divide = weights\n"
    assert good(text + "train steps = 5, batch = 7, seed = 2", "block", samples=(X, KIND, None, WEIGHTS + 1))


def test_what_is_no_weight_is_refused() -> None:
    found = model("weights")
    for weights, code, words in (
        (WEIGHTS - 1.0, "E0650", "the weight is -1"),
        (np.zeros(20), "E0650", "all samples that train have the weight 0"),
    ):
        with pytest.raises(netc.SpecError, match=f"{code}.*{words}"):
            found.train(X, KIND, sample_weight=weights)
    for other in (np.ones(19), ["a"] * 20):
        with pytest.raises(ValueError, match="one number for each of the 20 samples"):
            found.train(X, KIND, sample_weight=other)
    plain = netc.compile(f"{NETWORK}loss cross_entropy\n{RUN}")
    with pytest.raises(ValueError, match="'data given, weights = given'"):
        plain.train(X, KIND, sample_weight=WEIGHTS)


@pytest.mark.slow
def test_estimators_of_scikit_learn() -> None:
    """scikit-learn's own checks of weights, of estimators that see all samples at once."""
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    from netc.sklearn import NetcClassifier, NetcRegressor

    for kind in (NetcRegressor, NetcClassifier):
        estimator = kind(hidden_layer_sizes=(3,), optimizer="gd(eta = 0.1)", batch_size="full", max_iter=30)
        for check in (
            checks.check_sample_weight_equivalence_on_dense_data,
            checks.check_sample_weights_shape,
            checks.check_sample_weights_list,
            checks.check_sample_weights_not_overwritten,
        ):
            check(kind.__name__, estimator)
