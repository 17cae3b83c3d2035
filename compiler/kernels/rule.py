"""Update rule -> loops: `start` and `advance`, the whole training loop inside one compiled call."""

from __future__ import annotations

from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.fuse import fuse
from netc.compiler.kernels.names import python_names
from netc.compiler.kernels.rule_flow import separate_commits
from netc.compiler.kernels.rule_memory import ARGUMENTS, COUNTED, PER_RUN
from netc.compiler.kernels.rule_statements import Statements, leave

STARTED = PER_RUN[:3]
"""Arrays of a run that have first values."""
ADVANCE = ("rows", *(f"all_{a}" if a in PER_RUN else a for a in ARGUMENTS), "last")


def named(rule: ir.Rule) -> ir.Rule:
    """The rule as a writer wants it."""
    return separate_commits(python_names(rule))


class Writer(Statements):
    """The functions of a rule, for targets that walk theta vector by vector."""

    def functions(self) -> tuple[list[L.Function], int]:
        """The functions, and how many numbers of scratch a worker needs."""
        made = [self.start(), self.advance()]
        return made, self.vectors.temporaries + len(self.temporaries) * self.vectors.stride

    def start(self) -> L.Function:
        rule = self.rule
        # Per-batch states start at 0, as their memory does.
        assigns = [ir.Assign(s.name, s.initial) for s in rule.states if s.name != "theta" and not s.per_batch]
        states = frozenset(s.name for s in rule.states)
        run: list[L.Stmt] = [
            *(L.let(a, L.At(L.Name(f"all_{a}"), L.Name("r"))) for a in STARTED),
            *self.views(),
            *self.passes(fuse(self._initial(assigns), states, "r0_")),
            *self.stores(),
        ]
        hypers = (L.let(h.name, L.At(L.Name("hyper"), L.Int(i))) for i, h in enumerate(rule.hypers))
        body: tuple[L.Stmt, ...] = (*hypers, L.loop("r", L.call("len", "all_theta"), run))
        given = (*(f"all_{a}" for a in STARTED), "hyper")
        return L.Function("start", given, body, "First values of the states, for every run.")

    def _initial(self, assigns: list[ir.Assign]) -> list[ir.Assign]:
        """A vector state that starts at a number starts there in every element."""
        axes = {s.name: s.axes for s in self.rule.states}
        one = ir.Const(1.0, ir.THETA)
        return [
            replace(a, value=ir.apply("mul", one, a.value))
            if axes[a.name] and not a.value.axes else a
            for a in assigns
        ]  # fmt: skip

    def batches(self) -> L.Expr:
        return L.call("sub", L.call("len", "bounds"), 1)

    def advance(self) -> L.Function:
        body = (L.loop("row_at", L.call("len", "rows"), self.one_run()),)
        note = "The runs `rows`, one after the other, up to iteration `last`; those that have ended stay as they are."
        return L.Function("advance", ADVANCE, body, note)

    def one_run(self) -> list[L.Stmt]:
        """The run in row `rows[row_at]` up to iteration `last`; on every target."""
        loop = self.iteration()  # first: it finds out which temporaries there are
        going = L.call("lt", "iteration", "last")
        opening = [*self.rows(), *self.constants(), *self.opening()]
        return [*opening, L.While(going, (leave(), *loop)), *self.closing()]

    def rows(self) -> list[L.Stmt]:
        """What belongs to the run: its rows of the arrays."""
        return [
            L.let("r", L.At(L.Name("rows"), L.Name("row_at"))),
            *(L.let(a, L.At(L.Name(f"all_{a}"), L.Name("r"))) for a in PER_RUN),
        ]

    def constants(self) -> list[L.Stmt]:
        """What is the same for every run."""
        clocks: dict[str, L.Expr] = {
            "m": L.call("float64", "batches"),
            "samples": L.call("float64", L.At(L.Name("bounds"), L.Name("batches"))),
        }
        return [
            *(L.let(h.name, L.At(L.Name("hyper"), L.Int(i))) for i, h in enumerate(self.rule.hypers)),
            L.let("batches", self.batches()),
            *(L.let(c, value) for c, value in clocks.items() if c not in self.own),
        ]

    def opening(self) -> list[L.Stmt]:
        """States and counters of the run: views, and numbers in variables."""
        return [
            *self.views(),
            *self.batch_views(),
            *self.scratch_views(),
            *(L.let(s, L.At(L.Name("scalars"), L.Int(i))) for i, s in enumerate(self._scalars())),
            *(L.let(n, L.At(L.Name("counters"), L.Int(i))) for i, n in enumerate((*COUNTED, "run"))),
        ]

    def closing(self) -> list[L.Stmt]:
        return [
            *self.stores(),
            *(L.Store(L.Name("counters"), L.Int(i), L.Name(n)) for i, n in enumerate(COUNTED)),
        ]

    def iteration(self) -> list[L.Stmt]:
        rule = self.rule
        per_epoch = L.Int(1) if rule.visits_batches else L.Name("batches")
        n = L.call("float64", "iteration")
        opening: list[L.Stmt] = [
            L.let("batch", L.call("mod", "iteration", per_epoch)),
            L.let("n", n),
            *(
                []
                if "epoch" in self.own
                else [L.let("epoch", L.call("div", "n", L.call("float64", per_epoch)))]
            ),
        ]
        at_start: list[L.Stmt] = [L.Store(L.Name("figures"), L.Int(i), L.Real(0.0)) for i in (1, 2)]
        if self.order:
            at_start += self.ordered(L.call("floordiv", "iteration", per_epoch))
        self.recorded = True  # a test's losses are no batch's
        at_start += self.block(rule.test)
        self.recorded = False
        opening.append(L.If(L.call("eq", "batch", 0), tuple(at_start)))
        if rule.test:
            opening.append(leave())
        body = self.block(rule.body)
        closing = [*self.commits(rule.commits), L.let("iteration", L.add("iteration", 1))]
        if rule.epoch_end:
            mean = L.call("div", L.At(L.Name("figures"), L.Int(1)), L.At(L.Name("figures"), L.Int(2)))
            at_end = [
                L.let("epoch_loss", mean),
                *self.block(rule.epoch_end),
                *self.commits(rule.epoch_commits),
            ]
            closing.append(L.If(L.call("eq", L.call("mod", "iteration", per_epoch), 0), tuple(at_end)))
        return [*opening, *body, *closing]

    def commits(self, commits: tuple[ir.Commit, ...]) -> list[L.Stmt]:
        axes = {s.name: s.axes for s in self.rule.states}
        out: list[L.Stmt] = []
        for c in commits:
            if not axes[c.state]:
                out.append(L.let(c.state, c.value))
            elif self.homes.get(c.value) != c.state:
                out.append(self.copy(c.state, self._array(c.value)))
        return out

    def ordered(self, epoch: L.Expr) -> list[L.Stmt]:
        return [L.Do(L.call(self.order, "order", "key", "run", epoch))]
