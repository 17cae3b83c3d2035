"""A name that the library has, in the place of another kind: the message says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from netc.compiler.check.program import check
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.source import Source

NETWORK = """data x in {0, 1} -> x
network [1(tanh)3(lin)1]
loss mse
init glorot_uniform
optimizer gd(0.1)
train steps = 10
"""
MISPLACED = {
    "loss": ("tanh", "gd"), "init": ("relu", "adam.paper", "mse"),
    "optimizer": ("gelu", "cosine(0.1, 10)", "huber"),
    "network": ("[1(huber)3(lin)1]", "[1(adam.paper)3(lin)1]", "[1(glorot_uniform)3(lin)1]"),
    "schedule": ("eta = torch.Adam(0.1)", "eta = huber(0.1)"),
}  # fmt: skip
KINDS = {
    "tanh": "an activation", "relu": "an activation", "gelu": "an activation", "gd": "an optimizer",
    "adam.paper": "an optimizer", "torch.Adam": "an optimizer", "mse": "a loss", "huber": "a loss",
    "cosine": "a schedule", "glorot_uniform": "an init",
}  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "written"), [(kind, word) for kind, words in MISPLACED.items() for word in words]
)
def test_what_it_is_is_said(statement: str, written: str) -> None:
    lines = [line for line in NETWORK.splitlines() if not line.startswith(statement)]
    text = "\n".join([*lines, f"{statement} {written}", ""])
    with pytest.raises(SpecError) as caught:
        check(parse(Source("<test>", text)), None, Path())
    name = next(name for name in sorted(KINDS, key=len, reverse=True) if name in written)
    assert [d.message.endswith(f"'{name}': it is {KINDS[name]}") for d in caught.value.diagnostics] == [True]
