"""Expectations are judged as a reader of the sentence would."""

import numpy as np
import pytest

import netc
from netc.compiler.meaning.spec import Expectation
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.runtime.results.expect import judge
from netc.runtime.results.expect_names import Scope

N, T, C = ast.Name, ast.Tuple, ast.Call


def call(name, *arguments):
    return C(N(name), tuple(ast.Argument(None, a) for a in arguments))


def number(value):
    return ast.Number(value)


def verdict(claim, scope, within=None):
    (found,) = judge([Expectation(claim, within, "text")], scope)
    return found


ONE = Scope(
    1,
    {
        "theta": np.array([[0.4, -1.0]]),
        "steps": np.array([7]),
        "diverged": np.array([False]),
        "loss(train)": np.array([0.02]),
        "accuracy(train)": np.array([0.96]),
    },
    {"eta": 0.5, "pi": np.pi},
    loss_at=lambda theta: float(theta @ theta),
)
MANY = Scope(
    4,
    {
        "theta": np.array([[0.0], [1.0], [2.0], [3.0]]),
        "steps": np.array([10, 20, 30, 1000]),
        "iterations": np.array([10, 20, 30, 1000]),
        "diverged": np.array([False, False, False, True]),
        "loss(train)": np.array([0.1, 0.2, 0.3, np.nan]),
        "loss(test)": np.array([0.2, 0.3, 0.4, np.nan]),
    },
)


@pytest.mark.parametrize(
    ("claim", "within", "holds"),
    [
        (ast.Compare("<", call("loss", N("train")), number(0.05)), None, True),
        (ast.Compare("<", N("loss"), number(0.01)), None, False),
        (ast.Compare(">=", call("accuracy", N("train")), ast.Percent(number(95.9))), None, True),
        (ast.Compare(">=", call("accuracy", N("train")), ast.Percent(number(96.1))), None, False),
        (ast.Compare("=", N("steps"), number(7)), None, True),
        (ast.Compare("=", N("theta"), T((number(0.4), number(-1)))), None, True),
        (ast.Compare("=", N("theta"), T((number(0.4), number(-1.1)))), None, False),
        (ast.Compare("=", N("theta"), T((number(0.4), number(-1.1)))), number(0.11), True),
        (ast.Compare("=", N("theta"), T((number(0.4), number(-1.1)))), ast.Percent(number(9)), False),
        (ast.Compare("=", N("theta"), T((number(0.4), number(-1.1)))), ast.Percent(number(10)), True),
        (ast.Compare("=", call("loss", N("train")), ast.Binary("*", number(0.04), N("eta"))), None, True),
        (ast.Compare("=", call("R", T((number(3), number(4)))), number(25)), None, True),
        (ast.Compare("=", call("norm", N("theta")), number(np.sqrt(1.16))), number(1e-12), True),
        (ast.Compare("=", N("diverged"), ast.Of(ast.Percent(number(0)), "runs")), None, True),
        (ast.Not(N("diverged")), None, True),
    ],
)
def test_one_run(claim, within, holds):
    assert verdict(claim, ONE, within).holds is holds


@pytest.mark.parametrize(
    ("stated", "within", "holds"), [(24, 0.9, False), (24, 1.1, True), (25, None, True), (24, None, False)]
)
def test_shares_are_within_percentage_points(stated, within, holds):
    claim = ast.Compare("=", N("diverged"), ast.Of(ast.Percent(number(stated)), "runs"))  # 1 of 4 runs
    points = None if within is None else ast.Percent(number(within))
    assert verdict(claim, MANY, points).holds is holds


@pytest.mark.parametrize(
    ("claim", "value", "holds"),
    [
        (ast.Compare("<=", call("median", N("iterations")), number(25)), 25.0, True),
        (ast.Compare("<", call("mean", N("steps")), number(265)), 265.0, False),
        (ast.Compare("=", N("diverged"), ast.Of(ast.Percent(number(25)), "runs")), 0.25, True),
        (ast.Compare("<", N("diverged"), ast.Percent(number(30))), 0.25, True),
        (ast.Compare("=", call("share", ast.Compare("<", N("steps"), number(25))), number(0.5)), 0.5, True),
        (ast.Compare("<=", call("quartile", N("steps"), number(1)), number(17.5)), 17.5, True),
        (call("all", ast.Compare(">=", N("theta"), number(0))), True, True),
        (call("all", ast.Compare("<", N("loss"), number(9))), False, False),
        (ast.Compare("<", call("max", N("loss")), number(9)), np.nan, False),
    ],
)
def test_several_runs(claim, value, holds):
    found = verdict(claim, MANY)
    assert found.holds is holds
    np.testing.assert_equal(found.value, value)


@pytest.mark.parametrize(
    ("claim", "within", "code", "words"),
    [
        (
            ast.Compare("<", call("loss", N("train")), number(1)),
            None,
            "E0701",
            "median, mean, min, max, quartile",
        ),
        (ast.Compare("<", call("accuracy", N("train")), number(1)), None, "E0702", "no meaning"),
        (ast.Compare("<", call("median", N("stepz")), number(1)), None, "E0703", "did you mean 'steps'"),
        (call("median", N("steps")), None, "E0704", "not a claim"),
        (ast.Compare("<", call("median", N("steps")), number(1)), number(1), "E0705", "within"),
        (
            call("all", ast.Compare("=", N("theta"), T((number(1), number(2), number(3))))),
            None,
            "E0706",
            "1 numbers",
        ),
        (
            call(
                "all",
                ast.Compare("=", ast.Binary("*", N("theta"), T((number(1), number(2)))), T((number(1),) * 3)),
            ),
            None,
            "E0706",
            "1 numbers are compared with 2",
        ),
    ],
)
def test_what_cannot_be_judged(claim, within, code, words):
    with pytest.raises(SpecError, match=code) as error:
        verdict(claim, MANY, within)
    assert words in str(error.value)


def test_no_test_part_is_said():
    with pytest.raises(SpecError, match="split = 80%"):
        verdict(ast.Compare("<", call("loss", N("test")), number(1)), ONE)


@pytest.mark.parametrize("percent", range(0, 101, 10))
def test_a_share_of_ten_runs_equals_its_percentage(percent):
    """70% is 7/10 to the last bit, though 70*0.01 is not."""
    starts = [1.0] * (percent // 10) + [1e200] * (10 - percent // 10)
    text = (
        f"objective R(x) = x^2\ninit theta = {{{', '.join(map(str, starts))}}}\noptimizer gd(eta = 0.4)\n"
        f"train steps = 60, stop = norm(grad R) < 1e-3\nexpect converged = {percent}% of runs\n"
    )
    (verdict,) = netc.compile(text).train().expect
    assert verdict.holds
