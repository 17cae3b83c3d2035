"""Update rule of a tiny objective from many starts -> loops in which the lanes of a vector are runs.

One run is a chain of operations that each wait for the one before; a processor can do many of them at once. So
a group of runs walks in step, each in a lane of its own, and a run that has ended keeps its values while the
others go on. In a search, and in a branch, the same holds: the group goes on while a lane is in it, and what is set there
is set in these lanes. Each lane does what a run alone would do, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import PRIMITIVES, TRUTHS
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.registers import RegisterWriter
from netc.compiler.kernels.rule import ADVANCE
from netc.compiler.kernels.rule_flow import flat, runs

REGISTERS, WIDEST = 4, 32
"""Vector registers of a group, whose latencies hide behind one another; and its runs at most."""
LEAST = 16
"""Runs of a training, from which on they walk in step."""
COUNTED = ("iteration", "losses", "gradients", "status")
"""Whole numbers, exact as float64; in the order of `counters`."""


def width(machine: Machine) -> int:
    """Runs of a group."""
    return min(WIDEST, REGISTERS * machine.lanes)


def walks_in_step(rule: ir.Rule) -> bool:
    """Where every run does its first evaluation, and loops that count do so alike in all of them."""
    if rule.test or rule.epoch_end or rule.visits_batches:
        return False
    first = next((s for s in rule.body if not isinstance(s, ir.Assign | ir.Stop)), None)
    return isinstance(first, ir.Evaluate | None) and all(_in_step(s) for s in flat(rule.body))


def _in_step(s: ir.Stmt) -> bool:
    match s:
        case ir.For(_, first, last):
            return isinstance(first, ir.Const) and isinstance(last, ir.Const)
        case ir.Fetch() | ir.Store():
            return False
        case _:
            return True


@dataclass
class LaneWriter(RegisterWriter):
    width: int = 0
    """Runs of a group."""
    inside: list[str] = field(default_factory=list)
    """Of the searches and branches around a statement, from the outermost on: the lanes, as ones and zeros."""
    known: set[str] = field(default_factory=set)
    """Names of the rule that are set by now."""

    def functions(self) -> tuple[list[L.Function], int]:
        alone = RegisterWriter(self.rule, self.vectors, self.order, objective=self.objective)
        return [alone.start(), self.advance()], len(self.stage()) * self.width

    # -- expressions: every name is a vector over the runs --------------------------------------------

    def plain(self, e: ir.Expr) -> L.Expr:
        match e:
            case ir.Const(value):
                return L.call("splat", value)
            case ir.Var(name):
                return L.Name(name)
            case ir.Apply(op, args):
                if expansion := PRIMITIVES[op].expansion:
                    return self.plain(expansion(*args))
                return L.Call(op, tuple(self.plain(a) for a in args))
            case _:
                raise AssertionError(f"{type(e).__name__} is a pass of its own")

    def component(self, e: ir.Expr, i: int) -> L.Expr:
        truth = isinstance(e, ir.Apply) and e.op in TRUTHS
        return self.plain(e) if not e.axes and not truth else super().component(e, i)

    def rounded(self, value: L.Expr) -> L.Expr:
        return L.call("splat", value) if isinstance(value, L.Real) else value

    # -- statements ----------------------------------------------------------------------------------

    @property
    def here(self) -> str:
        """The lanes that a statement is for."""
        return self.inside[-1] if self.inside else "active"

    def run(self, assigns: list[ir.Assign]) -> list[L.Stmt]:
        axes = {a.name: a.value.axes for a in assigns}
        return self.kept_outside(super().run(assigns), axes)

    def kept_outside(self, stmts: list[L.Stmt], axes: dict[str, ir.Axes]) -> list[L.Stmt]:
        """What names of the rule are given, in the lanes inside alone."""
        own = {r for name, a in axes.items() for r in (self.registers(name) if a else [name])}
        self.known |= own
        if not self.inside:
            return stmts
        return [
            where(self.here, s.name, s.value, s.name) if isinstance(s, L.Let) and s.name in own else s
            for s in stmts
        ]

    def evaluate(self, e: ir.Evaluate, searching: bool) -> list[L.Stmt]:
        name = _name(e)
        axes = {name: ir.SCALAR} | ({e.gradient: ir.THETA} if e.gradient else {})
        out = self.kept_outside(self.call(e, name), axes)
        counted = (("gradients", e.gradient, e.counts[1]), ("losses", e.loss, e.counts[0]))
        for counter, wanted, counts in counted:
            if wanted and counts:
                out.append(L.let(counter, L.add(counter, self.here)))
        if self.recorded:
            return out
        self.recorded = True
        out.append(self.given("loss_now", L.Name(name)))
        finite = L.call("lt", L.call("abs", name), L.call("splat", L.Real(float("inf"))))
        return [*out, *self.ended(L.call("lnot", finite), "diverged")]

    def stop(self, ending: ir.Ending) -> list[L.Stmt]:
        return self.ended(L.Name("holds"), ending)

    def ended(self, condition: L.Expr, ending: ir.Ending) -> list[L.Stmt]:
        now = L.call("land", holds(self.here), condition)
        return [
            L.let("status", L.call("select", now, L.call("splat", float(ir.STATUS[ending])), "status")),
            L.let("active", L.call("select", L.call("eq", "status", ZERO), "active", ZERO)),
            *self.left(),
        ]

    def left(self) -> list[L.Stmt]:
        """A run that has ended is in no loop and no branch."""
        return [_only(holds("active"), name) for name in self.inside]

    # -- searches and branches -----------------------------------------------------------------------

    def block(self, body: Iterable[ir.Stmt], searching: bool = False) -> list[L.Stmt]:
        out: list[L.Stmt] = []
        for part in runs(body):
            match part:
                case ir.Until(condition):
                    out += [*self.condition(condition), *self.until()]
                case ir.If(condition, then, otherwise):
                    out += self.branch(condition, then, otherwise, searching)
                case ir.For(index, ir.Const(first), ir.Const(last), inner):
                    counter = f"{index}_at"
                    head = L.let(index, L.call("splat", L.call("float64", counter)))
                    out += self.new_names(inner)
                    out.append(
                        L.loop(
                            counter, int(last) + 1, [head, *self.block(inner, searching)], start=int(first)
                        )
                    )
                case _:
                    out += super().block(part if isinstance(part, list) else [part], searching)
        return out

    def repeat(self, body: tuple[ir.Stmt, ...], bound: int, outermost: bool) -> list[L.Stmt]:
        """All lanes inside began together, and have done as many rounds."""
        number = next(self.runs)
        going, rounds = f"r{number}_going", f"r{number}_rounds"
        out = [*self.new_names(body), L.let(going, self.here), L.let(rounds, 0)]
        self.inside.append(going)
        inner = [*self.block(body, searching=True), L.let(rounds, L.add(rounds, 1))]
        inner.append(L.If(L.call("ge", rounds, bound), tuple(self.ended(holds(going), "search"))))
        self.inside.pop()
        return [*out, L.While(any_of(holds(going)), tuple(inner)), *self.left()]

    def until(self) -> list[L.Stmt]:
        """It stands in the block of its search itself."""
        return [_only(L.call("lnot", "holds"), self.here)]

    def branch(self, condition: ir.Expr, then: tuple[ir.Stmt, ...], otherwise: tuple[ir.Stmt, ...],
               searching: bool) -> list[L.Stmt]:  # fmt: skip
        out = [*self.condition(condition), *self.new_names((*then, *otherwise))]
        bodies = []
        for body, true in ((then, L.Name("holds")), (otherwise, L.call("lnot", "holds"))):
            if body:
                taken = f"r{next(self.runs)}_taken"
                out.append(L.let(taken, L.call("select", L.call("land", holds(self.here), true), ONE, ZERO)))
                bodies.append((taken, body))
        for taken, body in bodies:
            self.inside.append(taken)
            made = self.block(body, searching)
            self.inside.pop()
            plain = all(isinstance(s, ir.Assign) for s in body)
            out += made if plain else [L.If(any_of(holds(taken)), tuple(made))]
        ends = any(isinstance(s, ir.Stop | ir.Repeat) for s in flat((*then, *otherwise)))
        return [*out, *(self.left() if ends else [])]

    def new_names(self, body: tuple[ir.Stmt, ...]) -> list[L.Stmt]:
        """Names that are set in a part of the lanes have a value in the others too."""
        axes: dict[str, ir.Axes] = {}
        for s in flat(body):
            match s:
                case ir.Assign(name, value):
                    axes[name] = value.axes
                case ir.Evaluate():
                    axes[_name(s)] = ir.SCALAR
                    axes |= {s.gradient: ir.THETA} if s.gradient else {}
        names = [r for name, a in axes.items() for r in (self.registers(name) if a else [name])]
        new = [n for n in names if n not in self.known]
        self.known |= set(new)
        return [L.let(n, ZERO) for n in new]

    def commits(self, commits: tuple[ir.Commit, ...]) -> list[L.Stmt]:
        return [self.given(a.name, a.value) for a in super().commits(commits) if isinstance(a, L.Let)]

    def given(self, name: str, value: L.Expr) -> L.Stmt:
        """What is of the run is given to those that go on."""
        return where("active", name, value, name)

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
            L.let("here", L.call("least", self.width, L.call("sub", L.call("len", "rows"), "r"))),
            L.loop("lane", self.width, [
                # The lanes beyond the last run repeat it, and store nothing.
                L.let("row", L.At(L.Name("rows"), L.add("r", L.call("least", "lane", L.call("sub", "here", 1))))),
                *(L.Store(L.Name("scratch"), L.add("lane", i * self.width), at) for i, (_, at) in enumerate(staged)),
            ]),
            *(L.let(name, L.load("scratch", i * self.width)) for i, (name, _) in enumerate(staged)),
            *(L.let(name, L.call("splat", value)) for name, value in constants),
            *(L.let(c, L.call("splat", 1.0)) for c in ("m", "samples") if c not in self.own),
            L.let("target", L.call("splat", L.call("float64", "last"))),
            L.let("active", L.call("select", going, L.call("splat", 1.0), ZERO)),
            L.While(any_of(holds("active")), tuple(self.iteration())),
            *(L.store("scratch", i * self.width, name) for i, (name, _) in enumerate(staged)),
            L.loop("lane", "here", [
                L.let("row", L.At(L.Name("rows"), L.add("r", "lane"))),
                *(L.Store(at.array, at.index, self.kept(name, i)) for i, (name, at) in enumerate(staged)),
                # An epoch is one iteration: the sum of its losses is the loss, their count one.
                L.Store(figures, L.Int(1), L.At(figures, L.Int(0))),
                L.Store(figures, L.Int(2), L.Real(1.0)),
            ]),
        ]  # fmt: skip
        body = (L.loop("r", L.call("len", "rows"), group, step=self.width),)
        note = f"The runs `rows` up to iteration `last`, {self.width} at a time walk in step; those that have ended stay."
        return L.Function("advance", ADVANCE, body, note)

    def kept(self, name: str, position: int) -> L.Expr:
        value = L.At(L.Name("scratch"), L.add("lane", position * self.width))
        return L.call("int64", value) if name in COUNTED else value

    def iteration(self) -> list[L.Stmt]:
        clocks = [L.let(c, "iteration") for c in ("n", "epoch") if c not in self.own]
        self.recorded = False
        body = [*clocks, *self.block(self.rule.body), *self.commits(self.rule.commits)]
        going = L.call("lt", "iteration", "target")
        body.append(L.let("iteration", L.add("iteration", "active")))
        return [*body, L.let("active", L.call("select", going, "active", ZERO))]


ZERO, ONE = L.call("splat", 0.0), L.call("splat", 1.0)


def _name(e: ir.Evaluate) -> str:
    return e.loss or f"loss_{e.gradient}"


def holds(lanes: str) -> L.Expr:
    """Ones and zeros as a mask."""
    return L.call("gt", lanes, ZERO)


def any_of(mask: L.Expr) -> L.Expr:
    return L.call("any_true", mask)


def where(lanes: str, name: str, value: L.Expr | str, otherwise: str) -> L.Stmt:
    return L.let(name, L.call("select", holds(lanes), value, otherwise))


def _only(mask: L.Expr, lanes: str) -> L.Stmt:
    """Of the lanes, those where the mask holds."""
    return L.let(lanes, L.call("select", mask, lanes, ZERO))
