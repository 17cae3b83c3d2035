"""Equations print back as valid netc, and as LaTeX that KaTeX knows: over the whole catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

import netc
from netc.compiler.meaning.rule_equations import lines, with_numbers
from netc.compiler.rules.families import variants
from netc.compiler.rules.latex import latex_rule
from netc.compiler.rules.rule_text import read_rule
from netc.dsl import ast, library
from netc.dsl.names import TO_GREEK
from netc.dsl.parser import parse_optimizer
from sweeps import one_in

NAMES = library.names("optimizer")
KATEX = {
    *TO_GREEK, "varepsilon", "frac", "sqrt", "left", "right", "nabla", "text", "mathrm", "hat", "bar", "tilde",
    "cdot", "quad", "le", "ge", "ne", "lVert", "rVert", "lvert", "rvert", "langle", "rangle", "operatorname",
    "begin", "end", "dots", "in", "land", "lor", "lnot", "infty", "exp", "log", "sin", "cos", "tan", "tanh", "max",
    "min", "sum", "arctan", "sinh", "cosh", "lfloor", "rfloor", "lceil", "rceil", "sigma", "pi",
}  # fmt: skip
"""Macros of KaTeX 0.16 (katex.org/docs/supported)."""


def runs(name: str) -> ast.Optimizer:
    """The rule as it runs by default."""
    return read_rule(name).optimizer.definition


@pytest.mark.parametrize("unicode", [False, True])
@pytest.mark.parametrize("name", one_in(3, NAMES))
def test_equations_print_back(name: str, unicode: bool) -> None:
    rule = library.lookup("optimizer", name)
    assert isinstance(rule, ast.Optimizer)
    bodies = [rule.body]
    if len(variants(name)) < 2:
        bodies.append(runs(name).body)
    for body in bodies:
        head = ", ".join(p.name for p in rule.parameters)
        text = f"optimizer again({head}):\n" + "".join(f"    {line}\n" for line in lines(body, unicode))
        assert parse_optimizer(text).body == body


@pytest.mark.parametrize("name", NAMES)
def test_latex_is_within_katex(name: str) -> None:
    rule = library.lookup("optimizer", name)
    assert isinstance(rule, ast.Optimizer)
    text = latex_rule(rule.body)
    assert set(re.findall(r"\\([A-Za-z]+)", text)) <= KATEX
    assert "NaN" not in text
    for opening, closing in (("left", "right"), ("begin", "end")):
        assert len(re.findall(rf"\\{opening}\b", text)) == len(re.findall(rf"\\{closing}\b", text))
    depth = [0, *_depths(text)]
    assert min(depth) == 0
    assert depth[-1] == 0


def _depths(text: str) -> Iterator[int]:
    depth = 0
    for c in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if c == "{" else -1
        yield depth


@pytest.mark.parametrize(
    "name", ["torch.SGD(lr=0.1, momentum=0.9)", "keras.Adam", "torch.RAdam", "optax.lion(0.1)"]
)
def test_the_rule_with_its_numbers_is_the_rule(name: str) -> None:
    """`with these numbers` of `netc explain`, typed in, makes the same iterates."""
    read = read_rule(name)
    shown = lines(with_numbers(read.optimizer.definition.body, dict(read.optimizer.arguments)))
    text = "optimizer again():\n" + "".join(f"    {line}\n" for line in shown)
    draw = np.random.default_rng(5)
    theta, gradients = draw.normal(size=4), draw.normal(size=(20, 4))
    first, second = (netc.update_rule(r).trajectory(theta, gradients) for r in (name, text))
    np.testing.assert_allclose(first, second, rtol=1e-10, atol=1e-12)
