"""What `netc explain` says of a rule and layers with two modes, and that it is so: one gradient or two an iteration."""

from __future__ import annotations

from pathlib import Path

import pytest

from netc.compiler.lower.rule import lower_rule
from netc.compiler.pipeline import to_ast, to_spec
from netc.compiler.rules.explain_modes import modes_of
from netc.dsl.source import Source

TEXT = """network [3 (tanh) 4 ({layer}) (lin) 1]
init he_normal
loss mse
{rule}
train epochs = 1, batch = 2
"""
TWICE = """optimizer twice(eta = 0.2):
    theta[n+1] = theta[n] - eta*grad R(theta[n] - 0.3*grad R(theta[n]))"""


def said(layer: str, rule: str) -> str:
    spec = to_spec(to_ast(Source("<test>", TEXT.format(layer=layer, rule=rule))), None, Path())
    return " ".join(modes_of(spec, lower_rule(spec)))


@pytest.mark.parametrize(
    ("layer", "rule", "has", "has_not"),
    [
        ("layernorm 1e-5", TWICE, "", "mode"),
        (
            "dropout.inverted 0.2",
            "optimizer gd(eta = 0.1)",
            "in test mode, which draws nothing",
            "same draws",
        ),
        ("dropout.inverted 0.2", TWICE, "have the same draws", "states"),
        (
            "lecture.batchnorm",
            TWICE,
            "the states (layer2.m, layer2.s) change once an iteration, by the first",
            "same draws",
        ),
        ("lecture.batchnorm", "optimizer turpault.LC", "change once an iteration", "same draws"),
    ],
)
def test_the_words(layer: str, rule: str, has: str, has_not: str) -> None:
    words = said(layer, rule)
    assert has in words
    assert has_not not in words
