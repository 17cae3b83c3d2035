"""What an equation says literally whose unknown stands on both sides: the solution in words solves it."""

from __future__ import annotations

import pytest

import netc
from netc.dsl.diagnostics import SpecError

RULE = """objective R(x) = x^2
init      theta = (1)
optimizer r(eta = 0.1, beta = 0.9):
    g          = grad R(theta[n])
    v[n+1]     = {}
    theta[n+1] = theta[n] - eta*v[n+1]
train     steps = 2
"""
GIVEN = {"g": 0.7, "v": 1.3, "beta": 0.9, "eta": 0.1}


def literally(equation: str) -> str:
    with pytest.raises(SpecError) as caught:
        netc.compile(RULE.format(equation))
    (found,) = caught.value.diagnostics
    assert found.code == "E0401"
    return found.notes[0]


@pytest.mark.parametrize("equation", [
    "0.9*v[n+1] + g", "2*v[n+1] + g", "-2*v[n+1] + g", "g - v[n+1]", "g - 2*v[n+1]", "(v[n+1] + g)/2",
    "3*v[n+1] - 2.5*v[n+1] + g", "5*v[n+1] - 2*v[n+1] + g", "beta*v[n+1] + (1 - beta)*g", "(1 - beta)*v[n+1] + g",
    "v[n] - (v[n+1] - g)", "v[n+1]*beta + 0*g", "0*v[n+1] + g", "v[n+1] - v[n+1] + g", "-v[n+1] + g + v[n]",
    "1 + 2 - v[n+1]/4", "2 + beta*v[n+1]", "-(v[n+1] + g) + 3",
])  # fmt: skip
def test_the_solution_solves_the_equation(equation: str) -> None:
    solution, _, rate = (
        literally(equation).removeprefix("read literally it says v[n+1] = ").partition(": no memory")
    )
    value = eval(solution.replace("v[n]", "v"), {}, dict(GIVEN))
    both = equation.replace("v[n+1]", "solved").replace("v[n]", "v")
    assert eval(both, {}, {**GIVEN, "solved": value}) == pytest.approx(value, rel=1e-12)
    if rate:  # eta*v = rate*g
        told = rate.removeprefix(", gradient descent with the rate ")
        assert eval(told, {}, dict(GIVEN)) * GIVEN["g"] == pytest.approx(GIVEN["eta"] * value, rel=1e-12)


@pytest.mark.parametrize(("equation", "words"), [
    ("v[n+1] + g", "it says g = 0"),
    ("3*v[n+1] - 2*v[n+1] + g", "it says g = 0"),
    ("v[n+1]/2 + v[n+1]/2 + g", "it says g = 0"),
    ("v[n+1]", "it says nothing of v[n+1]"),
    ("v[n+1] + g - g", "it says g - g = 0"),
    ("-2*v[n+1] + g", "it says v[n+1] = g/3: no memory, gradient descent with the rate eta/3"),
    ("(v[n+1] + g)/2", "it says v[n+1] = g/2/0.5: no memory, gradient descent with the rate eta"),
    ("v[n+1]^2", ", v[n+1] is the solution of this equation"),
    ("g/v[n+1]", ", v[n+1] is the solution of this equation"),
])  # fmt: skip
def test_the_words(equation: str, words: str) -> None:
    assert literally(equation).removeprefix("read literally").lstrip(" ") == words
