"""Update rule of a tiny objective -> loops in which every vector of the parameters lives in registers.

A function of a handful of parameters has vectors so short that memory, loops over them and calls cost more than
the arithmetic. Here each parameter of each vector is a variable of its own (`theta_q0`, `theta_q1`), the objective
and its gradient stand where they are evaluated, and only the end of a stretch of iterations touches memory. The
statements, their order and what is counted are those of `rule`; only the spelling of vectors differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import PRIMITIVES, TRUTHS
from netc.compiler.calculus.simplify import common
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.fuse import Element, Gather, Pass, PerLayer, Scalar, Sweep
from netc.compiler.kernels.names import python_expr
from netc.compiler.kernels.rule import Writer
from netc.compiler.kernels.rule_flow import reads
from netc.compiler.kernels.vectors import number

MOST = 8
"""Parameters: beyond, what is written out grows long and the registers run out."""
NODES = 600
"""Of the objective and its gradient together, since each evaluation writes them out."""
SINGLE = {"sum": "add", "max": "max", "min": "min"}


def loss_and_slopes(objective: ir.Problem) -> tuple[ir.Expr, list[ir.Expr]]:
    """Of an objective, all in its variables: the value and its derivatives."""
    return objective.lets[objective.loss].value, [objective.lets[name].value for name in objective.gradients]


def fits(objective: ir.Problem) -> bool:
    value, slopes = loss_and_slopes(objective)
    size = sum(1 for _ in ir.postorder(value, *slopes))
    return objective.parameters <= MOST and size <= NODES


@dataclass
class RegisterWriter(Writer):
    objective: ir.Problem | None = None
    single: bool = False
    """float32: numbers that meet a vector are rounded to it first."""

    def __post_init__(self) -> None:
        """Nothing lives in memory, so nothing has to be found a home there."""

    # -- vectors -------------------------------------------------------------------------------------

    def registers(self, name: str) -> list[str]:
        return [f"{name}_q{i}" for i in range(self.vectors.parameters)]

    def component(self, e: ir.Expr, i: int) -> L.Expr:
        """Parameter i of a vector expression."""
        truth = isinstance(e, ir.Apply) and e.op in TRUTHS
        if not e.axes and not truth:
            return self.rounded(number(e))
        match e:
            case ir.Const(value):
                return self.rounded(L.Real(value))
            case ir.Var(name):
                return L.Name(self.registers(name)[i])
            case ir.Apply(op, args):
                if expansion := PRIMITIVES[op].expansion:
                    return self.component(expansion(*args), i)
                return L.Call(op, tuple(self.component(a, i) for a in args))
            case _:
                raise AssertionError(f"{type(e).__name__} is a pass of its own")

    def plain(self, e: ir.Expr) -> L.Expr:
        """A number of the rule, always float64."""
        return number(e)

    def rounded(self, value: L.Expr) -> L.Expr:
        return L.call("float32", value) if self.single else value

    def widened(self, value: L.Expr) -> L.Expr:
        return L.call("float64", value) if self.single else value

    def passes(self, passes: list[Pass]) -> list[L.Stmt]:
        out: list[L.Stmt] = []
        for p in passes:
            match p:
                case Scalar(name, value):
                    out.append(L.let(name, self.plain(value)))
                case Sweep(items):
                    for item in items:
                        out += self.element(item) if isinstance(item, Element) else [self.gather(item)]
                case PerLayer(name, op, value):  # one layer holds them all
                    out.append(self.gather(Gather("part", op, value)))
                    out += [L.let(r, self.rounded(L.Name("part"))) for r in self.registers(name)]
                case _:
                    assert_never(p)
        return out

    def element(self, item: Element) -> list[L.Stmt]:
        return [L.let(r, self.component(item.value, i)) for i, r in enumerate(self.registers(item.name))]

    def gather(self, item: Gather) -> L.Stmt:
        total, *others = (self.component(item.value, i) for i in range(self.vectors.parameters))
        for part in others:
            total = L.call(SINGLE[item.op], total, part)
        return L.let(item.name, self.widened(total))

    # -- the objective -------------------------------------------------------------------------------

    def samples_of(self, batch: object) -> list[L.Stmt]:
        return []

    def call(self, e: ir.Evaluate, name: str) -> list[L.Stmt]:
        """The objective (and its gradient) at the point, written out; always in float64, as a call would be."""
        assert self.objective is not None
        loss, slopes = loss_and_slopes(self.objective)
        wanted = [loss, *(slopes if e.gradient else ())]
        bindings, (value, *partials) = common(python_expr(x, lambda v: f"{v}_at") for x in wanted)
        variables = zip((t.name for t in self.objective.weights), self.registers(e.point), strict=True)
        out: list[L.Stmt] = [L.let(f"{v}_at", self.widened(L.Name(r))) for v, r in variables]
        out += [L.let(n, self.plain(x)) for n, x in bindings]
        out.append(L.let(name, self.plain(value)))
        for register, partial in zip(self.registers(e.gradient), partials, strict=False):
            out.append(L.let(register, self.rounded(self.plain(partial))))
        return out

    # -- a stretch of iterations ---------------------------------------------------------------------

    def views(self) -> list[L.Stmt]:
        """States from memory into registers."""
        return [L.let(r, at) for r, at in self.homes_in_memory()]

    def constants(self) -> list[L.Stmt]:
        """With the masks that the rule reads."""
        return [*super().constants(), *(L.let(r, self.rounded(value)) for r, value in self.masks())]

    def masks(self) -> list[tuple[str, L.Expr]]:
        """The parameters of an objective are all weights, and none a gain or of a layer."""
        used = frozenset((*reads(self.rule.body), *reads(self.rule.test)))
        values = {"weights": L.Real(1.0), "biases": L.Real(0.0)}
        values |= {m.name: L.Real(0.0) for m in self.rule.masks}
        return [(r, value) for mask, value in values.items() if mask in used for r in self.registers(mask)]

    def batches(self) -> L.Expr:
        return L.Int(1)

    def stores(self) -> list[L.Stmt]:
        vectors: list[L.Stmt] = [L.Store(at.array, at.index, L.Name(r)) for r, at in self.homes_in_memory()]
        return vectors + super().stores()

    def homes_in_memory(self) -> list[tuple[str, L.At]]:
        names = ["theta", *self.vector_states()]
        arrays: list[L.Expr] = [L.Name("theta")]
        arrays += [L.At(L.Name("vectors"), L.Int(i)) for i in range(len(names) - 1)]
        return [
            (register, L.At(array, L.Int(i)))
            for name, array in zip(names, arrays, strict=True)
            for i, register in enumerate(self.registers(name))
        ]

    def commits(self, commits: tuple[ir.Commit, ...]) -> list[L.Stmt]:
        axes = {s.name: s.axes for s in self.rule.states}
        out: list[L.Stmt] = []
        for c in commits:
            if not axes[c.state]:
                out.append(L.let(c.state, c.value))
            else:
                pairs = zip(self.registers(c.state), self.registers(c.value), strict=True)
                out += [L.let(new, value) for new, value in pairs]
        return out
