"""`monitor` asks for a metric that the training has: an accuracy of classes, r2 of numbers, none of an objective."""

from __future__ import annotations

import pytest

import netc
from netc.dsl.diagnostics import SpecError

NUMBERS = """
data      boston, target = medv, scale = zscore, split = 80%, seed = 1
network   [13(tanh)2(lin)1]
init      glorot_uniform
loss      half_mse
optimizer gd(eta = 0.1)
train     epochs = 1
monitor   {}
"""
CLASSES = """
data inline:
    0, 1 -> 0
    1, 0 -> 1
    1, 1 -> 0
network   [2(softmax)2]
init      zeros
loss      cross_entropy
optimizer gd(eta = 0.1)
train     epochs = 1
monitor   {}
"""
ALONE = """
objective R(x) = x^2
init      theta = (1)
optimizer gd(eta = 0.1)
train     steps = 1
monitor   {}
"""


@pytest.mark.parametrize(
    ("text", "wrong", "has"),
    [
        (NUMBERS, "accuracy", "r2"),
        (CLASSES, "r2", "accuracy"),
        (ALONE, "accuracy", "loss"),
        (ALONE, "r2", "loss"),
    ],
)
def test_a_metric_that_no_report_has_is_an_error(text: str, wrong: str, has: str) -> None:
    with pytest.raises(SpecError, match=f"'monitor' asks for {wrong}, .*monitor {has}"):
        netc.compile(text.format(wrong)).train()
