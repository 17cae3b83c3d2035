"""Vectors of every width against NumPy, lane by lane."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from netc.runtime.devices import simd
from netc.runtime.devices.simd import (
    all_true,
    any_true,
    fma,
    hmax,
    hmin,
    hsum,
    keep,
    land,
    lnot,
    lor,
    rint,
    select,
    vabs,
    vfloor,
    vmax,
    vmin,
    vsqrt,
    vsum,
)  # fmt: skip
from sweeps import one_in

REALS = {"f64": np.float64, "f32": np.float32}
NAN = math.nan
every_vector = pytest.mark.parametrize(
    ("real", "lanes"), one_in(5, [(real, lanes) for real in REALS for lanes in simd.WIDTHS])
)


def mapped(real: str, lanes: int, function: Callable[..., Any], *arrays: Any) -> Any:
    """`function` of vectors, run over arrays of whole vectors: kernels look after no bounds."""
    assert all(np.size(a) % lanes == 0 for a in arrays)
    load, store = simd.vector(real, lanes)[:2]
    arguments = ", ".join(f"load(a{k}, i)" for k in range(len(arrays)))
    names = ", ".join(f"a{k}" for k in range(len(arrays)))
    text = f"def run({names}, out):\n for i in range(0, out.size, {lanes}): store(out, i, f({arguments}))\n"
    space: dict[str, Any] = {"load": load, "store": store, "f": njit(error_model="numpy")(function)}
    exec(text, space)
    arrays = tuple(np.asarray(a, REALS[real]) for a in arrays)
    out = np.empty_like(arrays[0])
    njit(error_model="numpy")(space["run"])(*arrays, out)
    return out


def samples(count: int = 64) -> tuple[Any, Any]:
    random = np.random.default_rng(3)
    a, b = random.normal(size=(2, count)).round(1)
    special = [0.0, -0.0, math.inf, -math.inf, NAN, 1.0]
    a[:36], b[:36] = np.repeat(special, 6), np.tile(special, 6)
    return a, b


ARITHMETIC: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
    (lambda a, b: a + b, np.add),
    (lambda a, b: a - b, np.subtract),
    (lambda a, b: a * b, np.multiply),
    (lambda a, b: a / b, np.divide),
    (lambda a, b: -a, lambda a, b: -a),
    (lambda a, b: vmin(a, b), np.minimum),
    (lambda a, b: vmax(a, b), np.maximum),
    (lambda a, b: vsqrt(a), lambda a, b: np.sqrt(a)),
    (lambda a, b: vabs(a), lambda a, b: np.abs(a)),
    (lambda a, b: rint(a * b), lambda a, b: np.rint(a * b)),
    (lambda a, b: vfloor(a * b), lambda a, b: np.floor(a * b)),
    (lambda a, b: select(a < b, a, b), lambda a, b: np.where(a < b, a, b)),
    (lambda a, b: select(a <= b, a, b), lambda a, b: np.where(a <= b, a, b)),
    (lambda a, b: select(a > b, a, b), lambda a, b: np.where(a > b, a, b)),
    (lambda a, b: select(a >= b, a, b), lambda a, b: np.where(a >= b, a, b)),
    (lambda a, b: select(a == b, a, b), lambda a, b: np.where(a == b, a, b)),
    (lambda a, b: select(a != b, a, b), lambda a, b: np.where(a != b, a, b)),
    (lambda a, b: select(land(a < b, b == b), a, b), lambda a, b: np.where((a < b) & (b == b), a, b)),
    (lambda a, b: select(lor(a < b, a != a), a, b), lambda a, b: np.where((a < b) | (a != a), a, b)),
    (lambda a, b: select(lnot(a < b), a, b), lambda a, b: np.where(~(a < b), a, b)),
]


@every_vector
def test_lane_by_lane(real: str, lanes: int) -> None:
    a, b = (v.astype(REALS[real]) for v in samples())
    with np.errstate(all="ignore"):
        for ours, oracle in ARITHMETIC[:: 1 if (real, lanes) in (("f64", 1), ("f32", 8)) else 5]:
            np.testing.assert_array_equal(mapped(real, lanes, ours, a, b), oracle(a, b))


@every_vector
def test_fma_rounds_once(real: str, lanes: int) -> None:
    tiny = np.finfo(REALS[real]).eps
    a = np.full(max(simd.WIDTHS), 1 + tiny)
    expected = 2 * tiny + tiny * tiny  # (1 + e)^2 - 1; a rounded product has lost e^2
    result = mapped(real, lanes, lambda a, b: fma(a, a, b), a, -np.ones(a.size))
    np.testing.assert_array_equal(result, REALS[real](expected) if simd.llvm.has_fma() else 2 * tiny)


@every_vector
def test_lanes_into_one(real: str, lanes: int) -> None:
    load, store, splat = simd.vector(real, lanes)[:3]
    dtype = REALS[real]

    @njit(error_model="numpy")
    def run(x, count, fill, out):  # type: ignore[no-untyped-def]
        v = load(x, 0)
        mask = v > splat(0)
        store(out, 0, keep(v, count, fill))
        return hsum(v), hmax(v), hmin(v), any_true(mask), all_true(mask)

    random = np.random.default_rng(lanes)
    for x in (random.normal(size=lanes), np.ones(lanes), -np.ones(lanes)):
        x = x.astype(dtype)
        halves = x
        while halves.size > 1:  # the fixed order: lower half plus upper half
            halves = halves[: halves.size // 2] + halves[halves.size // 2 :]
        for count in (0, 1, lanes // 2, lanes, lanes + 3):
            out = np.zeros(lanes, dtype)
            result = run(x, count, 7, out)
            assert result == (halves[0], x.max(), x.min(), (x > 0).any(), (x > 0).all())
            np.testing.assert_array_equal(out, np.where(np.arange(lanes) < count, x, 7))
    for place in range(lanes):
        x = np.arange(lanes).astype(dtype)
        x[place] = NAN
        assert all(math.isnan(v) for v in run(x, 0, 7, out)[:3])


@every_vector
def test_transposing_sum(real: str, lanes: int) -> None:
    load, store = simd.vector(real, lanes)[:2]
    arguments = ", ".join(f"load(x, {i * lanes})" for i in range(lanes))
    space: dict[str, Any] = {"load": load, "store": store, "vsum": vsum}
    exec(f"def run(x, out): store(out, 0, vsum({arguments}))", space)
    x = np.random.default_rng(lanes).normal(size=(lanes, lanes)).astype(REALS[real])
    out = np.zeros(lanes, REALS[real])
    njit(space["run"])(x, out)
    np.testing.assert_allclose(out, x.astype(float).sum(axis=1), rtol=1e-12 if real == "f64" else 1e-4)


@every_vector
def test_a_matrix_is_transposed_square_by_square(real: str, lanes: int) -> None:
    """One row is not there: the last is in its place."""
    space: dict[str, Any] = {"transpose": simd.vector(real, lanes).transpose}
    rows, stride, apart = max(1, lanes - 1), lanes + 3, lanes + 5
    exec(f"def run(x, out): transpose(x, 2, {stride}, {rows}, out, 1, {apart})", space)
    x = np.random.default_rng(lanes).normal(size=(rows, stride)).astype(REALS[real])
    out = np.zeros((lanes, apart), REALS[real])
    njit(space["run"])(np.append(x, [0, 0]).astype(REALS[real]), out)
    square = out.reshape(-1)[1 : 1 + lanes * apart - 5].tolist()
    found = np.array([square[k * apart : k * apart + lanes] for k in range(lanes)])
    shifted = np.append(x, [0, 0]).reshape(-1)[2:]
    wanted = np.stack([shifted[min(r, rows - 1) * stride :][:lanes] for r in range(lanes)], axis=1)
    np.testing.assert_array_equal(found, wanted)


@every_vector
def test_splat_and_flat_offsets(real: str, lanes: int) -> None:
    load, store, splat, broadcast = simd.vector(real, lanes)[:4]

    @njit(error_model="numpy")
    def run(x, s, out):  # type: ignore[no-untyped-def]
        total = splat(s)
        total += broadcast(x, 3)
        store(out, 1, total + load(x, 5))

    x = np.arange(60, dtype=REALS[real]).reshape(3, 4, 5)
    for s in (2, np.float32(0.1), np.float64(0.1), True):
        out = np.zeros(lanes + 1, REALS[real])
        run(x, s, out)
        np.testing.assert_array_equal(out[1:], REALS[real](s) + REALS[real](3) + x.reshape(-1)[5 : 5 + lanes])


def test_float32_code_has_no_float64_vectors() -> None:
    load, store, splat = simd.vector("f32", 8)[:3]

    @njit("void(float32[::1], float64)", error_model="numpy")
    def run(x, s):  # type: ignore[no-untyped-def]
        store(x, 0, fma(load(x, 0), splat(s), splat(0.1)))

    (text,) = run.inspect_llvm().values()
    assert "<8 x float>" in text
    assert "x double>" not in text


def test_mistakes_are_typing_errors() -> None:
    load, store, splat = simd.vector("f64", 4)[:3]
    narrow = simd.vector("f64", 2).load
    x = np.zeros(16)
    for wrong, argument in (
        (lambda x: store(x, 0, load(x, 0)), x[::2]),
        (lambda x: store(x, 0, load(x, 0)), x.astype(np.float32)),
        (lambda x: store(x, 0, narrow(x, 0)), x),
        (lambda x: store(x, 0, load(x, 0) + 1.0), x),
        (lambda x: store(x, 0, fma(load(x, 0), splat(1), 2.0)), x),
    ):
        with pytest.raises(TypingError):
            njit(wrong)(argument)
    with pytest.raises(ValueError, match="no vector of 3 f64"):
        simd.vector("f64", 3)


def test_host_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETC_LANES", raising=False)
    assert simd.host_lanes("f32") == 2 * simd.host_lanes("f64")
    monkeypatch.setenv("NETC_LANES", "4")
    assert simd.host_lanes("f32") == simd.host_lanes("f64") == 4
    monkeypatch.setenv("NETC_LANES", "5")
    with pytest.raises(ValueError, match="NETC_LANES is '5'"):
        simd.host_lanes("f64")


MODULE = """
import numpy as np
from numba import njit, prange
from netc.runtime.devices import simd, vmath
load, store = simd.vector("f64", 4)[:2]
vtanh = vmath.vtanh

