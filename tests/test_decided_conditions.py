"""Rules for their arguments: conditions that are decided, and what is left. Penalties, array by array."""

from __future__ import annotations

import math

import pytest

from netc.compiler.meaning.bind_arguments import (
    decided,
    is_flag,
    spread_tuples,
    tuples_of,
    with_fixed,
    without_tuples,
)
from netc.compiler.meaning.penalties import by_arrays, groups_in, penalties_in
from netc.dsl import ast
from netc.dsl.parser import parse_expression, parse_optimizer

A1, A0, B2, UNKNOWN = {"a": 1.0}, {"a": 0.0}, {"b": 2.0}, dict[str, float]()
AND, OR = "x if a == 1 and b == 2 else y", "x if a == 1 or b == 2 else y"
DECIDED = [
    ("x if a == 1 else y", A1, "x"),
    ("x if a == 1 else y", A0, "y"),
    ("x if a == 1 else y", UNKNOWN, "x if a == 1 else y"),
    ("x if a else y", A1, "x"),
    ("x if a else y", A0, "y"),
    (AND, A1, "x if b == 2 else y"),
    (AND, B2, "x if a == 1 else y"),
    (AND, A0, "y"),
    (AND, A1 | B2, "x"),
    (AND, A0 | B2, "y"),
    (AND, UNKNOWN, AND),
    (OR, A1, "x"),
    (OR, A0, "x if b == 2 else y"),
    (OR, B2, "x"),
    (OR, A0 | {"b": 3.0}, "y"),
    (OR, UNKNOWN, OR),
    ("x if not a == 1 else y", A1, "y"),
    ("x if not a == 1 else y", A0, "x"),
    ("x if not (a == 1 and b == 2) else y", A1, "x if not b == 2 else y"),
    ("x if not (a == 1 or b == 2) else y", A1, "y"),
    ("(x if a == 1 else y) + z", A0, "y + z"),
    ("x if c < (2 if a == 1 else 3) else y", A1, "x if c < 2 else y"),
    ("(x if a == 1 else z) if b == 2 else (x if a == 0 else z)", A0, "z if b == 2 else x"),
    ("x if a != none else y", {"a": math.nan}, "y"),
    ("x if a != none else y", A1, "x"),
]


@pytest.mark.parametrize(("written", "fixed", "left"), DECIDED)
def test_conditions_of_fixed_numbers_are_decided(written: str, fixed: dict[str, float], left: str) -> None:
    assert decided(parse_expression(written), fixed) == parse_expression(left)


RULE = """optimizer r(eta = 0.1, momentum = 0, decay = 0):
    v[n+1] = momentum*v[n] + grad R(theta[n])
    step = v[n+1] if momentum > 0 else grad R(theta[n])
    if decay > 0:
        w[n+1] = theta[n]
        theta[n+1] = theta[n] - eta*(step + decay*w[n+1])
    else:
        theta[n+1] = theta[n] - eta*step
"""
LEFT = [
    # fixed values, parameters that vary, what is watched; the parameters and equations that are left
    ({"momentum": 0.0, "decay": 0.0}, (), (), "eta", """
    step = grad R(theta[n])
    theta[n+1] = theta[n] - eta*step"""),
    ({"momentum": 0.5, "decay": 0.0}, (), (), "eta momentum", """
    v[n+1] = momentum*v[n] + grad R(theta[n])
    theta[n+1] = theta[n] - eta*v[n+1]"""),
    ({"momentum": 0.0, "decay": 0.0}, (), ("v",), "eta momentum", """
    v[n+1] = momentum*v[n] + grad R(theta[n])
    step = grad R(theta[n])
    theta[n+1] = theta[n] - eta*step"""),
    ({"momentum": 0.0, "decay": 0.1}, (), (), "eta decay", """
    step = grad R(theta[n])
    w[n+1] = theta[n]
    theta[n+1] = theta[n] - eta*(step + decay*w[n+1])"""),
    ({"momentum": 0.0, "decay": 0.0}, ("momentum",), (), "eta momentum", """
    v[n+1] = momentum*v[n] + grad R(theta[n])
    step = v[n+1] if momentum > 0 else grad R(theta[n])
    theta[n+1] = theta[n] - eta*step"""),
]  # fmt: skip


@pytest.mark.parametrize(("values", "varying", "watched", "parameters", "body"), LEFT)
def test_what_theta_does_not_need_is_left_out(
    values: dict[str, float], varying: tuple[str, ...], watched: tuple[str, ...], parameters: str, body: str
) -> None:
    found = with_fixed(parse_optimizer(RULE), values, varying, frozenset(watched))
    assert [p.name for p in found.parameters] == parameters.split()
    assert found.body == parse_optimizer(f"optimizer r(eta = 0.1):{body}\n").body


def test_a_rule_in_which_nothing_is_decided_stays() -> None:
    rule = parse_optimizer(RULE)
    assert with_fixed(rule, {"eta": 0.1}, ()) is rule


