"""Update rule of a function of a few parameters -> loops for CUDA: one run per thread, its vectors in registers.

The statements are those of `registers`, word for word: the same program of scalars, printed with other
spellings. Here is only how threads take runs, and where the figures of a run are while it goes. Which thread does
which run changes with every launch; what comes of a run does not depend on it.
"""

from __future__ import annotations

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.registers import RegisterWriter
from netc.compiler.kernels.report import REPORT, THETA, report_of_a_run
from netc.compiler.kernels.rule import ADVANCE
from netc.compiler.kernels.rule_statements import leave

ARGUMENTS = (*("all_scratch" if a == "scratch" else a for a in ADVANCE), "partials", "turns", "all_places")
"""Of the kernel, as docs/kernels.md lists them."""
REPORTING = ("rows", "all_theta", "x", "y", "order", "count", "out", "scratch")
IN_PLACE = ("theta", "vectors", "scalars", "counters", "order")
"""Of a run's arrays: those that a kernel reads and writes where they are."""
FIGURES = 3
TURN = 16
"""Iterations between two looks: so much of a thread's time is lost when its run ends, and so seldom is looked."""
OWN_FIGURES = L.let("figures", L.call("registers", FIGURES, "float64"))


class ThreadWriter(RegisterWriter):
    """A thread goes some iterations on with its run and then looks whether that has ended: if so it takes the next one
    in the same turn in which the others of its warp go on with theirs."""

    def advance(self) -> L.Function:
        iteration = self.iteration()
        take = L.let("row_at", L.call("next_run", "rows", "all_counters", "turns"))
        opening = [*self.rows(), *self.opening(), L.let("fresh", L.Name("False"))]
        pause = L.let("pause", L.call("least", L.add("iteration", TURN), "last"))
        some = L.While(L.call("lt", "iteration", "pause"), (leave(), *iteration))
        ended = L.call("or", L.call("ne", "status", 0), L.call("ge", "iteration", "last"))
        turn: list[L.Stmt] = [
            L.If(L.Name("fresh"), tuple(opening)),
            L.Note(f"{TURN} iterations; what breaks them off has ended the run."),
            pause,
            some,
            L.If(ended, (*self.closing(), take, L.let("fresh", L.Name("True")))),
        ]
        body = [
            *self.constants(),
            OWN_FIGURES,
            take,
            L.let("fresh", L.Name("True")),
            L.While(L.call("lt", "row_at", L.call("len", "rows")), tuple(turn)),
        ]
        note = "The runs `rows` up to iteration `last`: a thread takes one, and the next as soon as that has ended."
        return L.Function("advance", ARGUMENTS, tuple(body), note, parallel=True)

    def rows(self) -> list[L.Stmt]:
        return own_rows()

    def closing(self) -> list[L.Stmt]:
        return [*super().closing(), *figures_back()]


def report(parameters: int) -> L.Function:
    """Of each run by a thread, the gradient in registers; what a report asks is the CPU's (`report`)."""
    turn = [THETA, *report_of_a_run(parameters)]
    first, threads = L.call("thread_of_grid"), L.call("threads_of_grid")
    body = (
        L.let("grad", L.call("registers", parameters, "real")),
        L.Loop("row_at", first, L.call("len", "rows"), threads, tuple(turn)),
    )
    return L.Function("report", REPORTING, body, REPORT, parallel=True)


def own_rows() -> list[L.Stmt]:
    """The arrays of a run. Its figures come into registers: they change in every iteration."""
    views: list[L.Stmt] = [L.let("r", L.At(L.Name("rows"), L.Name("row_at")))]
    views += [L.let(a, L.At(L.Name(f"all_{a}"), L.Name("r"))) for a in IN_PLACE]
    places = [L.At(L.At(L.Name("all_figures"), L.Name("r")), L.Int(i)) for i in range(FIGURES)]
    return [*views, *(L.Store(L.Name("figures"), L.Int(i), at) for i, at in enumerate(places))]


def figures_back() -> list[L.Stmt]:
    row = L.At(L.Name("all_figures"), L.Name("r"))
    return [L.Store(row, L.Int(i), L.At(L.Name("figures"), L.Int(i))) for i in range(FIGURES)]
