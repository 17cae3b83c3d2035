"""A name has one meaning: what the library reads is not what the file calls by the same name."""

from __future__ import annotations

from pathlib import Path

import pytest

from netc.compiler.calculus import ir
from netc.compiler.pipeline import to_ir, to_spec
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.source import Source

FILE = "objective {0}({1}) = {1}^2\ninit theta = (1)\noptimizer {2}(lr = 0.1)\ntrain steps = 2\n"


def program(loss: str, variable: str = "x", rule: str = "torch.Adam") -> ir.Program:
    return to_ir(to_spec(parse(Source("<test>", FILE.format(loss, variable, rule))), None, Path()))


@pytest.mark.parametrize("loss", ["v", "g", "lr", "f", "step"])
def test_a_rule_of_the_library_is_the_same_whatever_the_loss_is_called(loss: str) -> None:
    assert program(loss).rule == program("R").rule


@pytest.mark.parametrize("variable", ["training", "loss", "steps", "pi", "n"])
def test_a_variable_is_not_called_as_what_is_read_beside_it(variable: str) -> None:
    assert refused(FILE.format("R", variable, "torch.Adam")) == {"E0663"}


def test_a_variable_may_be_called_as_a_parameter_that_no_figure_reads() -> None:
    text = FILE.format("R", "lr", "torch.Adam")
    assert not refused(text)
    assert refused(text + "expect lr = 0 within 1\n") == {"E0663"}


@pytest.mark.parametrize("name", ["sqrt", "norm", "exp", "max", "logcosh"])
def test_a_loss_is_not_called_as_a_function_that_is_read(name: str) -> None:
    text = FILE.format(name, "x", "torch.Adam")
    assert not refused(text)
    assert refused(text + f"monitor V = {name}(norm(theta[n]))\n") == {"E0663"}
    own = f"mine(lr = 0.1):\n    g = grad R(theta[n])\n    theta[n+1] = theta[n] - lr*g*{name}(norm(g))\n"
    assert "E0663" in refused(text.replace("torch.Adam(lr = 0.1)\n", own))


def refused(text: str) -> set[str]:
    try:
        to_spec(parse(Source("<test>", text)), None, Path())
    except SpecError as error:
        return {d.code for d in error.diagnostics}
    return set()


@pytest.mark.parametrize(
    ("formula", "root"),
    [
        ("x^1/2", True),
        ("2*(x^2 + 1)^1/2", True),
        ("x/x^1/3", True),
        ("(x^1)/2", False),
        ("x^(1/2)", False),
        ("x^2/3", False),
    ],
)
def test_a_root_has_its_parentheses(formula: str, root: bool) -> None:
    text = f"objective R(x) = {formula}\ninit theta = (1)\noptimizer gd(eta = 0.1)\ntrain steps = 2\n"
    assert refused(text) == ({"E0666"} if root else set())