@njit(cache=True, parallel=True, error_model="numpy", fastmath={"contract"})
def run(x):
    for r in prange(x.shape[0]):
        for i in range(0, x.shape[1], 4):
            o = r * x.shape[1] + i
            store(x, o, vtanh(load(x, o)))
x = np.ones((6, 8))
run(x)
assert abs(x - np.tanh(1)).max() < 1e-15
print(sum(run.stats.cache_hits.values()))
"""


@pytest.mark.sweep
def test_cached_and_parallel(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(MODULE)
    command = [sys.executable, "-c", "import kernel"]
    hits = [
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout for _ in "12"
    ]
    assert hits == ["0\n", "1\n"]


@pytest.mark.parametrize(
    ("features", "lanes", "fma"),
    [("+avx2,+fma,-avx512f", 4, True), ("+avx512f,+fma", 8, True), ("+sse2,-avx2,-fma", 2, False)],
)
def test_numba_features_narrow_the_vectors(features: str, lanes: int, fma: bool) -> None:
    """In a process of its own, as numba reads its settings once."""
    asked = (
        "from netc.runtime.devices import simd, simd_llvm; print(simd.host_lanes('f64'), simd_llvm.has_fma())"
    )
    said = os.environ | {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": features}
    said.pop("NETC_LANES", None)
    done = subprocess.run([sys.executable, "-c", asked], env=said, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(lanes), str(fma)]
