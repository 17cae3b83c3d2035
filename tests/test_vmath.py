"""The functions of mathematics against the x87 long double of NumPy and the standard library's erf.

Errors are in units in the last place of the correctly rounded result. The limits below are what was measured
plus a little; they are the accuracies that docs and docstrings may promise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numba import njit

from netc.runtime.devices import simd, vmath
from sweeps import one_in

WIDE = np.longdouble
REALS = {"f64": np.float64, "f32": np.float32}
precise = pytest.mark.skipif(np.finfo(WIDE).nmant < 60, reason="no longer type to compare with")


def run(function: Any, real: str, lanes: int, *arrays: Any) -> Any:
    """The function on whole arrays; sizes need not be multiples of the lanes."""
    load, store = simd.vector(real, lanes)[:2]
    size = arrays[0].size
    padded = [np.concatenate([a, np.ones(-size % lanes)]).astype(REALS[real]) for a in arrays]
    names = ", ".join(f"a{k}" for k in range(len(arrays)))
    loads = ", ".join(f"load(a{k}, i)" for k in range(len(arrays)))
    space: dict[str, Any] = {"load": load, "store": store, "f": function}
    text = f"def kernel({names}, out):\n for i in range(0, out.size, {lanes}): store(out, i, f({loads}))"
    exec(text, space)
    out = np.empty_like(padded[0])
    njit(error_model="numpy")(space["kernel"])(*padded, out)
    return out[:size]


def ulps(result: Any, exact: Any) -> float:
    """The largest error, in units in the last place; denormal results count as the smallest normal number."""
    unit = np.maximum(np.abs(exact.astype(result.dtype)), np.finfo(result.dtype).tiny)
    return float(np.max(np.abs(result.astype(WIDE) - exact) / np.spacing(unit)))


def points(ranges: Iterable[tuple[float, float]], real: str) -> Any:
    """Dense and random in each range, and magnitudes of every order that lie in the ranges."""
    random = np.random.default_rng(1)
    parts = [p for a, b in ranges for p in (np.linspace(a, b, 20_001), random.uniform(a, b, 20_000))]
    orders = 2.0 ** random.uniform(-100, 20, 20_000) * random.choice([-1, 1], 20_000)
    low, high = min(a for a, _ in ranges), max(b for _, b in ranges)
    return np.concatenate([*parts, orders[(low <= orders) & (orders <= high)]]).astype(REALS[real])


@dataclass(frozen=True)
class Case:
    function: Any
    exact: Callable[[Any], Any]
    limits: tuple[float, float]
    """Units in the last place, float64 and float32."""
    ranges: tuple[tuple[float, float], ...]
    narrow: tuple[tuple[float, float], ...] = ()
    """The ranges in float32, where they differ."""
    special: tuple[tuple[float, float], ...] = ()
    """Arguments and their exact results."""


INF, NAN = math.inf, math.nan


def _erf(x: Any) -> Any:
    return np.array([math.erf(v) for v in x], WIDE)


CASES = {
    "exp": Case(vmath.vexp, np.exp, (1.1, 1.1), ((-1, 1), (-708, 709.7)), ((-1, 1), (-87.3, 88.7)),
                ((-INF, 0), (INF, INF), (0, 1), (-0.0, 1), (-1e4, 0), (1e4, INF), (NAN, NAN))),
    "expm1": Case(vmath.vexpm1, np.expm1, (2.3, 2.3), ((-1, 1), (-50, 709.7)), ((-1, 1), (-30, 88.7)),
                  ((-INF, -1), (INF, INF), (0, 0), (-1e4, -1), (1e4, INF), (NAN, NAN))),
    "tanh": Case(vmath.vtanh, np.tanh, (3, 3), ((-1, 1), (-6, 6), (-25, 25)),
                 special=((-INF, -1), (INF, 1), (0, 0), (-300, -1), (300, 1), (NAN, NAN))),
    "sigmoid": Case(vmath.vsigmoid, lambda x: 1 / (1 + np.exp(-x)), (2.4, 2.4), ((-1, 1), (-700, 60)),
                    ((-1, 1), (-86, 30)), ((-INF, 0), (INF, 1), (0, 0.5), (-1e4, 0), (1e4, 1), (NAN, NAN))),
    "erf": Case(vmath.verf, _erf, (2, 2), ((-1, 1), (-7, 7)),
                special=((-INF, -1), (INF, 1), (0, 0), (1e30, 1), (-1e30, -1), (NAN, NAN))),
    "log": Case(vmath.vlog, np.log, (1, 1), ((1e-9, 2), (0.98, 1.02), (1, 1e6)),
                special=((0, -INF), (-0.0, -INF), (INF, INF), (1, 0), (-1, NAN), (-INF, NAN), (NAN, NAN))),
    "log1p": Case(vmath.vlog1p, np.log1p, (1, 1), ((-0.999, 2), (-0.01, 0.01), (1, 1e6)),
                  special=((-1, -INF), (INF, INF), (0, 0), (-2, NAN), (-INF, NAN), (NAN, NAN))),
    "sin": Case(vmath.vsin, np.sin, (1.6, 1.6), ((-4, 4), (-1e5, 1e5)),
                special=((0, 0), (INF, NAN), (-INF, NAN), (NAN, NAN))),
    "cos": Case(vmath.vcos, np.cos, (1.6, 1.6), ((-4, 4), (-1e5, 1e5)),
                special=((0, 1), (INF, NAN), (-INF, NAN), (NAN, NAN))),
    "tan": Case(vmath.vtan, np.tan, (3, 3), ((-4, 4), (-1e5, 1e5)),
                special=((0, 0), (INF, NAN), (-INF, NAN), (NAN, NAN))),
    "atan": Case(vmath.vatan, np.arctan, (2, 2), ((-1, 1), (-20, 20), (-1e6, 1e6)),
                 special=((0, 0), (1e30, math.pi / 2), (INF, math.pi / 2), (-INF, -math.pi / 2), (NAN, NAN))),
}  # fmt: skip


@precise
@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize("name", one_in(2, CASES))
def test_accuracy(name: str, real: str) -> None:
    case = CASES[name]
    x = points(case.narrow if real == "f32" and case.narrow else case.ranges, real)
    lanes = 4 if real == "f64" else 8
    limit = case.limits[real == "f32"]
    assert ulps(run(case.function, real, lanes, x), case.exact(x.astype(WIDE))) <= limit


@pytest.mark.parametrize(("real", "lanes"), one_in(4, [("f64", 8), ("f64", 1), ("f32", 1), ("f32", 16)]))
@pytest.mark.parametrize("name", one_in(2, CASES))
def test_special_values_and_widths(name: str, real: str, lanes: int) -> None:
    case = CASES[name]
    at, expected = (np.array(v, REALS[real]) for v in zip(*case.special, strict=True))
    np.testing.assert_array_equal(run(case.function, real, lanes, at), expected)
    x = points((case.narrow or case.ranges)[:1], real)[::50]
    np.testing.assert_array_equal(run(case.function, real, lanes, x), run(case.function, real, 2, x))


def test_exp_and_log_of_denormal_numbers() -> None:
    x = np.linspace(-745.1, -708.4, 1001)
    exact = np.array([math.exp(v) for v in x])
    assert np.all(np.abs(run(vmath.vexp, "f64", 4, x) - exact) <= 5e-324)
    np.testing.assert_allclose(run(vmath.vlog, "f64", 4, exact), np.log(exact), rtol=1e-15)


@pytest.mark.parametrize("real", REALS)
def test_large_angles_go_to_libm(real: str) -> None:
    x = np.array([1e6, -1e12, 3.0, 1e15, 2.0**70, -1e22, 1e30, 0.5]).astype(REALS[real])
    for function, exact in ((vmath.vsin, math.sin), (vmath.vcos, math.cos), (vmath.vtan, math.tan)):
        expected = np.array([exact(v) for v in x.tolist()])
        rtol = 1e-15 if real == "f64" else 1e-6
        np.testing.assert_allclose(run(function, real, 4, x), expected, rtol=rtol)


@precise
@pytest.mark.parametrize("real", REALS)
def test_power(real: str) -> None:
    random = np.random.default_rng(2)
    n, big = 20_000, 90 if real == "f64" else 11
    a = np.concatenate(
        [10 ** random.uniform(-3, 3, n), random.uniform(0.5, 2, n), -random.integers(1, 50, n), [1.5, 0.75]]
    ).astype(REALS[real])
    b = np.concatenate(
        [
            random.uniform(-big, big, n),
            random.uniform(-9 * big, 9 * big, n),
            random.integers(-9, 9, n),
            [2, 0.5],
        ]
    ).astype(REALS[real])
    exact = np.power(a.astype(WIDE), b.astype(WIDE))
    normal = (np.abs(exact) < np.finfo(REALS[real]).max) & (np.abs(exact) > np.finfo(REALS[real]).tiny)
    assert ulps(run(vmath.vpow, real, 4, a, b)[normal], exact[normal]) <= 1.5


@pytest.mark.parametrize("real", REALS)
def test_power_has_the_limits_of_c(real: str) -> None:
    bases = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -2.0, INF, -INF, NAN, 1e-40, -3.0]
    exponents = [0.0, 1.0, -1.0, 2.0, 3.0, 0.5, -0.5, INF, -INF, NAN, 1e38, -1e9]
    a, b = (v.ravel().astype(REALS[real]) for v in np.meshgrid(bases, exponents))
    with np.errstate(all="ignore"):
        expected = np.power(a, b)
    result = run(vmath.vpow, real, 4, a, b)
    np.testing.assert_allclose(result, expected, rtol=2 * np.finfo(REALS[real]).eps)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(result[number]), np.signbit(expected[number]))
