"""The edges of floating point: what is finite in real numbers is finite here, in both precisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import netc
from netc.compiler.interpret import evaluate
from test_library_losses import head_of

LOG_COSH = """
data inline:
    1 -> 3
    2 -> 5
network   [1(lin)1]
init      constant(0.5, bias = 0.1)
loss      logcosh = mean({loss})
optimizer gd(eta = 0.1)
train     steps = 1, precision = {precision}
"""


@pytest.mark.parametrize("precision", ["f64", "f32"])
@pytest.mark.parametrize("loss", ["log(cosh(u - y))", "log((exp(u - y) + exp(y - u))/2)"])
def test_log_cosh_by_hand(loss: str, precision: str) -> None:
    d = np.array([0.5 * 1 + 0.1 - 3, 0.5 * 2 + 0.1 - 5])
    wanted = [0.5 - 0.1 * np.mean(np.tanh(d) * [1, 2]), 0.1 - 0.1 * np.mean(np.tanh(d))]
    result = netc.compile(LOG_COSH.format(loss=loss, precision=precision)).train()
    tolerance = 1e-14 if precision == "f64" else 1e-6
    np.testing.assert_allclose(result.theta[0], wanted, rtol=tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_log_cosh_of_any_finite_number(dtype: type[Any]) -> None:
    head = head_of("log_cosh", "lin", 1)
    largest = float(np.finfo(dtype).max)
    z = np.array([0.0, 1e-6, -20.0, 90.0, 800.0, -1e30, 1e38, largest, -largest], dtype)[:, None]
    at = {"z": z, "y": np.zeros_like(z)}
    far = np.abs(z[:, 0].astype(float))
    wanted = np.where(far > 20, far - np.log(2), np.log(np.cosh(np.minimum(far, 20))))
    wanted[1] = 0.5e-12  # x^2/2: log(cosh(1e-6)) itself has lost all its digits
    loss = np.asarray(evaluate(head.loss, at))[:, 0]
    np.testing.assert_allclose(loss, wanted, rtol=1e-6 if dtype == np.float32 else 1e-12)
    np.testing.assert_allclose(np.asarray(evaluate(head.adjoint, at))[:, 0], np.tanh(z[:, 0]), rtol=1e-6)
