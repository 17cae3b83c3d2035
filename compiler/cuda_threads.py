"""Update rule of a function of a few parameters -> loops for CUDA: one run per thread, its vectors in registers.

The statements are those of `cpu_registers`, word for word: the same program of scalars, printed with other
spellings. Here is only how threads take runs, and where the figures of a run are while it goes.
"""

from __future__ import annotations

from netc.compiler import loops as L
from netc.compiler.cpu_registers import RegisterWriter
from netc.compiler.cpu_rule import ADVANCE

ARGUMENTS = (*("all_scratch" if a == "scratch" else a for a in ADVANCE), "partials", "turns")
"""Of the kernel, as docs/kernels.md lists them."""
IN_PLACE = ("theta", "vectors", "scalars", "counters", "order")
"""Of a run's arrays: those that a kernel reads and writes where they are."""
FIGURES = 3


class ThreadWriter(RegisterWriter):
    def advance(self) -> L.Function:
        first, threads = L.call("thread_of_grid"), L.call("threads_of_grid")
        body = (L.Loop("row_at", first, L.call("len", "rows"), threads, tuple(self.one_run())),)
        note = "The runs `rows` up to iteration `last`: a thread takes one, and the next when that has ended."
        return L.Function("advance", ARGUMENTS, body, note, parallel=True)

    def rows(self) -> list[L.Stmt]:
        return own_rows()

    def closing(self) -> list[L.Stmt]:
        return [*super().closing(), *figures_back()]


def own_rows() -> list[L.Stmt]:
    """The arrays of a run. Its figures come into registers: they change in every iteration."""
    views: list[L.Stmt] = [L.let("r", L.At(L.Name("rows"), L.Name("row_at")))]
    views += [L.let(a, L.At(L.Name(f"all_{a}"), L.Name("r"))) for a in IN_PLACE]
    views.append(L.let("figures", L.call("registers", FIGURES, "float64")))
    places = [L.At(L.At(L.Name("all_figures"), L.Name("r")), L.Int(i)) for i in range(FIGURES)]
    return [*views, *(L.Store(L.Name("figures"), L.Int(i), at) for i, at in enumerate(places))]


def figures_back() -> list[L.Stmt]:
    row = L.At(L.Name("all_figures"), L.Name("r"))
    return [L.Store(row, L.Int(i), L.At(L.Name("figures"), L.Int(i))) for i in range(FIGURES)]
