"""Any let -> loops for CUDA: its elements over the threads of a team, samples fastest, so that neighbours read neighbours.

    of each sample   element p is (places, sample): the value, by one thread
    a sum over them  element p is (places): a thread adds all samples up, in order
    a number         element p is (places): the value, in float64 (made of parameters and of finished sums)

A team waits before a let that reads what its other threads write, or writes over what they may still read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import reads
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cuda.rule import BARRIER
from netc.compiler.kernels.notes import noted
from netc.compiler.kernels.rule_memory import CLOCK
from netc.compiler.kernels.sweeps import is_sum
from netc.compiler.kernels.values import Layout, Places, Scope, ValueWriter

Part = tuple[int, int]
"""Of the work space: from, to."""


def over_team(name: str, number: L.Expr | int, body: Iterable[L.Stmt]) -> L.Stmt:
    """Each turn is of one thread, for every loop of so many turns of the same one."""
    return L.Loop(name, L.Name("member"), L.expr(number), L.call("members"), tuple(body))


@dataclass
class Waits:
    """What has been read and written since all threads last waited."""

    parts: Mapping[str, Part]
    """Where lets, and the samples, lie in the work space."""
    apart: frozenset[str]
    """Those that were not written element by element: samples, and what is drawn."""
    read: set[Part] = field(default_factory=set)
    written: set[Part] = field(default_factory=set)

    def before(self, let: ir.Let) -> list[L.Stmt]:
        own = _own(let) - self.apart
        sources = {v.name: self.parts[v.name] for v in reads(let) if v.name in self.parts}
        others = [part for name, part in sources.items() if name not in own]
        return self.touch(self.parts[let.name], sources.values(), others)

    def touch(self, into: Part, sources: Iterable[Part], others: Iterable[Part]) -> list[L.Stmt]:
        """`others`: of the sources, those that other threads may have written."""
        waits = _meet(others, self.written) or _meet([into], self.read | self.written)
        if waits:
            self.all_wait()
        self.read |= set(sources)
        self.written.add(into)
        return [BARRIER] if waits else []

    def all_wait(self) -> None:
        self.read.clear()
        self.written.clear()


def _meet(some: Iterable[Part], others: Iterable[Part]) -> bool:
    there = tuple(others)
    return any(a < d and c < b for a, b in some for c, d in there)


def _own(let: ir.Let) -> frozenset[str]:
    """What each thread reads only where it wrote itself: arrays of the let's shape, at the element in hand."""
    same = {v.name for v in reads(let) if v.axes == let.axes}
    for node in ir.postorder(let.value):
        match node:
            case ir.View(axis=axis) | ir.Pick(axis=axis):
                moved = {axis}
            case ir.Reduce(over=over):
                moved = set(over)
            case _:
                continue
        below = ir.postorder(*ir.children(node)[:1])
        same -= {v.name for v in below if isinstance(v, ir.Var) and moved & set(v.axes)}
    return frozenset(same)


