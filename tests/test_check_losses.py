"""A loss is right where it has a value for every output of the last activation, whatever functions it is made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.calculus.intervals import Range
from netc.compiler.calculus.ir import SCALAR, Const, Expr, Var, apply
from netc.compiler.calculus.ranges import Ranges, pointwise
from netc.compiler.check.program import check
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.source import Source

RIGHT = (
    "lin | mean(log(cosh(u - y)))",
    "lin | mean(u - y + log(1 + exp(-2*(u - y))))",
    "lin | mean(log(1 + ((u - y)/2)^2))",
    "lin | mean(max(0.9*(y - u), (0.9 - 1)*(y - u)))",
    "lin | mean((u - y)^2/2 if |u - y| <= 1 else |u - y| - 1/2)",
    "lin | mean(sqrt(1 + (u - y)^2) - 1)",
    "lin | mean(|u - y|^1.5)",
    "lin | norm(u - y)",
    "lin | mean(log(1 + exp(-y*u)))",
    "lin | mean(log(max(u, 1e-7)))",
    "lin | mean(log(u) if u > 0 else u^2)",
    "lin | mean(u - y if not u > 0 else y*log(y/u))",
    "lin | mean((u - y)^2/(1 + (u - y)^2))",
    "lin | mean(|u - y|/y)",
    "lin | -log(sum(exp(u)))",
    "exp | mean(u - y*log(u))",
    "softplus | mean(u - y*log(u))",
    "softplus | mean(y/u - log(y/u) - 1)",
    "relu | mean((log(1 + u) - log(1 + y))^2)",
    "relu | mean((sqrt(u) - sqrt(y))^2)",
    "sqrt_square | mean(log(u))",
    "sigmoid | -mean(y*(1 - u)^2.5*log(u) + (1 - y)*u^2.5*log(1 - u))",
    "sigmoid | -mean(log(u^0.5))",
    "tanh | -mean(log(1 - u^2))",
    "softsign | mean(log((1 + u)/2))",
    "arctan | mean(log(2 + u))",
    "softmax | -log(sum(y*u))",
    "softmax | -sum(y*log(u))",
    "softmax | sum(u*log(u))",
    "softmax | log(1 + sum(u^2))",
    "softmax | mean((u/sum(u) - y)^2)",
    "softmax | mean((y/sum(y) - u)^2)",
)
WRONG = (
    ("lin", "mean(log(u))", "the logarithm of u", "u lies in (-inf, inf)"),
    ("lin", "mean(u - y*log(u))", "the logarithm of u", "(-inf, inf)"),
    ("lin", "mean(log(cosh(u) - 2))", "the logarithm of cosh(u) - 2", "[-1, inf)"),
    ("lin", "mean((log(1 + u) - log(1 + y))^2)", "the logarithm of 1 + u", "(-inf, inf)"),
    ("lin", "mean(log(u) if u > -1 else 0)", "the logarithm of u", "(-1, inf)"),
    ("lin", "mean(log(u) if u > -1 and u < 3 else 0)", "the logarithm of u", "(-1, 3)"),
    ("lin", "mean(sqrt(u - y))", "the square root of u - y", "(-inf, inf)"),
    ("lin", "mean((u - y)/u)", "a quotient by u", "(-inf, inf)"),
    ("lin", "mean((u - y)^0.5)", "a power of u - y", "(-inf, inf)"),
    ("lin", "mean(u^-2)", "a power of u", "(-inf, inf)"),
    ("tanh", "mean(log(u))", "the logarithm of u", "(-1, 1)"),
    ("relu", "mean(log(u))", "the logarithm of u", "[0, inf)"),
    ("relu6", "mean(log(6 - u))", "the logarithm of 6 - u", "[0, 6]"),
    ("softplus", "mean(log(1 - u))", "the logarithm of 1 - u", "(-inf, 1)"),
    ("hard_sigmoid", "-mean(log(u))", "the logarithm of u", "[0, 1]"),
    ("relu", "mean((u/sum(u) - y)^2)", "a quotient by sum(u)", "[0, inf)"),
    ("softmax", "mean(log(u - 1/2))", "the logarithm of u - 1/2", "(-0.5, 0.5)"),
)  # fmt: skip


def problems(activation: str, loss: str) -> list[str]:
    outputs = 3 if activation == "softmax" else 1
    rows = "\n".join("    0 -> " + ", ".join(["1"] * outputs) for _ in range(2))
    text = f"""
