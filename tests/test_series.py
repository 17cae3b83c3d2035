"""Windows over a series, and parts in the order of time, against NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc

RNG = np.random.default_rng(5)
SERIES = RNG.normal(size=(30, 2))
REST = "init zeros\nloss half_mse\noptimizer gd(eta = 0.1)\ntrain epochs = 3\n"


def table(folder: Path) -> None:
    lines = [f"{a:.17g},{b:.17g}" for a, b in SERIES]
    (folder / "t.csv").write_text("a,b\n" + "\n".join(lines) + "\n")


def data_of(folder: Path, settings: str, network: str):
    (folder / "t.net").write_text(f'data "t.csv", {settings}\nnetwork {network}\n{REST}')
    model = netc.compile(folder / "t.net")
    return model, model.train(), model._session.data


def test_a_sample_is_what_was_before_it(tmp_path: Path) -> None:
    table(tmp_path)
    settings = "target = b, window = 4, split = 80%, validation = 25%"
    _, result, data = data_of(tmp_path, settings, "[8 (dense) 1]")
    np.testing.assert_array_equal(data.x, [SERIES[i - 4 : i].ravel() for i in range(4, 30)])
    np.testing.assert_array_equal(data.y[:, 0], SERIES[4:, 1])
    assert data.input_names[:3] == ("a[-4]", "b[-4]", "a[-3]")
    for part, expected in (
        (data.train, range(15)),
        (data.validation, range(15, 20)),
        (data.test, range(20, 26)),
    ):
        assert part.tolist() == list(expected)
    w = np.zeros(9)
    x = np.column_stack([data.x[:15], np.ones(15)])
    for _ in range(3):
        w -= 0.1 * x.T @ (x @ w - data.y[:15, 0]) / 15
    np.testing.assert_allclose(result.theta[0], w, rtol=1e-11)
    test = np.column_stack([data.x[20:], np.ones(6)]) @ w - data.y[20:, 0]
    assert result.loss_test[0] == pytest.approx(np.mean(test**2) / 2, rel=1e-11)


@pytest.mark.sweep
def test_chosen_columns_and_arrays(tmp_path: Path) -> None:
    table(tmp_path)
    _, _, data = data_of(tmp_path, "target = b, inputs = a, window = 3", "[3 (dense) 1]")
    np.testing.assert_array_equal(data.x, [SERIES[i - 3 : i, 0] for i in range(3, 30)])
    assert len(data.train) == 27
    rest = REST.replace("half_mse", "half_mse, divide = weights")
    given = netc.compile(f"data given, window = 5, weights = given\nnetwork [5 (dense) 1]\n{rest}")
    weights = RNG.uniform(size=30)
    given.train(SERIES[:, 0], SERIES[:, 1], sample_weight=weights)
    found = given._session.data
    np.testing.assert_array_equal(found.x, [SERIES[i - 5 : i, 0] for i in range(5, 30)])
    np.testing.assert_array_equal(found.y[:, 0], SERIES[5:, 1])
    np.testing.assert_array_equal(found.weights, weights[5:])


def test_the_last_rows_test_without_a_window(tmp_path: Path) -> None:
    table(tmp_path)
    settings = "target = b, split = 20, validation = 5, order = time, seed = 3"
    _, _, data = data_of(tmp_path, settings, "[1 (dense) 1]")
    assert [p.tolist() for p in (data.train, data.validation, data.test)] == [
        list(range(15)),
        list(range(15, 20)),
        list(range(20, 30)),
    ]