@dataclass
class LetWriter:
    """Of one function: names are given once in it."""

    layouts: Mapping[str, Layout]
    several: bool
    """Whether sums are over several turns: then a turn adds to what stands there."""
    waits: Waits
    draws: tuple[ir.Draw, ...]
    names: count[int] = field(default_factory=count)

    def step(self, step: ir.Step) -> list[L.Stmt]:
        if isinstance(step, ir.Let):
            return [L.Note(noted(step)), *self.waits.before(step), *self.let(step, {})]
        axis = step.axis
        assert axis.size is not None
        turn, here = self.fresh(), self.fresh()
        place: L.Expr = L.call("sub", axis.size - 1, turn) if step.backward else L.Name(turn)
        body: list[L.Stmt] = [L.let(here, place)]
        self.waits.all_wait()
        for let in step.lets:
            body += [*self.waits.before(let), *self.let(let, {axis: (L.Name(here), 0)})]
        self.waits.all_wait()
        return [L.Note(noted(step)), BARRIER, L.loop(turn, axis.size, [*body, BARRIER])]

    def let(self, let: ir.Let, fixed: Places) -> list[L.Stmt]:
        if isinstance(let.value, ir.Draw):
            return [self.drawn(self.layouts[let.name], let.value)]
        maker = _Let(self, let, fixed)
        if is_sum(let):
            return maker.sum()
        return maker.of_each_sample() if ir.SAMPLES in let.axes else maker.number()

    def drawn(self, out: Layout, draw: ir.Draw) -> L.Stmt:
        """Into the let's buffer, by the samples' own numbers; neighbours are samples."""
        each = ir.SAMPLES in draw.axes
        arguments: list[L.Expr] = [L.Real(a) for a in draw.arguments]
        if draw.law == "bernoulli":  # of 2^32 words those below this number
            arguments = [L.Int(round(draw.arguments[0] * 2**32))]
        call = L.call(f"draw_{draw.law}", out.array, out.first, out.stride, ir.elements(draw.axes), "order", "base",
                      "valid" if each else 1, int(each), *CLOCK, self.draws.index(draw), *arguments,
                      "member", L.call("members"))  # fmt: skip
        return L.Do(call, (4, 4, 4, len(arguments), 2))

    def fresh(self) -> str:
        return f"v{next(self.names)}_"


class _Let(ValueWriter):
    def __init__(self, writer: LetWriter, let: ir.Let, fixed: Places) -> None:
        super().__init__(writer.layouts, writer.fresh, fixed)
        self.let, self.several = let, writer.several
        self.axes = [a for a in let.axes if a != ir.SAMPLES and a not in fixed and a.size != 1]
        self.places |= {a: (L.Int(0), 0) for a in let.axes if a.size == 1 and a not in fixed}

    @property
    def elements(self) -> int:
        return ir.elements(tuple(self.axes))

    def of_each_sample(self) -> list[L.Stmt]:
        self.sample_depth = 0
        rest: L.Expr = L.Name("p")
        if self.elements > 1:
            self.put("j", L.call("remainder", "p", "valid"))
            rest = self.put(self.fresh(), L.call("quotient", "p", "valid"))
        else:
            self.put("j", rest)
        self.store(self.emit(self.let.value, self.found(rest)))
        return [over_team("p", L.mul(self.elements, "valid"), self.scopes[0].stmts)]

    def number(self) -> list[L.Stmt]:
        self.store(self.emit(self.let.value, self.found(L.Name("p"))))
        return [over_team("p", self.elements, self.scopes[0].stmts)]

    def sum(self) -> list[L.Stmt]:
        value = self.let.value
        assert isinstance(value, ir.Reduce)
        assert value.op == "sum"
        places = self.found(L.Name("p"))
        total = self.put(self.fresh(), L.call("float64", 0.0))
        self.scopes.append(Scope())
        self.sample_depth = 1
        others = [a for a in value.over if a != ir.SAMPLES]
        inner = self.open(others, places)
        term = L.call("float64", self.emit(value.arg, inner))
        self.scopes[-1].stmts.append(L.let(total.id, L.call("add", total, term)))
        self.close(others, 1)
        self.scopes[0].stmts.append(L.loop("j", "valid", self.scopes.pop().stmts))
        before = L.At(*self.address(self.let.name, self.places))
        self.store(L.call("add", before, total) if self.several else total)
        return [over_team("p", self.elements, self.scopes[0].stmts)]

    def found(self, rest: L.Expr) -> Places:
        """The places of element number `rest`, the last axis fastest."""
        for i, a in enumerate(reversed(self.axes)):
            assert a.size is not None
            last = i == len(self.axes) - 1
            here = rest if last else self.put(self.fresh(), L.call("remainder", rest, a.size))
            self.places[a] = (here, 0)
            if not last:
                rest = self.put(self.fresh(), L.call("quotient", rest, a.size))
        return self.places

    def put(self, name: str, value: L.Expr) -> L.Name:
        self.scopes[0].stmts.append(L.let(name, value))
        return L.Name(name)

    def store(self, value: L.Expr) -> None:
        array, at = self.address(self.let.name, self.places)
        self.scopes[0].stmts.append(L.Store(array, at, value))