data inline:
{rows}
network [1({activation}){outputs}]
init zeros
loss mine = {loss}
optimizer gd
train steps = 1
"""
    try:
        check(parse(Source("<test>", text)), None, Path())
    except SpecError as error:
        return [f"{d.code} {d.message}" for d in error.diagnostics]
    return []


@pytest.mark.parametrize("program", RIGHT)
def test_right_losses_are_programs(program: str) -> None:
    activation, loss = program.split(" | ")
    assert problems(activation, loss) == []


@pytest.mark.parametrize(("activation", "loss", "what", "where"), WRONG)
def test_wrong_losses_say_what_has_no_value_and_where_it_lies(
    activation: str, loss: str, what: str, where: str
) -> None:
    (message,) = problems(activation, loss)
    assert message.startswith(f"E0204 'mine' takes {what}, and after ({activation}) ")
    assert message.endswith(where)


# -- the ranges themselves ---------------------------------------------------------------------------

X = Var("x", SCALAR)
UNARY = (
    "neg", "exp", "expm1", "sqrt", "abs", "sign", "floor", "tanh", "sigmoid", "softplus", "erf", "sin", "cos", "atan",
    "sinh", "cosh", "logcosh", "log", "log1p",
)  # fmt: skip
BINARY = ("add", "sub", "mul", "div", "min", "max")
NUMBERS = st.sampled_from((-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0))


def _grown(below: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    build: Callable[..., Expr] = apply
    powers = st.sampled_from((-2.0, -1.0, 0.5, 2.0, 3.0)).map(Const)
    chosen = st.builds(lambda op, a, b, c: build("select", build(op, a, Const(0.5)), b, c),
                       st.sampled_from(("lt", "le", "gt", "ge")), below, below, below)  # fmt: skip
    return (
        st.builds(build, st.sampled_from(UNARY), below)
        | st.builds(build, st.sampled_from(BINARY), below, below)
        | st.builds(lambda a, n: build("pow", a, n), below, powers)
        | st.builds(lambda a: build("mul", a, a), below)
        | chosen
    )


EXPRESSIONS = st.recursive(st.just(X) | NUMBERS.map(Const), _grown, max_leaves=6)


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS, st.lists(st.floats(-20, 20), min_size=1, max_size=8))
def test_a_range_holds_every_value(expr: Expr, points: list[float]) -> None:
    """Where all its parts have one; what rounding adds at an end is allowed for."""
    ranges = Ranges({X: Range(-20.0, 20.0)})
    found = ranges.of(expr)
    for x in [] if ranges.faults else points:
        value: Any = evaluate(expr, {"x": x})
        if not math.isfinite(value):
            continue
        slack = 1e-9 * max(1.0, abs(value))
        assert found.low - slack <= value <= found.high + slack


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS, st.lists(st.floats(-20, 20), min_size=1, max_size=8))
def test_what_has_no_fault_has_a_value(expr: Expr, points: list[float]) -> None:
    found = Ranges({X: Range(-20.0, 20.0)})
    found.of(expr)
    if not found.faults:
        assert not any(math.isnan(evaluate(expr, {"x": x})) for x in points)


def test_ranges_of_activations() -> None:
    """Against the extremes of a fine table."""
    silu = apply("mul", X, apply("sigmoid", X))
    table = evaluate(silu, {"x": np.linspace(-30, 30, 60001)})
    found = pointwise(silu, X)
    assert found.high == math.inf
    assert table.min() - 0.1 <= found.low <= table.min()
    assert str(pointwise(apply("tanh", X), X)) == "(-1, 1)"
