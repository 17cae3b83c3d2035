"""CPU kernels run as plain Python, a vector a NumPy array: right or wrong without waiting for a compiler. Slow."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from netc.compiler.calculus.primitives import PRIMITIVES
from netc.runtime import random_draws

OWN = {"vabs": "abs", "vfloor": "floor", "vmax": "max", "vmin": "min", "vsqrt": "sqrt"}


def plain(text: str) -> ModuleType:
    """The module, its decorators and imports replaced; `reals` are NumPy arrays."""
    lines = [
        line
        for line in text.splitlines()
        if not line.startswith(("from ", "import ", "@", "_V =", "load,", "reals, tables ="))
    ]
    module = ModuleType("plain_kernel")
    lanes = next(int(line.split(" = ")[1]) for line in lines if line.startswith("LANES"))
    vars(module).update(_functions(lanes), np=np, prange=range, float32=np.float32, float64=float, int64=int)
    exec(compile("\n".join(lines), "plain_kernel", "exec"), vars(module))
    return module


def _functions(lanes: int) -> dict[str, Any]:
    def load(array: Any, at: int) -> Any:
        assert 0 <= at <= len(array) - lanes, (at, len(array))
        return array[at : at + lanes].copy()

    def store(array: Any, at: int, value: Any) -> None:
        assert 0 <= at <= len(array) - lanes, (at, len(array))
        array[at : at + lanes] = value

    def keep(value: Any, count: int, other: float) -> Any:
        return np.where(np.arange(lanes) < count, value, other)

    def load_first(array: Any, at: int, count: int) -> Any:
        assert 0 <= at <= len(array) - count, (at, len(array))
        return np.concatenate([array[at : at + count], np.zeros(lanes - count, array.dtype)])

    def broadcast(array: Any, at: int) -> Any:
        assert at >= 0
        return np.full(lanes, array[at], array.dtype)

    def transpose(array: Any, i: int, stride: int, rows: int, out: Any, o: int, apart: int) -> None:
        square = np.array([load(array, i + min(k, rows - 1) * stride) for k in range(lanes)])
        for k in range(lanes):
            store(out, o + k * apart, square[:, k])

    def vsum(*vectors: Any) -> Any:
        return np.array([np.sum(v) for v in vectors])

    made = {
        "load": load, "load_first": load_first, "store": store, "keep": keep, "broadcast": broadcast, "vsum": vsum,
        "transpose": transpose,
        "splat": lambda value: np.full(lanes, value), "fma": lambda a, b, c: a * b + c,
        "hsum": lambda v: float(np.sum(v)), "hmax": lambda v: float(np.max(v)), "hmin": lambda v: float(np.min(v)),
        "select": lambda c, a, b: np.where(c, a, b), "land": np.logical_and, "lor": np.logical_or, "lnot": np.logical_not,
        "any_true": np.any,
        "flat": np.ravel, "columns": lambda array: array.shape[1], "isfinite": np.isfinite, "inf": np.inf, "nan": np.nan,
        "least": min,
        "simd": SimpleNamespace(),
    }  # fmt: skip
    made |= {
        f"draw_{law}": getattr(random_draws, f"draw_{law}") for law in ("bernoulli", "uniform", "normal")
    }
    made |= {f"v{op}": row.value for op, row in PRIMITIVES.items()}
    return made | {name: PRIMITIVES[op].value for name, op in OWN.items()}