def test_branches_that_are_left_empty() -> None:
    rule = parse_optimizer("""optimizer r(eta = 0.1, a = 1):
    theta[n+1] = theta[n] - (eta if a == 1 else 0)*grad R(theta[n])
    if norm(theta[n]) > 1:
        u[n+1] = 2*u[n]
    else:
        theta[n+1] = theta[n]
    if norm(theta[n]) > 2:
        u[n+1] = 3*u[n]
""")
    assert (
        with_fixed(rule, {"a": 1.0}, ()).body
        == parse_optimizer("""optimizer r(eta = 0.1):
    theta[n+1] = theta[n] - eta*grad R(theta[n])
    if not norm(theta[n]) > 1:
        theta[n+1] = theta[n]
""").body
    )


def test_tuples_are_names_of_their_own() -> None:
    rule = parse_optimizer(
        "optimizer r(eta = 0.1, betas = (0.9, 0.99)):\n    theta[n+1] = betas[1]*theta[n] - betas[2]*eta\n"
    )
    assert dict(tuples_of(rule.parameters)) == {"betas": range(1, 3)}
    plain = "optimizer r(eta = 0.1, betas_1 = 0.9, betas_2 = 0.99):\n    theta[n+1] = betas_1*theta[n] - betas_2*eta\n"
    assert without_tuples(rule) == parse_optimizer(plain)
    call = parse_expression("r(0.2, (0.5, 0.6))")
    named = parse_expression("r(betas = (0.5, 0.6), eta = 0.2)")
    assert isinstance(call, ast.Call)
    assert isinstance(named, ast.Call)
    values = [(a.name, a.value) for a in spread_tuples(call.arguments, rule.parameters)]
    assert values == [("eta", ast.Number(0.2)), ("betas_1", ast.Number(0.5)), ("betas_2", ast.Number(0.6))]
    assert [(a.name, a.value) for a in spread_tuples(named.arguments, rule.parameters)] == [
        *values[1:],
        values[0],
    ]


def test_what_is_no_tuple_stays() -> None:
    rule = parse_optimizer(
        "optimizer r(eta = 0.1, betas = (0.9, 0.99)):\n    theta[n+1] = betas[3]*c[1] - betas[1]*v[n]\n"
    )
    left = "optimizer r(eta = 0.1, betas_1 = 0.9, betas_2 = 0.99):\n    theta[n+1] = betas[3]*c[1] - betas_1*v[n]\n"
    assert without_tuples(rule) == parse_optimizer(left)
    for text in (
        "r(0.1, (1, 2, 3))",
        "r((1, 2), betas = 3)",
        "r(0.1, 2, (1, 2))",
        "r(eta = 0.1, (1, 2))",
        "r(other = (1, 2))",
    ):
        call = parse_expression(text)
        assert isinstance(call, ast.Call)
        found = list(spread_tuples(call.arguments, rule.parameters))
        assert [a.value for a in found] == [a.value for a in call.arguments]


def test_flags_are_true_or_false() -> None:
    rule = parse_optimizer(
        "optimizer r(a = true, b = false, c = 1, d = a, e = none, f):\n    theta[n+1] = theta[n]\n"
    )
    assert [p.name for p in rule.parameters if is_flag(p)] == ["a", "b"]


def test_a_name_that_is_set_twice_is_no_copy() -> None:
    text = """optimizer r(eta = 0.1, a = 1):
    step = v[n]
    v[n+1] = {} + grad R(theta[n])
    step = v[n+1]
    theta[n+1] = theta[n] - eta*step
"""
    found = with_fixed(parse_optimizer(text.format("(step if a == 1 else 0)")), {"a": 1.0}, ())
    assert found.body == parse_optimizer(text.format("step")).body


BY_ARRAYS = {
    "sum(weights^2)": "sum(A^2) + sum(B^2)",
    "mean(|theta|)": "(sum(|A|) + sum(|B|))/10",
    "norm(weights)": "sqrt(sum(A^2) + sum(B^2))",
    "max(|biases|)": "max(max(|A|), max(|B|))",
    "min(gains)": "min(min(A), min(B))",
    "dot(weights, 2*weights)": "sum(A*(2*A)) + sum(B*(2*B))",
}


@pytest.mark.parametrize("penalty", BY_ARRAYS)
def test_penalties_array_by_array(penalty: str) -> None:
    call = parse_expression(penalty)
    assert isinstance(call, ast.Call)
    assert by_arrays(call, [("A", 6), ("B", 4)]) == parse_expression(BY_ARRAYS[penalty])
    assert [n.id for n in groups_in(call)] == [
        n for n in ("theta", "weights", "biases", "gains") if n in penalty
    ]
    assert list(penalties_in(parse_expression(f"mean((u - y)^2) + 3*{penalty}"))) == [call]


def test_the_norm_of_one_array_is_its_own() -> None:
    call = parse_expression("norm(weights)")
    assert isinstance(call, ast.Call)
    assert by_arrays(call, [("A", 6)]) == parse_expression("norm(A)")
