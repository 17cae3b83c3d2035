"""The Python face: compile, train, predict, loss, gradient, unflatten."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import netc

LINE = """network   [2(tanh)4(lin)1]
init      glorot_uniform
loss      half_mse
optimizer momentum.heavy_ball(eta = 0.05, alpha = 0.9)
train     epochs = 30, batch = 8, seed = 2
"""
BOWL = "objective R(x, y) = x^2 + 3*y^2\ninit theta = (2, 2)\noptimizer gd(eta = 0.1)\ntrain steps = 10\n"
RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(40, 2)) * [3, 100] + [1, 50]
Y = 5 * X[:, 0] - X[:, 1] / 10 + 300


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model on a table with its own scaling, and its result."""
    folder = tmp_path_factory.mktemp("data")
    table = "\n".join(["a,b,y", *(f"{a},{b},{y}" for (a, b), y in zip(X.tolist(), Y.tolist(), strict=True))])
    (folder / "table.csv").write_text(table)
    (folder / "line.net").write_text(
        f'data "table.csv", target = y, scale = zscore, split = 75%, seed = 1\n{LINE}'
    )
    model = netc.compile(folder / "line.net")
    return model, model.train()


def test_result(trained):
    model, result = trained
    assert result.theta.shape == (1, model.parameters) == (1, 17)
    assert result.loss_train.shape == result.r2_test.shape == result.diverged.shape == (1,)
    assert result.history["epoch"].tolist() == list(range(31))
    assert result.history["loss_train"][-1] == result.loss_train[0]
    assert result.r2_train[0] > 0.9
    assert result.accuracy_train is None
    assert json.loads(json.dumps(result.summary))["loss"]["train"] == result.loss_train[0]


def test_loss_is_that_of_the_summary(trained):
    model, result = trained
    train = model._session.data.train
    assert model.loss(result.theta[0]) == result.loss_train[0]
    assert model.loss(result.theta[0], X[train], Y[train]) == pytest.approx(result.loss_train[0], rel=1e-13)


def test_predictions_are_in_the_targets_units(trained):
    model, result = trained
    train = model._session.data.train
    predicted = model.predict(X[train], theta=result.theta[0])
    assert predicted.shape == (30, 1)
    np.testing.assert_array_equal(model.predict(X[train]), predicted)
    half_mse = np.mean((predicted[:, 0] - Y[train]) ** 2) / 2 / Y[train].std() ** 2
    assert half_mse == pytest.approx(result.loss_train[0], rel=1e-10)


def test_predictions_follow_numpy(trained):
    model, result = trained
    w = model.unflatten(result.theta[0])
    assert {k: v.shape for k, v in w.items()} == {
        "layer1.weight": (4, 2), "layer1.bias": (4,), "layer2.weight": (1, 4), "layer2.bias": (1,),
    }  # fmt: skip
    train = model._session.data.train
    x = (X - X[train].mean(0)) / X[train].std(0)
    u = np.tanh(x @ w["layer1.weight"].T + w["layer1.bias"]) @ w["layer2.weight"].T + w["layer2.bias"]
    np.testing.assert_allclose(model.predict(X), u * Y[train].std() + Y[train].mean(), rtol=1e-11)
    np.testing.assert_array_equal(model.flatten(w), result.theta[0])


def test_gradient_against_central_differences(trained):
    model, result = trained
    theta = result.theta[0]
    gradient = model.gradient(theta, X, Y)
    steps = 1e-6 * np.eye(len(theta))
    differences = [(model.loss(theta + s, X, Y) - model.loss(theta - s, X, Y)) / 2e-6 for s in steps]
    np.testing.assert_allclose(gradient, differences, atol=1e-8)


def test_runs_and_options(trained):
    model, result = trained
    many = model.train(runs=3, epochs=5, threads=2)
    assert many.theta.shape == (3, 17)
    assert many.steps.tolist() == [20, 20, 20]
    assert sorted(set(many.history["run"])) == [0, 1, 2]
    assert model.unflatten(many.theta)["layer1.weight"].shape == (3, 4, 2)
    one = model.train(epochs=5)
    np.testing.assert_array_equal(one.theta[0], many.theta[0])
    assert not np.array_equal(model.train(epochs=5, seed=9).theta, one.theta)
    assert model.train(steps=3, precision="f32").theta.dtype == np.float32
    np.testing.assert_array_equal(model.train().theta, result.theta)


