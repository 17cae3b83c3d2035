"""Networks in float32 on the GPU: what is done for each sample, unit or parameter is float32, in machine code too.

numba makes float64 of what meets a float64 literal, and of signed with unsigned numbers: it is easily lost.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from netc.runtime import opening, program_file
from netc.runtime.devices.cuda_missing import installed
from netc.runtime.devices.cuda_types import as_if

pytestmark = pytest.mark.skipif(not installed(), reason="needs netc[cuda]")
PROGRAM = """data inline:
    0, 1 -> 1
    1, 1 -> 0
    2, -1 -> 1
    1, 3 -> 0
network {network}
init glorot_uniform
loss {loss}
optimizer gd(eta = 0.1)
train steps = 4, batch = 3, runs = 3, precision = {precision}
"""
NETWORKS = {
    "[2(tanh)3(sigmoid)1]": "binary_cross_entropy",
    "[2(gelu)3(selu)3(softmax)2]": "cross_entropy",
    "[2(mish)3(arctan)2(lin)1]": "huber(delta = 0.1)",
    "[2(swish)3(gelu_tanh)3(sqrt_square)1]": "half_mse",
}
ARITHMETIC = re.compile(
    r"^\s+(?:@!?%p\d+ )?((?:add|sub|mul|fma|div|rcp|sqrt|neg|min|max|cvt)\.\S*(?:f32|f64)\S*)", re.MULTILINE
)


def network_in_ptx(network: str, loss: str, precision: str) -> str:
    """The gradient of a network by itself."""
    from numba import cuda, float32, float64, int64

    text = PROGRAM.format(network=network, loss=loss, precision=precision)
    session = opening.open_session(program_file.read_text(text, "types.net", Path.cwd()), {})
    function = session.cuda_module().gradient.py_func
    real: Any = float32 if precision == "f32" else float64
    others = dict.fromkeys(("order", "seats", "turns"), int64[::1])
    others |= dict.fromkeys(("sums", "partials"), float64[::1])
    others |= {"x": real[:, ::1], "y": real[:, ::1], "first": int64, "count": int64}
    types = [others.get(name, real[::1]) for name in inspect.signature(function).parameters]
    compiler: Any = cuda
    with as_if((9, 0)):
        ptx, _ = compiler.compile_ptx(function, tuple(types), device=True, abi="c", cc=(9, 0))
    return str(ptx)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_is_computed_in_its_precision(network: str) -> None:
    """In float64 are the loss of a sample, as it is added up, and the division of the sum by the count."""
    ptx = network_in_ptx(network, NETWORKS[network], "f32")
    found = Counter(ARITHMETIC.findall(ptx))
    in_double = {name: count for name, count in found.items() if "f64" in name}
    assert sum(in_double.values()) <= 8, in_double
    assert found.total() > 50
    assert "call" not in ptx, "a function that is not inlined"
    assert ".local" not in ptx, "an array in the memory of a thread"


def test_float64_is_seen_where_it_is() -> None:
    found = ARITHMETIC.findall(network_in_ptx("[2(tanh)3(lin)1]", "half_mse", "f64"))
    assert sum("f64" in name for name in found) > 50
