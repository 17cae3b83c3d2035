"""Integers of Python callers that float64 does not have are refused wherever arrays are given, with their place."""

import numpy as np
import pandas as pd
import pytest

import netc
from netc.dsl.diagnostics import SpecError

TEXT = """data given, scale = none
network [2(tanh)3(lin)1]
loss half_mse
init xavier_uniform
optimizer gd(eta = 0.1)
train epochs = 1
"""
LARGE = 2**53 + 1
X = np.array([[1, 2], [3, 4], [5, 6]])
Y = np.array([1, 2, 4])
THETA = np.full(13, 0.1)
WRONG_X, WRONG_Y = np.array([[1, 2], [3, -LARGE], [5, LARGE]]), np.array([1, 2, LARGE])


@pytest.fixture(scope="module")
def trained():
    model = netc.compile(TEXT)
    model.train(X, Y)
    return model


CALLS = {
    "predict": lambda model, x, y: model.predict(x),
    "loss": lambda model, x, y: model.loss(THETA, x, y),
    "gradient": lambda model, x, y: model.gradient(THETA, x, y),
    "gradient_by_x": lambda model, x, y: model.gradient(THETA, x, y, wrt="x"),
    "hessian": lambda model, x, y: model.hessian(THETA, x, y),
    "judge": lambda model, x, y: model.judge(x, y),
}


@pytest.mark.parametrize("call", CALLS)
def test_refused_with_name_place_and_value(trained, call):
    act = CALLS[call]
    act(trained, X, Y)
    with pytest.raises(ValueError, match=rf"X\[1, 1\] is -{LARGE}, which is no float64.*X\.astype\(float\)"):
        act(trained, WRONG_X, Y)
    act(trained, WRONG_X.astype(float), Y)
    if call != "predict":
        with pytest.raises(ValueError, match=rf"y\[2\] is {LARGE}, which is no float64.*y\.astype\(float\)"):
            act(trained, X, WRONG_Y)


@pytest.mark.parametrize("call", [c for c in CALLS if c != "predict"])
def test_lists_with_floats_beside_are_looked_at_before_numpy_rounds(trained, call):
    with pytest.raises(ValueError, match=rf"y\[2\] is {LARGE}"):
        CALLS[call](trained, X.tolist(), [1.5, 2, LARGE])
    with pytest.raises(ValueError, match=rf"X\[0, 1\] is {LARGE}"):
        CALLS[call](trained, [[0.5, LARGE], [3, 4], [5, 6]], Y.tolist())
    CALLS[call](trained, [[0.5, float(LARGE)], [3, 2**60], [5, True]], [1.5, 2, 2**53])


def test_training_refuses_them_too():
    mixed = [[1, 2.5], [3, -LARGE], [5, 6]]
    for x, y, place in (
        (WRONG_X, Y, "x, row 2, column 'x2'"),
        (X, WRONG_Y, "y, row 3, column 'y'"),
        (mixed, Y, "x, row 2, column 'x2'"),
        (X, [1.5, 2, LARGE], "y, row 3, column 'y'"),
    ):
        with pytest.raises(SpecError, match=rf"E0670(.|\n)*{place}: -?{LARGE}"):
            netc.compile(TEXT).train(x, y)
    weighted = TEXT.replace("given,", "given, weights = given,").replace("mse", "mse, divide = weights")
    with pytest.raises(ValueError, match=rf"sample_weight\[2\] is {LARGE}"):
        netc.compile(weighted).train(X, Y, sample_weight=WRONG_Y)
    with pytest.raises(ValueError, match=rf"sample_weight\[1\] is {LARGE}"):
        netc.compile(weighted).train(X, Y, sample_weight=[0.5, LARGE, 1])


@pytest.mark.parametrize(
    ("x", "place"),
    [
        (WRONG_X.tolist(), r"X\[1, 1\]"),
        (np.array([[1, 2], [2**64 - 1, 2]], np.uint64), r"X\[1, 0\] is 18446744073709551615"),
        ([[1, 2.5], [LARGE, 2]], rf"X\[1, 0\] is {LARGE}.*np\.array\(X\)\.astype\(float\)"),
        (([0.5, 2], (3, np.int64(-LARGE))), rf"X\[1, 1\] is -{LARGE}"),
        ([[0.5, 2], [3, 2**70 + 1]], f"row 2 of column 'x2' of X is {2**70 + 1}"),
        (np.array([[0.5, 2], [np.int64(LARGE), 2]], object), "row 2 of column 'x1' of X is 9007199254740993"),
        (WRONG_X.reshape(3, 2, 1), r"X\[1, 1, 0\]"),
        (np.array([[1, 2], [10**30, 2.5]], object), "row 2 of column 'x1' of X is 1000000"),
        (pd.DataFrame(WRONG_X), "row 2 of column '1' of X"),
        (pd.DataFrame({"a": [1.5, 2.5], "b": pd.array([None, LARGE], "Int64")}), "row 2 of column 'b' of X"),
        (np.ma.masked_equal(WRONG_X, -LARGE), "row 3 of column 'x2' of X"),
    ],
)
def test_of_whatever_kind(trained, x, place):
    with pytest.raises(ValueError, match=place):
        trained.predict(x)


def test_what_float64_has_is_no_matter(trained):
    """Powers of two, the masked, the small."""
    given = np.array([[2**60, 1], [-(2**62), 2], [2**53, 3]])
    np.testing.assert_array_equal(trained.predict(given), trained.predict(given.astype(float)))
    masked = np.ma.masked_greater(np.array([[1, 2], [3, LARGE]]), 2**53)
    assert np.isnan(trained.predict(masked)).tolist() == [[False], [True]]
