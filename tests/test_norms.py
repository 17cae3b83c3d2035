"""Norms of what overflows or vanishes when it is squared: of the interpreter, and as they are written out for code."""

from __future__ import annotations

import numpy as np
import pytest

from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.calculus.ir import THETA, Apply, Axis, Const, Expr, Reduce, Var, apply, postorder, total
from netc.compiler.calculus.norms import SCALES, _expression

V = Var("v", THETA)
NORM = total("norm", V)
TYPES = {"f32": np.float32, "f64": np.float64}
SIZES = {"f32": (1e-37, 1e-30, 1.0, 1e16, 1e37), "f64": (1e-300, 1e-160, 1.0, 1e150, 1e300)}
"""Of which the squares vanish, or overflow, or are just numbers."""


def values(precision: str, size: float) -> np.ndarray:
    """3 and 4 times the size: their norm is 5 times it."""
    return np.array([3 * size, 4 * size], TYPES[precision])


@pytest.mark.parametrize("precision", SCALES)
def test_a_norm_is_right_whatever_its_size(precision: str) -> None:
    for size in SIZES[precision]:
        env = {"v": values(precision, size)}
        assert evaluate(NORM, env) == pytest.approx(5 * size, rel=1e-6, abs=0)
        assert evaluate(_expression(NORM, SCALES[precision]), env) == pytest.approx(5 * size, rel=1e-6, abs=0)
    nothing = {"v": np.zeros(2, TYPES[precision])}
    assert evaluate(NORM, nothing) == evaluate(_expression(NORM, SCALES[precision]), nothing) == 0


@pytest.mark.parametrize("precision", SCALES)
def test_a_norm_of_plain_size_has_the_bits_of_the_plain_formula(precision: str) -> None:
    x = values(precision, 0.1)
    plain = np.sqrt(np.sum(x * x, dtype=np.float64))
    assert evaluate(_expression(NORM, SCALES[precision]), {"v": x}) == plain


@pytest.mark.parametrize("precision", SCALES)
def test_a_square_of_a_norm_is_taken_without_the_root(precision: str) -> None:
    squared = _expression(apply("mul", NORM, NORM), SCALES[precision])
    assert not has(squared, "sqrt")
    for size in (1e-15, 1.0, 1e16):
        assert evaluate(squared, {"v": values(precision, size)}) == pytest.approx(
            25 * size * size, rel=1e-6, abs=0
        )


@pytest.mark.parametrize("op", ["lt", "le", "gt", "ge"])
@pytest.mark.parametrize("precision", SCALES)
def test_comparisons_of_norms_with_numbers_are_right_at_both_ends(precision: str, op: str) -> None:
    """Within reach of the plain formula it is enough; beyond, it would say that all is below, or above."""
    for bound in SIZES[precision]:
        written = _expression(apply(op, NORM, Const(bound)), SCALES[precision])
        assert has(written, "max") == (not SCALES[precision].low < bound < SCALES[precision].high)
        for size in SIZES[precision]:
            found = bool(evaluate(written, {"v": values(precision, size)}))
            assert found == (5 * size < bound) if op in ("lt", "le") else found == (5 * size > bound)


def has(expr: Expr, op: str) -> bool:
    return any(getattr(node, "op", "") == op for node in postorder(expr))


def test_what_is_no_norm_stays() -> None:
    for expr in (apply("lt", Var("x", ()), Const(2.0)), apply("mul", Var("x", ()), Var("x", ()))):
        assert isinstance(expr, Apply)
        assert _expression(expr, SCALES["f64"]) is expr


@pytest.mark.parametrize("precision", SCALES)
def test_each_row_of_a_matrix_has_a_norm_of_its_own_size(precision: str) -> None:
    rows, columns = Axis("i", len(SIZES[precision])), Axis("j", 2)
    matrix = np.stack([values(precision, size) for size in SIZES[precision]])
    for x, axes in ((matrix, (rows, columns)), (matrix.T, (columns, rows))):
        found = evaluate(Reduce("norm", Var("x", axes), (columns,)), {"x": x})
        assert found == pytest.approx(5 * np.array(SIZES[precision]), rel=1e-6, abs=0)
