"""Targets against the loss, and classes from the data to the run's folder and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import netc
from netc.command_line import main
from netc.dsl.diagnostics import SpecError
from netc.runtime.opening import open_session
from netc.runtime.program_file import read_text

PINNED = Path(__file__).parent / "bad_data"
REST = "init constant(0.1)\noptimizer gd(eta = 0.1)\ntrain steps = 1\n"
OWN_CROSS = "own = -mean(y*log(u) + (1 - y)*log(1 - u))"
POISSON = "poisson = mean(u - y*log(u))"


def text(data: str, network: str, loss: str) -> str:
    return f"{data}\nnetwork [{network}]\nloss {loss}\n{REST}"


def inline(*targets: str) -> str:
    rows = "".join(f"    {i}, 1 -> {target}\n" for i, target in enumerate(targets))
    return f"data inline:\n{rows}"


UNFIT = {
    "codes": (inline("0", "5", "0", "5"), "2(sigmoid)1", "binary_cross_entropy"),
    "scaled": (inline("0.5", "0.25", "1", "0") + "    scale = zscore", "2(sigmoid)1", "binary_cross_entropy"),
    "several": (inline("0, 1", "1, 2"), "2(sigmoid)2", "binary_cross_entropy"),
    "sum": (inline("0.5, 0.4", "1, 0"), "2(softmax)2", "cross_entropy"),
    "hinge": (inline("0.5", "1.5"), "2(lin)1", "hinge"),
    "own": (inline("0", "5"), "2(sigmoid)1", OWN_CROSS),
    "poisson": (inline("2", "-1", "3"), "2(softplus)1", POISSON),
    "stated": (inline("2", "-1", "3"), "2(lin)1", "own = mean((u - y)^2), targets = 0..inf"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_target_that_the_loss_does_not_take(name: str, update_golden: bool) -> None:
    with pytest.raises(SpecError) as caught:
        netc.compile(text(*UNFIT[name]))
    said = str(caught.value) + "\n"
    pinned = PINNED / f"E0620-{name}.out"
    if update_golden:
        pinned.write_text(said, encoding="utf-8")
    assert "E0620" in said
    assert said == pinned.read_text(encoding="utf-8")


def test_every_pinned_text_has_its_case() -> None:
    assert {path.stem for path in PINNED.glob("E0620-*.out")} == {
        f"E0620-{name}" for name in [*UNFIT, "unheard"]
    }


FIT = {
    "probabilities": (inline("0", "0.25", "1"), "2(sigmoid)1", "binary_cross_entropy"),
    "own": (inline("0", "0.25", "1"), "2(sigmoid)1", OWN_CROSS),
    "distribution": (inline("0.3, 0.7", "1, 0"), "2(softmax)2", "cross_entropy"),
    "many labels": (inline("0, 1, 1", "1, 1, 0"), "2(sigmoid)3", "binary_cross_entropy"),
    "poisson": (inline("0", "7", "3"), "2(softplus)1", POISSON),
    "signs": (inline("-1", "1", "1"), "2(lin)1", "hinge"),
    "codes for hinge": (inline("0", "1", "1"), "2(lin)1", "hinge"),
    "numbers": (inline("-3", "100", "1"), "2(lin)1", "half_mse"),
}


@pytest.mark.parametrize("name", FIT)
def test_targets_that_the_loss_takes(name: str) -> None:
    netc.compile(text(*FIT[name]))


def test_codes_of_which_one_teaches_nothing(update_golden: bool) -> None:
    x, y = np.arange(8.0).reshape(4, 2), ["no", "yes", "no", "yes"]
    own = text("data given", "2(lin)1", "own = mean(max(1 - y*u, 0))")
    with pytest.raises(SpecError) as caught:
        netc.compile(own).train(x, y)
    pinned = PINNED / "E0620-unheard.out"
    if update_golden:
        pinned.write_text(str(caught.value) + "\n", encoding="utf-8")
    assert str(caught.value) + "\n" == pinned.read_text(encoding="utf-8")
    stated = netc.compile(own.replace("0))", "0)), targets = {-1, 1}"))
    library = netc.compile(text("data given", "2(lin)1", "hinge"))
    np.testing.assert_array_equal(stated.train(x, y).theta, library.train(x, y).theta)


def test_hinge_of_several_outputs_has_signs() -> None:
    """By hand, from the weights 0.1: where y u < 1 the gradient is -y x/(N D)."""
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    model = netc.compile(text("data given", "2 (dense nobias, lin) 3", "hinge"))
    theta = model.train(x, ["a", "b", "c"]).theta[0]
    y = 2 * np.eye(3) - 1
    np.testing.assert_allclose(theta.reshape(3, 2), 0.1 + 0.1 * y.T @ x / 9, rtol=1e-14)


INF = float("inf")
REACH = {"lin": (-INF, INF), "sigmoid": (0, 1), "tanh": (-1, 1), "relu": (0, INF), "softplus": (0, INF), "exp": (0, INF),
         "softsign": (-1, 1), "gelu": (-0.1700, INF), "silu": (-0.2785, INF), "elu": (-1, INF),
         "hard_tanh": (-1, 1), "relu6": (0, 6), "leaky_relu(0.1)": (-INF, INF)}  # fmt: skip
"""Of what a last activation gives, from its formula."""


def warned(targets: tuple[float, ...], activation: str, loss: str = "mse", setting: str = "") -> str:
    content = text(inline(*map(repr, targets)) + setting, f"2({activation})1", loss)
    session = open_session(read_text(content, "a.net", Path()), {})
    return "".join(w.message for w in session.spec.warnings if w.code == "E0496")


@pytest.mark.parametrize("activation", REACH)
def test_targets_that_no_output_can_be_are_said(activation: str) -> None:
    """A bit inside the ends all is well, at the ends too, which are limits; outside the ends are named."""
    low, high = REACH[activation]
    inside = max(low, -1e6), min(high, 1e6), 0.5
    assert warned(inside, activation) == ""
    for outside in (low - 0.25, high + 0.25):
        if abs(outside) < INF:
            assert f"({activation}) gives numbers" in warned((outside, *inside), activation)


def test_only_a_distance_to_targets_can_be_out_of_reach() -> None:
    far = (3.0, 8.0, 5.5)
    for loss in ("mse", "mae", "huber", "log_cosh", "own = mean(|u - y|^1.5)", "own = mean(cosh(u - y) - 1)"):
        assert "the targets go from 3 to 8" in warned(far, "sigmoid", loss)
        assert warned(far, "sigmoid", loss, "    scale_target = minmax") == ""
        assert "after scaling" in warned(far, "sigmoid", loss, "    scale_target = zscore")
    for loss in ("own = mean(exp(-y*u))", POISSON, "own = mean((u - 1)^2)", "own = mean((u - 1/y)^2)"):
        assert warned(far, "sigmoid", loss) == ""


@pytest.mark.sweep
def test_two_numbers_as_classes() -> None:
    """labels_0_5.net of the cases: theta after one step is -mean((sigmoid(0) - code)*x)."""
    x, y = np.array([[1.0, 2], [2, 1], [3, 3], [4, 1]]), [0, 5, 0, 5]
    rest = REST.replace("0.1", "0").replace("eta = 0", "eta = 1")
    for data in ("data given, classes = 2", "data given, classes = 2, scale_target = zscore"):
        model = netc.compile(f"{data}\nnetwork [2(sigmoid)1]\nloss binary_cross_entropy\n{rest}")
        assert model.train(x, y).theta[0].tolist() == [0.25, -0.375, 0.0]
        assert model.classes == (0, 5)
        assert set(model.predict(x, labels=True).tolist()) <= {0, 5}


# -- classes -------------------------------------------------------------------------------------------

SOFTMAX = text("data given", "2(softmax)3", "cross_entropy").replace("steps = 1", "epochs = 300")
X = np.random.default_rng(5).normal(size=(90, 2))
KIND = np.array(["low", "mid", "high"])[np.digitize(X[:, 0], [-0.4, 0.4])]


def test_classes_belong_to_the_model_and_the_result() -> None:
    model = netc.compile(SOFTMAX, eta=2)
    assert model.classes == ()
    result = model.train(X, KIND)
    assert model.classes == result.classes == ("high", "low", "mid")
    found = model.predict(X, labels=True)
    assert np.mean(found == KIND) == result.accuracy_train[0] > 0.9
    np.testing.assert_array_equal(found, np.array(model.classes)[model.predict(X).argmax(1)])
    frame = pd.DataFrame(X, columns=["a", "b"])
    named = model.train(frame, pd.Series(KIND, name="kind"))
    assert (named.columns, named.target_columns) == (("a", "b"), ("kind",))
    assert (model.columns, model.target_columns) == (("a", "b"), ("kind",))
    numbers = model.train(X, np.digitize(X[:, 0], [-0.4, 0.4]) + 4)
    assert numbers.classes == (4, 5, 6)
    assert set(model.predict(X, labels=True).tolist()) == {4, 5, 6}


def test_one_output_tells_two_classes() -> None:
    for network, loss in (("2(sigmoid)1", "binary_cross_entropy"), ("2(lin)1", "hinge")):
        model = netc.compile(text("data given", network, loss).replace("steps = 1", "epochs = 200"), eta=1)
        kind = np.where(X[:, 0] > 0, "up", "down")
        result = model.train(X, kind)
        assert model.classes == ("down", "up")
        assert np.mean(model.predict(X, labels=True) == kind) == result.accuracy_train[0] > 0.9


def test_numbers_are_no_classes() -> None:
    model = netc.compile(text("data given", "2(lin)1", "mse"))
    assert model.train(X, X[:, 0]).classes == model.classes == ()
    with pytest.raises(ValueError, match="no classes"):
        model.predict(X, labels=True)


def test_classes_are_in_the_folder(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": KIND}).to_csv("kinds.csv", index=False)
    Path("k.net").write_text(SOFTMAX.replace("data given", 'data "kinds.csv", split = 60, stratify = true'))
    assert main(["run", "k.net", "-q"]) == 0
    out = capsys.readouterr().out
    counts = [f"{label} ({n})" for label, n in zip(*np.unique(KIND, return_counts=True), strict=True)]
    assert f"target    kind, 3 classes: {', '.join(counts)}" in out
    assert "header in row 1, separated by commas" in out
    (folder,) = Path("runs").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())["data"]
    assert manifest["classes"] == json.loads((folder / "summary.json").read_text())["classes"]
    assert manifest["classes"] == ["high", "low", "mid"]
    assert (manifest["columns"], manifest["target_columns"]) == (["a", "b"], ["kind"])
    spec = (folder / "spec.net").read_text()
    assert "stratify" in spec
    assert main(["run", str(folder / "spec.net"), "-q", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["theta"] == json.loads((folder / "summary.json").read_text())["theta"]


@pytest.mark.sweep
def test_a_class_without_a_training_sample() -> None:
    kind = np.where(np.arange(90) == 17, "rare", KIND)
    said = [said_of(seed, kind) for seed in range(12)]
    assert "" in said
    (message,) = {text.split(":", 3)[3].strip().splitlines()[0] for text in said if text}
    assert "class 'rare' has 1 sample in the test part and none in the training part" in message
    assert all("stratify = true" in text for text in said if text)


def said_of(seed: int, kind: Any) -> str:
    data = f"data given, split = 50%, seed = {seed}"
    try:
        netc.compile(SOFTMAX.replace("data given", data).replace("2(softmax)3", "2(softmax)4")).train(X, kind)
    except SpecError as error:
        return str(error)
    return ""


def test_stated_classes_want_an_output_each() -> None:
    model = netc.compile(text("data given, classes = 3", "2(lin)1", "mse"))
    with pytest.raises(SpecError, match=r"the data needs 3 \(3 classes\)"):
        model.train(X, np.arange(90) % 3)
    with pytest.raises(SpecError, match=r"`classes = 3` in 'data' reads the 3 whole numbers"):
        netc.compile(SOFTMAX).train(X, np.array([3, 5, 8])[np.arange(90) % 3])


# -- frames --------------------------------------------------------------------------------------------


def test_a_frame_without_the_known_names_is_refused() -> None:
    model = netc.compile(text("data given", "2(lin)1", "mse"))
    model.train(pd.DataFrame(X, columns=["a", "b"]), X[:, 0])
    expected = model.predict(X)
    np.testing.assert_array_equal(model.predict(pd.DataFrame(X[:, ::-1], columns=["b", "a"])), expected)
    np.testing.assert_array_equal(model.predict(pd.DataFrame(X)), expected)
    for columns in (["x", "y"], ["a", "c"], ["A", "B"]):
        with pytest.raises(ValueError, match="X has no column"):
            model.predict(pd.DataFrame(X, columns=columns))
    with pytest.raises(ValueError, match="holds text"):
        model.predict(pd.DataFrame({"a": ["u", "v"], "b": [1, 2]}))


def test_a_frame_is_read_for_predictions_as_for_training() -> None:
    frame = pd.DataFrame({"a": pd.array([True, False, True, None], "boolean"), "b": [1.0, 2.0, np.nan, 4.0]})
    model = netc.compile(text("data given, missing = mean", "2(lin)1", "mse"))
    model.train(frame, [1.5, 2.5, 3.5, 4.5])
    full = np.array([[1, 1], [0, 2], [1, 7 / 3], [2 / 3, 4]])
    np.testing.assert_allclose(model.predict(frame), model.predict(full), rtol=1e-14)
    assert np.isfinite(model.predict(frame)).all()


# -- arrays at once ------------------------------------------------------------------------------------


def test_without_data_arrays_are_answered_at_once() -> None:
    model = netc.compile(f"network [2(tanh)3(lin)1]\nloss half_mse\n{REST}")
    theta = np.linspace(-1, 1, 13)
    w1, b1, w2, b2 = theta[:6].reshape(3, 2), theta[6:9], theta[9:12], theta[12]
    u = np.tanh(X @ w1.T + b1) @ w2 + b2
    np.testing.assert_allclose(model.predict(X, theta)[:, 0], u, rtol=1e-12)
    assert model.loss(theta, X, X[:, 1]) == pytest.approx(np.mean((u - X[:, 1]) ** 2) / 2, rel=1e-12)
    assert model.gradient(theta, X, X[:, 1])[-1] == pytest.approx(np.mean(u - X[:, 1]), rel=1e-12)
    assert model.hessian(theta, X, X[:, 1])[-1, -1] == pytest.approx(1, rel=1e-12)
    with pytest.raises(ValueError, match="give X and y"):
        model.loss(theta)


def test_without_data_codes_of_classes_are_answered() -> None:
    model = netc.compile(SOFTMAX.replace("data given\n", ""))
    theta = np.linspace(-1, 1, 9)
    z = X @ theta[:6].reshape(3, 2).T + theta[6:]
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    code = np.arange(90) % 3
    expected = -np.mean(np.log(p[np.arange(90), code]))
    assert model.loss(theta, X, code) == pytest.approx(expected, rel=1e-12)
    assert model.loss(theta, X, np.eye(3)[code]) == pytest.approx(expected, rel=1e-12)
    for bad in (code + 1, code - 0.5):
        with pytest.raises(ValueError, match="none of the labels"):
            model.loss(theta, X, bad)
    with pytest.raises(ValueError, match="takes targets from 0 to 1"):
        model.loss(theta, X, np.eye(3)[code] * 2)


def test_a_scaling_that_is_not_known_yet_is_said() -> None:
    model = netc.compile(SOFTMAX.replace("data given", "data given, scale = zscore"))
    with pytest.raises(ValueError, match="first train"):
        model.predict(X, np.zeros(9))
    factor = netc.compile(SOFTMAX.replace("data given", "data given, scale = 1/4"))
    plain = netc.compile(SOFTMAX)
    theta = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(factor.predict(4 * X, theta), plain.predict(X, theta), rtol=1e-14)


def test_given_arrays_are_scaled_and_split_as_the_file_says() -> None:
    given = netc.compile(text("data given, scale = zscore, split = 80%, seed = 3", "2(lin)1", "mse"))
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": X[:, 0] * 3 + 1})
    result = given.train(frame[["a", "b"]], frame["y"])
    assert result.loss_test is not None
    data = given._session.data
    assert data is not None
    assert len(data.train) == 72
    z = (X[data.train] - X[data.train].mean(0)) / X[data.train].std(0)
    y = frame["y"].to_numpy()[data.train]
    goal = (y - y.mean()) / y.std()
    u = 0.1 * z.sum(1) + 0.0
    expected = 0.1 - 0.1 * 2 * np.mean((u - goal)[:, None] * z, axis=0)
    np.testing.assert_allclose(result.theta[0][:2], expected, rtol=1e-12)


def test_autoencoder() -> None:
    """The targets are the inputs as the network sees them, by a factor too."""
    for scale in ("none", "zscore", "1/4"):
        model = netc.compile(text(f"data given, target = inputs, scale = {scale}", "2(lin)2", "mse"))
        model.train(X)
        theta = np.array([1.0, 0, 0, 1, 0, 0])
        assert (
            model._session.evaluator.loss(model._session.padded(theta), model._session.evaluator.train)
            < 1e-28
        )
        np.testing.assert_allclose(model.predict(X, theta), X, atol=1e-12)
