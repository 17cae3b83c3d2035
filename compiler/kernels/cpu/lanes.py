"""Update rule of a tiny objective from many starts -> loops in which the lanes of a vector are runs.

One run is a chain of operations that each wait for the one before; a processor can do many of them at once. So
a group of runs walks in step, each in a lane of its own, and a run that has ended keeps its values while the
others go on. That needs a rule without searches and loops; the others go run by run (`registers`). Each lane
does what a run alone would do, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import TRUTHS
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.registers import RegisterWriter
from netc.compiler.kernels.rule import ADVANCE

WIDTH = 16
"""Runs of a group: several registers, so that one's latency hides behind the others."""
COUNTED = ("iteration", "losses", "gradients", "status")
"""Whole numbers, exact as float64; in the order of `counters`."""


def walks_in_step(rule: ir.Rule) -> bool:
    straight = all(isinstance(s, ir.Assign | ir.Evaluate | ir.Stop) for s in rule.body)
    return straight and not rule.test and not rule.epoch_end and not rule.visits_batches


@dataclass
class LaneWriter(RegisterWriter):
    def functions(self) -> tuple[list[L.Function], int]:
        alone = RegisterWriter(self.rule, self.vectors, self.order, objective=self.objective)
        return [alone.start(), self.advance()], len(self.stage()) * WIDTH

    # -- expressions: every name is a vector over the runs --------------------------------------------

    def plain(self, e: ir.Expr) -> L.Expr:
        match e:
            case ir.Const(value):
                return L.call("splat", value)
            case ir.Var(name):
                return L.Name(name)
            case ir.Apply(op, args):
                return L.Call(op, tuple(self.plain(a) for a in args))
            case _:
                raise AssertionError(f"{type(e).__name__} is a pass of its own")

    def component(self, e: ir.Expr, i: int) -> L.Expr:
        truth = isinstance(e, ir.Apply) and e.op in TRUTHS
        return self.plain(e) if not e.axes and not truth else super().component(e, i)

    def rounded(self, value: L.Expr) -> L.Expr:
        return L.call("splat", value) if isinstance(value, L.Real) else value

    # -- statements ----------------------------------------------------------------------------------

    def evaluate(self, e: ir.Evaluate, searching: bool) -> list[L.Stmt]:
        name = e.loss or f"loss_{e.gradient}"
        out = self.call(e, name)
        counted = (("gradients", e.gradient, e.counts[1]), ("losses", e.loss, e.counts[0]))
        for counter, wanted, counts in counted:
            if wanted and counts:
                out.append(L.let(counter, L.add(counter, "active")))
        if self.recorded:
            return out
        self.recorded = True
        out.append(_where_active("loss_now", L.Name(name)))
        finite = L.call("lt", L.call("abs", name), L.call("splat", L.Real(float("inf"))))
        return [*out, *self.ended(L.call("lnot", finite), "diverged")]

    def stop(self, ending: ir.Ending) -> list[L.Stmt]:
        return self.ended(L.Name("holds"), ending)

    def ended(self, condition: L.Expr, ending: ir.Ending) -> list[L.Stmt]:
        now = L.call("land", RUNNING, condition)
        return [
            L.let("status", L.call("select", now, L.call("splat", float(ir.STATUS[ending])), "status")),
            L.let("active", L.call("select", L.call("eq", "status", ZERO), "active", ZERO)),
        ]

    def commits(self, commits: tuple[ir.Commit, ...]) -> list[L.Stmt]:
        return [_where_active(a.name, a.value) for a in super().commits(commits) if isinstance(a, L.Let)]

    # -- a stretch of iterations ---------------------------------------------------------------------

    def stage(self) -> list[tuple[str, L.At]]:
        """Every vector of a group, and where a run keeps its number: `array[row][index]`."""

        def row(array: str) -> L.Expr:
            return L.At(L.Name(f"all_{array}"), L.Name("row"))

        places = [(r, row("theta"), i) for i, r in enumerate(self.registers("theta"))]
        for k, name in enumerate(self.vector_states()):
            array = L.At(row("vectors"), L.Int(k))
            places += [(r, array, i) for i, r in enumerate(self.registers(name))]
        places += [(s, row("scalars"), i) for i, s in enumerate(self._scalars())]
        places += [(c, row("counters"), i) for i, c in enumerate(COUNTED)]
        places.append(("loss_now", row("figures"), 0))
        return [(name, L.At(array, L.Int(i))) for name, array, i in places]

    def advance(self) -> L.Function:
        staged = self.stage()
        figures = L.At(L.Name("all_figures"), L.Name("row"))
        constants = [
            *self.masks(),
            *((h.name, L.At(L.Name("hyper"), L.Int(i))) for i, h in enumerate(self.rule.hypers)),
        ]
        going = L.call("land", L.call("eq", "status", ZERO), L.call("lt", "iteration", "target"))
        group: list[L.Stmt] = [
            L.let("here", L.call("least", WIDTH, L.call("sub", L.call("len", "rows"), "r"))),
            L.loop("lane", WIDTH, [
                # The lanes beyond the last run repeat it, and store nothing.
                L.let("row", L.At(L.Name("rows"), L.add("r", L.call("least", "lane", L.call("sub", "here", 1))))),
                *(L.Store(L.Name("scratch"), L.add("lane", i * WIDTH), at) for i, (_, at) in enumerate(staged)),
            ]),
            *(L.let(name, L.load("scratch", i * WIDTH)) for i, (name, _) in enumerate(staged)),
            *(L.let(name, L.call("splat", value)) for name, value in constants),
            *(L.let(c, L.call("splat", 1.0)) for c in ("m", "samples") if c not in self.own),
            L.let("target", L.call("splat", L.call("float64", "last"))),
            L.let("active", L.call("select", going, L.call("splat", 1.0), ZERO)),
            L.While(L.call("gt", L.call("hmax", "active"), 0.0), tuple(self.iteration())),
            *(L.store("scratch", i * WIDTH, name) for i, (name, _) in enumerate(staged)),
            L.loop("lane", "here", [
                L.let("row", L.At(L.Name("rows"), L.add("r", "lane"))),
                *(L.Store(at.array, at.index, self.kept(name, i)) for i, (name, at) in enumerate(staged)),
                # An epoch is one iteration: the sum of its losses is the loss, their count one.
                L.Store(figures, L.Int(1), L.At(figures, L.Int(0))),
                L.Store(figures, L.Int(2), L.Real(1.0)),
            ]),
        ]  # fmt: skip
        body = (L.loop("r", L.call("len", "rows"), group, step=WIDTH),)
        note = f"The runs `rows` up to iteration `last`, {WIDTH} at a time walk in step; those that have ended stay."
        return L.Function("advance", ADVANCE, body, note)

    def kept(self, name: str, position: int) -> L.Expr:
        value = L.At(L.Name("scratch"), L.add("lane", position * WIDTH))
        return L.call("int64", value) if name in COUNTED else value

    def iteration(self) -> list[L.Stmt]:
        clocks = [L.let(c, "iteration") for c in ("n", "epoch") if c not in self.own]
        self.recorded = False
        body = [*clocks, *self.block(self.rule.body), *self.commits(self.rule.commits)]
        going = L.call("lt", "iteration", "target")
        body.append(L.let("iteration", L.add("iteration", "active")))
        return [*body, L.let("active", L.call("select", going, "active", ZERO))]


ZERO = L.call("splat", 0.0)
RUNNING = L.call("gt", "active", ZERO)


def _where_active(name: str, value: L.Expr | str) -> L.Stmt:
    return L.let(name, L.call("select", RUNNING, value, name))
