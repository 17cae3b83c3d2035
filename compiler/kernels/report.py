"""What a report asks of many runs, as loops: losses and norms, outputs. Metrics and statistics are the runtime's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from netc.compiler.calculus.norms import SCALES
from netc.compiler.kernels import loops as L

BIG = SCALES["f64"].big
VANISHING, OVERFLOWING = 1e-280, 1e290
"""Sums of squares between these are exact enough."""
REPORTED = 3
"""A report holds loss, norm of the gradient and norm of theta."""
FIRST = L.call("int64", 0)
"""Not a bare 0, for which numba compiles a function anew: the number is part of its type."""


def functions(parameters: int, outputs: bool) -> list[L.Function]:
    """`report` with what it calls, and with `outputs` also that: an objective has none."""
    given = ("rows", "all_theta", "x", "y", "order", "count", "out", "grad", "scratch")
    norms = (L.call("norm_of", array, parameters) for array in _NORMED)
    lines = [_LINE, _LOSS, *(_told(i, norm) for i, norm in enumerate(norms, 1))]
    report = L.Function("report", given, (_over_rows(lines),), REPORT)
    return [_norm_of(), report, *([_outputs()] if outputs else [])]


REPORT = "Loss on the first `count` samples, norm of its gradient and norm of theta of the runs `rows`, into `out`."


def _over_rows(body: list[L.Stmt]) -> L.Loop:
    return L.loop("row_at", L.call("len", "rows"), [THETA, *body])


THETA = L.let("theta", L.At(L.Name("all_theta"), L.At(L.Name("rows"), L.Name("row_at"))))


def report_of_a_run(parameters: int) -> list[L.Stmt]:
    """The line of `out` at `row_at`, all in one."""
    norms = (_norm(array, parameters, partial(_told, i)) for i, array in enumerate(_NORMED, 1))
    return [_LINE, _LOSS, *(s for norm in norms for s in norm)]


def _told(place: int, figure: L.Expr) -> L.Stmt:
    return L.Store(L.Name("line"), L.Int(place), figure)


_LINE: L.Stmt = L.let("line", L.At(L.Name("out"), L.Name("row_at")))
_LOSS = _told(0, L.call("gradient", "theta", "x", "y", "order", FIRST, "count", "grad", "scratch"))
_NORMED = ("grad", "theta")


def _norm_of() -> L.Function:
    """The same for all programs."""
    body = (*_norm("array", "size", lambda found: L.let("found", found)), L.Return(L.Name("found")))
    note = "The norm of the first `size` numbers."
    return L.Function("norm_of", ("array", "size"), body, note, types=("reals", "int64"), returns="float64")


def _norm(array: str, size: int | str, put: Callable[[L.Expr], L.Stmt]) -> list[L.Stmt]:
    """In float64 and in order, so that the bits are those of every target and number of threads; once more,
    scaled, where the squares overflow or vanish."""
    number = L.call("float64", L.At(L.Name(array), L.Name("q")))
    add = L.let("total", L.call("add", "total", L.mul("number", "number")))

    def taken(scale: float) -> list[L.Stmt]:
        scaled = L.let("number", number if scale == 1 else L.mul(L.Real(scale), number))
        root = L.call("root", "total")
        found = put(root if scale == 1 else L.mul(L.Real(1 / scale), root))
        return [L.let("total", 0.0), L.loop("q", size, [scaled, add]), found]

    large, small = L.call("gt", "total", OVERFLOWING), L.call("lt", "total", VANISHING)
    again = L.If(large, tuple(taken(1 / BIG)), (L.If(small, tuple(taken(BIG))),))
    return [*taken(1.0), again]


def _outputs() -> L.Function:
    target = L.At(L.Name("all_out"), L.Name("row_at"))
    loss = L.call("predict", "theta", "x", "y", "order", FIRST, "count", target, "scratch")
    note = "Losses of the runs `rows` on the first `count` samples, their outputs into `all_out`."
    given = ("rows", "all_theta", "x", "y", "order", "count", "all_out", "losses", "scratch")
    return L.Function(
        "outputs", given, (_over_rows([L.Store(L.Name("losses"), L.Name("row_at"), loss)]),), note
    )
