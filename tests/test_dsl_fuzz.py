"""Whatever is typed, the parser answers with a program or with diagnostics that lie inside the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.format import format_program
from netc.dsl.parser import TALLEST, parse, parse_expression, parse_optimizer
from netc.dsl.source import Source

VALID = """\
data      boston, target = medv, scale = zscore, split = 80%, seed = 1
data      "x.npy", "y.npy"
data inline:
    1, 2 -> 0
network   [28x28x1 (conv 5x5, tanh) 4 (avgpool 2x2) (softmax) 10]
block     res(c) = x + [c (conv 3x3 same, relu) c]
activation swish(z; beta = 1) = z*sigmoid(beta*z)
init weights ~ uniform(-a, a), a = sqrt(6/(fan_in + fan_out))
optimizer lcgd(eta0 = 0.1, λ = 0.5):
    e[0] = eta0/f2
    repeat at most 60:
        p = θ[n] - h*∇R(θ[n])
        until R(p) - ‖R(theta[n])‖² <= -lambda*h  # Armijo
    for i in 1..m:
        theta[n+i/m] = x if |a| == 2 else {1, 2}
schedule  eta = 0.1 until 75, 0.01
sweep     eta ~ log_uniform(1e-3, 1e-1), trials = 50
expect    diverged = 0% of runs within 1%, claimed = 2
"""


def answer(text: str) -> None:
    source = Source("fuzz.net", text)
    program = attempt(parse, source)
    if isinstance(program, SpecError):
        assert program.diagnostics
        assert str(program)
        for d in program.diagnostics:
            assert 0 <= d.span.start <= d.span.end <= len(text)
    else:
        formatted = format_program(program, source)
        assert parse(Source("fuzz.net", formatted)) == program


def attempt(reader: Callable[[Any], ast.Node], text: Source | str) -> ast.Node | SpecError:
    try:
        return reader(text)
    except SpecError as error:
        return error


@given(st.text(max_size=80))
@settings(max_examples=150)
@example("\x00")
@example("use ")
@example("data a.csv")
@example('"')
def test_any_text(text: str) -> None:
    answer(text)


WORDS = [*VALID.split(" "), *"\n\t ()[]{}|=:,;.^%'\"#~+-*/<>!√‖½²", "\n    ", "->", "grad", "if"]
pieces = st.sampled_from(WORDS)


@given(st.lists(pieces, max_size=30))
@settings(max_examples=150)
def test_any_sequence_of_tokens(words: list[str]) -> None:
    answer(" ".join(words))
    answer("".join(words))


@given(st.integers(0, len(VALID)), st.integers(0, 30), st.text("()[]{}|=:,;\n \t'\"x1+\u2212", max_size=3))
@settings(max_examples=150)
def test_any_slip_in_a_valid_program(at: int, length: int, instead: str) -> None:
    answer(VALID[:at] + instead + VALID[at + length :])


@given(st.text("ab1.()[]+-^*/ ,=<>|{}%if else", max_size=30))
@settings(max_examples=150)
def test_any_expression_and_rule(text: str) -> None:
    for reader in (parse_expression, parse_optimizer):
        assert str(attempt(reader, text))


@pytest.mark.parametrize(
    "text",
    [
        "loss R = " + "(" * 5000,
        "loss R = " + "(" * 5000 + "u" + ")" * 5000,
        "loss R = " + "-" * 5000 + "u",
        "loss R = " + "not " * 5000 + "u",
        "loss R = " + "u^" * 5000 + "u",
        "loss R = " + "u + " * 5000 + "u",
        "loss R = " + "√" * 5000 + "u",
        "loss R = u" + "%" * 5000,
        "loss R = u" + ".a" * 5000,
        "loss R = u" + "(1)" * 5000,
        "loss R = " + "1 if a else " * 5000 + "2",
        "loss R = " + "|a + " * 300 + "a" + "|" * 300,
        "optimizer a:\n" + "".join(" " * i + "repeat:\n" for i in range(1, 300)) + " " * 300 + "x = 1",
        "network [2" + "(tanh)2" * 5000 + "]",
        "train " + ", ".join(f"a{i} = {i}" for i in range(5000)),
    ],
    ids=lambda text: text[:14].strip() + f"...{len(text)}",
)
def test_nothing_is_too_deep(text: str) -> None:
    answer(text)


def test_what_is_read_is_flat_enough_to_walk() -> None:
    """Trees that are let through can be compared, hashed and printed."""
    expr = parse_expression(" + ".join(["u"] * (TALLEST - 1)))
    assert hash(expr) == hash(expr)
    assert expr == parse_expression(str(" + ".join(["u"] * (TALLEST - 1))))
    assert repr(expr)