def test_threads_do_not_change_a_bit(trained):
    model, _ = trained
    a, b = (model.train(runs=5, epochs=10, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(a.theta, b.theta)


def test_arrays_in_the_place_of_data():
    model = netc.compile(LINE, epochs=20)
    result = model.train(X, Y, seed=4)
    assert result.seed == 4
    assert model.predict(X).shape == (40, 1)
    assert model.loss(result.theta[0], X, Y) == pytest.approx(result.loss_train[0])
    pandas = pytest.importorskip("pandas")
    again = model.train(pandas.DataFrame(X), pandas.Series(Y, name="y"), seed=4)
    np.testing.assert_array_equal(again.theta, result.theta)


@pytest.mark.sweep
def test_text_labels_become_classes():
    labels = np.where(X[:, 0] > 1, "yes", "no")
    model = netc.compile(LINE.replace("(lin)1", "(softmax)2").replace("half_mse", "cross_entropy"))
    result = model.train((X - X.mean(0)) / X.std(0), labels)
    assert result.accuracy_train[0] > 0.9
    outputs = model.predict((X - X.mean(0)) / X.std(0))
    np.testing.assert_allclose(outputs.sum(1), 1)
    assert np.mean(outputs.argmax(1) == (labels == "yes")) == result.accuracy_train[0]
    with pytest.raises(ValueError, match="'maybe' is none of the labels no, yes"):
        model.loss(result.theta[0], X, ["maybe"] * 40)


def test_an_objective_takes_no_data_and_numbers_as_labels_are_no_texts():
    with pytest.raises(ValueError, match="an objective: it has no data"):
        netc.compile(BOWL).train(X, Y)
    model = netc.compile(LINE.replace("(lin)1", "(softmax)2").replace("half_mse", "cross_entropy"), epochs=1)
    theta = model.train(X, (X[:, 0] > 1).astype(int)).theta[0]
    with pytest.raises(ValueError, match="the labels are the numbers 0, 1, not texts"):
        model.loss(theta, X, ["no"] * len(X))


def test_objective():
    model = netc.compile(BOWL, eta=0.05)
    result = model.train()
    np.testing.assert_allclose(result.theta[0], [2 * 0.9**10, 2 * 0.7**10])
    assert model.loss([1, 2]) == 13
    assert model.gradient([1, 2]).tolist() == [2, 12]
    assert model.unflatten([1.0, 2.0]) == {"x": 1, "y": 2}
    with pytest.raises(ValueError, match="no inputs and outputs"):
        model.predict([[1.0]])


def test_errors_are_about_what_the_caller_did(trained, tmp_path):
    model, result = trained
    with pytest.raises(netc.SpecError, match="E0512"):
        netc.compile(BOWL, etta=0.1)
    with pytest.raises(FileNotFoundError):
        netc.compile(str(tmp_path / "nowhere.net"))
    with pytest.raises(ValueError, match="has 3 numbers; the model has 17"):
        model.loss([1, 2, 3])
    with pytest.raises(ValueError, match="X has 3 columns; the network has 2 inputs"):
        model.predict(np.ones((4, 3)))
    with pytest.raises(
        ValueError, match=r"X has 1 column; the network has 2 inputs; one sample is X\[None\]"
    ):
        model.predict(np.ones(2))
    with pytest.raises(ValueError, match="belong together"):
        model.loss(result.theta[0], X)
    with pytest.raises(ValueError, match=r"no layer1\.bias"):
        model.flatten({"layer1.weight": np.ones((4, 2))})
    with pytest.raises(ValueError, match=r"give the arrays, train\(X, y\)"):
        netc.compile(LINE).train()
    untrained = netc.compile("data x in linspace(0, 1, 9) -> x\n" + LINE.replace("[2(", "[1("))
    with pytest.raises(ValueError, match="nothing was trained yet"):
        untrained.predict(X[:, 0])


def test_start_from_a_file(tmp_path, trained):
    from safetensors.numpy import save_file

    model, result = trained
    save_file(model.unflatten(result.theta[0]), tmp_path / "start.safetensors")
    text = LINE.replace("init      glorot_uniform", f'init from "{tmp_path / "start.safetensors"}"')
    frozen = netc.compile(text.replace("eta = 0.05", "eta = 0"), steps=1).train(X, Y)
    np.testing.assert_array_equal(frozen.theta, result.theta)
    Path(tmp_path / "start.safetensors").write_bytes(b"noise")
    with pytest.raises(netc.SpecError, match="E0690"):
        netc.compile(text)


def test_a_model_in_a_loop_gives_what_a_new_one_gives():
    """What follows from settings and shapes is remembered; numbers of other data, seeds and rates are not mixed up."""
    model = netc.compile(LINE)
    other = X[::-1] * 2 + 1
    for data, seed, eta in [
        (X, 1, 0.05),
        (other, 1, 0.05),
        (X, 2, 0.05),
        (X[:20], 1, 0.02),
        (X, 1, 0.02),
        (other, 1, 0.05),
    ]:
        y = Y[: len(data)]
        again, new = (m.train(data, y, seed=seed, eta=eta, epochs=3) for m in (model, netc.compile(LINE)))
        np.testing.assert_array_equal(again.theta, new.theta)
        np.testing.assert_array_equal(model.predict(data), model.predict(data, new.theta[0]))


TWO = """network [2(tanh)3(lin)1]
init glorot_uniform
loss half_mse
optimizer gd(eta = 0.1)
train epochs = 3, seed = 1
"""


@pytest.fixture(scope="module")
def two():
    x = np.random.default_rng(0).normal(size=(20, 2))
    return netc.compile(TWO), x, x @ [1.0, -2.0]


@pytest.mark.sweep
def test_a_model_and_a_result_can_be_pickled_and_copied(two):
    model, x, y = two
    result = model.train(x, y, eta=0.05)
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(x) == model.predict(x)).all()
    assert (again.train(x, y, eta=0.05).theta == result.theta).all()
    assert (copy.deepcopy(model).predict(x) == model.predict(x)).all()
    kept = pickle.loads(pickle.dumps(result))
    assert (kept.theta == result.theta).all()
    assert (kept.kind == result.kind).all()
    assert kept.summary == result.summary


def test_an_untrained_model_can_be_pickled(two):
    model = pickle.loads(pickle.dumps(netc.compile(TWO)))
    with pytest.raises(ValueError, match="nothing was trained yet"):
        model.predict(two[1])
    assert model.train(*two[1:]).theta.shape == (1, 13)


def test_columns_of_a_frame_are_found_by_name(two):
    pandas = pytest.importorskip("pandas")
    _, x, y = two
    model = netc.compile(TWO)
    frame = pandas.DataFrame(x, columns=["a", "b"])
    model.train(frame, y)
    expected = model.predict(x)
    assert (model.predict(frame[["b", "a"]]) == expected).all()
    assert (model.predict(frame.assign(c=0.0)) == expected).all()
    assert model.loss(np.zeros(13), frame[["b", "a"]], y) == model.loss(np.zeros(13), x, y)
    with pytest.raises(ValueError, match="no column 'b'"):
        model.predict(frame[["a"]])


def test_no_samples_have_no_outputs(two):
    model, x, y = two
    model.train(x, y)
    assert model.predict(x[:0]).shape == (0, 1)


def test_what_is_masked_is_missing(two):
    model, x, y = two
    model.train(x, y)
    masked = np.ma.masked_greater(x, 1)
    assert (np.isnan(model.predict(masked)[:, 0]) == masked.mask.any(axis=1)).all()


def test_values_beyond_scaling(two):
    _, x, y = two
    model = netc.compile("data boston, scale = zscore\n" + TWO.replace("[2", "[13"))
    with pytest.raises(netc.SpecError, match=r"E0611.*column 'x2' cannot be scaled"):
        model.train(np.hstack([x[:, :1], 1e200 * x[:, 1:], np.ones((20, 11))]), y)
    with pytest.raises(netc.SpecError, match=r"E0611.*column 'y' cannot be scaled"):
        model.train(np.hstack([x, np.ones((20, 11))]), 1e200 * y)


def test_values_beyond_single_precision(two):
    _, x, y = two
    model = netc.compile(TWO)
    with pytest.raises(netc.SpecError, match=r"E0611.*column 'x2' holds 1.*e\+39, beyond .* f32"):
        model.train(np.hstack([x[:, :1], np.full((20, 1), 1e39)]), y, precision="f32")
    with pytest.raises(netc.SpecError, match=r"E0611.*column 'y' holds"):
        model.train(x, np.full(20, -1e39), precision="f32")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: netc.update_rule(None), TypeError, "given as text"),
        (lambda: netc.equivalent("gd", None), TypeError, "given as text"),
        (lambda: netc.equivalent(netc.update_rule("gd"), "gd"), TypeError, "not as UpdateRule"),
        (lambda: gd({"eta": 0.1}), ValueError, "shape"),
        (lambda: gd({"eta": [0.1]}), ValueError, "1 values for 2 steps"),
        (lambda: gd([0.1, 0.2]), TypeError, "by its name"),
    ],
)
def test_wrong_types(call, error, words):
    with pytest.raises(error, match=words):
        call()


def gd(schedule):
    return netc.update_rule("gd").trajectory([0.0], [[1.0], [1.0]], schedule=schedule)
