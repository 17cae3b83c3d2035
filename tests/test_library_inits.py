"""Every initialisation of the library: the laws of the weights and biases of a layer, 6 inputs, 4 units."""

from __future__ import annotations

from math import sqrt

import pytest

from lowering import lowered
from netc.dsl import library

FAN_IN, FAN_OUT = 6, 4
ZERO = ("constant", 0.0)


def uniform(a: float) -> tuple[str, float, float]:
    return ("uniform", -a, a)


def normal(s: float) -> tuple[str, float, float]:
    return ("normal", 0.0, s)


LAWS = {
    "glorot_uniform": (uniform(sqrt(6 / 10)), ZERO),
    "glorot_uniform(gain = 5/3)": (uniform(5 / 3 * sqrt(6 / 10)), ZERO),
    "glorot_normal": (normal(sqrt(2 / 10)), ZERO),
    "xavier_uniform": (uniform(sqrt(6 / 10)), ZERO),
    "xavier_normal": (normal(sqrt(2 / 10)), ZERO),
    "he_uniform": (uniform(1.0), ZERO),
    "he_uniform(slope = 0.5)": (uniform(sqrt(1 / 1.25)), ZERO),
    "he_normal": (normal(sqrt(2 / 6)), ZERO),
    "he_uniform_fan_out": (uniform(sqrt(6 / 4)), ZERO),
    "he_normal_fan_out": (normal(sqrt(2 / 4)), ZERO),
    "kaiming_uniform": (uniform(1.0), ZERO),
    "kaiming_normal": (normal(sqrt(2 / 6)), ZERO),
    "lecun_uniform": (uniform(sqrt(3 / 6)), ZERO),
    "lecun_normal": (normal(sqrt(1 / 6)), ZERO),
    "lecun": (normal(sqrt(1 / 6)), ZERO),
    "torch_default": (uniform(1 / sqrt(6)), uniform(1 / sqrt(6))),
    "zeros": (ZERO, ZERO),
    "constant(0.3, bias = -1)": (("constant", 0.3), ("constant", -1.0)),
    "uniform(low = -0.2, high = 0.4, bias = 0.1)": (("uniform", -0.2, 0.4), ("constant", 0.1)),
    "normal(mu = 1, sigma = 2)": (("normal", 1.0, 2.0), ZERO),
    "orthogonal(gain = 2)": (("orthogonal", 2.0), ZERO),
    "orthogonal": (("orthogonal", 1.0), ZERO),
    "siren": (uniform(1 / 6), uniform(1 / sqrt(6))),
}


def test_every_init_is_here() -> None:
    assert {use.split("(")[0] for use in LAWS} == set(library.names("init"))


@pytest.mark.parametrize("use", LAWS)
def test_laws(use: str) -> None:
    program = lowered(f"""
data "table.csv"
network [{FAN_IN}(lin){FAN_OUT}]
init {use}
loss mse
optimizer gd
train steps = 1
""")
    laws: dict[int, tuple[str, ...]] = {}
    for fill in program.starts.fills:
        laws[fill.offset] = (fill.law, *(pytest.approx(a, rel=1e-14) for a in fill.arguments))
    weights, biases = LAWS[use]
    assert weights == laws[0]
    assert biases == laws[FAN_IN * FAN_OUT]
