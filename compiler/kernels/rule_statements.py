"""The statements of an update rule -> loops: assignments in passes, evaluations, loops, searches, ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, assert_never

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.fuse import Pass, PerLayer, fuse
from netc.compiler.kernels.rule_flow import flat, runs
from netc.compiler.kernels.rule_memory import Memory
from netc.compiler.kernels.vectors import COMBINE, lanes, number, vector_names


@dataclass
class Statements(Memory):
    """One method a kind of statement."""

    recorded: bool = False
    """The first evaluation of an iteration goes into `figures`; True once it is written."""
    numbers: frozenset[str] = frozenset()
    """Loop indices that run over the batches."""
    runs: Iterator[int] = field(default_factory=lambda: count(1))

    def block(self, body: Iterable[ir.Stmt], searching: bool = False) -> list[L.Stmt]:
        """`searching`: inside a Repeat, where a loss that is not finite is a rejected trial, not a divergence."""
        out: list[L.Stmt] = []
        for part in runs(body):
            match part:
                case list():
                    out += self.run(part)
                case ir.Evaluate():
                    out += self.evaluate(part, searching)
                case ir.Fetch() | ir.Store():
                    out += self.per_batch(part)
                case ir.Tell(state, value):
                    out += self.tell(state, value)
                case ir.For(index, low, high, inner):
                    counter = f"{index}_at"
                    first, stop = L.call("int64", number(low)), L.add(L.call("int64", number(high)), 1)
                    head = L.let(index, L.call("float64", counter))
                    with self.counting(part):
                        rounds = self.block(inner, searching)
                    out.append(L.loop(counter, stop, [head, *rounds], start=first))
                    out.append(leave())
                case ir.Repeat(inner, bound):
                    out += self.repeat(inner, bound, not searching)
                case ir.Until(condition):
                    out += [*self.condition(condition), L.If(L.Name("holds"), (L.Break(),))]
                case ir.If(condition, then, otherwise):
                    out += [*self.condition(condition), self.branches(then, otherwise, searching)]
                case ir.Stop(condition, ending):
                    out += [*self.condition(condition), *self.stop(ending)]
                case ir.Assign():
                    raise AssertionError("assignments come in runs")
                case _:
                    assert_never(part)
        return out

    @contextmanager
    def counting(self, loop: ir.For) -> Iterator[None]:
        """Inside it the loop's index is the number of a batch, where it runs within 1..m."""
        first, last = loop.first, loop.last
        whole = isinstance(first, ir.Const) and first.value >= 1 and last == ir.Var("m", ir.SCALAR)
        before = self.numbers
        if whole and loop.index not in {s.name for s in flat(loop.body) if isinstance(s, ir.Assign)}:
            self.numbers |= {loop.index}
        yield
        self.numbers = before

    def is_batch(self, index: ir.Expr) -> list[L.Stmt]:
        """Ends the run where the index is not the number of a batch: memory is read by it."""
        match index:
            case ir.Var(name) if name in self.numbers and "m" not in self.own:
                return []
            case ir.Const(value) if 1 <= value < self.parts + 1:
                return []
        inside = L.call("and", L.call("ge", number(index), 1), L.call("lt", number(index), self.parts + 1))
        return [L.If(L.call("not", inside), _end("batch"))]

    def per_batch(self, s: ir.Fetch | ir.Store) -> list[L.Stmt]:
        return [*self.is_batch(s.index), *self.at_batch(s)]

    def at_batch(self, s: ir.Fetch | ir.Store) -> list[L.Stmt]:
        """A number of a per-batch state is read into a variable, a vector is looked at in its place."""
        place = L.At(L.Name(s.memory), L.call("sub", L.call("int64", number(s.index)), 1))
        match s:
            case ir.Fetch(name):
                return [L.let(name, place)]
            case ir.Store(value=value, axes=()):
                return [L.Store(place.array, place.index, L.Name(value))]
            case ir.Store(value=value):
                return [self.copy(place, self._array(value))]

    def tell(self, state: str, value: ir.Expr) -> list[L.Stmt]:
        raise AssertionError("layers without states are told nothing")

    def branches(self, then: tuple[ir.Stmt, ...], otherwise: tuple[ir.Stmt, ...], searching: bool) -> L.Stmt:
        """Either may hold the first evaluation of an iteration."""
        before, made = self.recorded, []
        seen = []
        for body in (then, otherwise):
            self.recorded = before
            made.append(tuple(self.block(body, searching)))
            seen.append(self.recorded)
        self.recorded = all(seen)
        return L.If(L.Name("holds"), *made)

    def run(self, assigns: list[ir.Assign]) -> list[L.Stmt]:
        out: list[L.Stmt] = []
        for text in _lines(assigns):
            out.append(L.Note(text))
        return out + self.passes(fuse(assigns, self.live, f"r{next(self.runs)}_"))

    def passes(self, passes: list[Pass]) -> list[L.Stmt]:
        out: list[L.Stmt] = []
        for p in passes:
            out += self.per_layer(p) if isinstance(p, PerLayer) else self.space.passes([p])
        return out

    def stop(self, ending: ir.Ending) -> list[L.Stmt]:
        return [L.If(L.Name("holds"), _end(ending))]

    def condition(self, condition: ir.Expr) -> list[L.Stmt]:
        return self.passes(fuse([ir.Assign("holds", condition)], self.live, f"r{next(self.runs)}_"))

    def evaluate(self, e: ir.Evaluate, searching: bool) -> list[L.Stmt]:
        name = e.loss or f"loss_{e.gradient}"
        out = [*self.samples_of(e.batch), *self.call(e, name)]
        if e.gradient and e.counts[1]:
            out.append(L.let("gradients", L.add("gradients", 1)))
        if e.loss and e.counts[0]:
            out.append(L.let("losses", L.add("losses", 1)))
        if searching or self.recorded or e.tested:
            return out  # a trial, or a measurement: its loss may be anything
        self.recorded = True
        out += _record(name)
        out.append(L.If(L.call("not", L.call("isfinite", name)), _end("diverged")))
        return out

    def samples_of(self, batch: Literal["current", "full"] | ir.Expr) -> list[L.Stmt]:
        """`first` and `rest`: which samples an evaluation reads."""
        out: list[L.Stmt] = []
        first: L.Expr
        match batch:
            case "current" if not self.rule.visits_batches:
                first, stop = L.Name("batch"), L.add("batch", 1)
            case "current" | "full":
                first, stop = L.Int(0), L.Name("batches")
            case expr:
                out += self.is_batch(expr)
                out.append(L.let("batch", L.call("sub", L.call("int64", number(expr)), 1)))
                first, stop = L.Name("batch"), L.add("batch", 1)
        out.append(L.let("first", L.At(L.Name("bounds"), first)))
        out.append(L.let("rest", L.call("sub", L.At(L.Name("bounds"), stop), "first")))
        return out

    @property
    def work(self) -> tuple[str, ...]:
        """The work space of an evaluation."""
        return ("scratch",)

    def call(self, e: ir.Evaluate, name: str) -> list[L.Stmt]:
        """The loss into `name`, the gradient where it is wanted into its vector."""
        where = (self._array(e.point), "x", "y", "order", "first", "rest")
        if e.gradient:
            return [L.let(name, L.call("gradient", *where, self._array(e.gradient), *self.work))]
        return [L.let(name, L.call("loss", *where, *self.work))]

    def repeat(self, body: tuple[ir.Stmt, ...], bound: int, outermost: bool) -> list[L.Stmt]:
        rounds = "rounds" if outermost else f"r{next(self.runs)}_rounds"
        failed = L.If(L.call("ge", rounds, bound), _end("search"))
        inner = [*self.block(body, searching=True), L.let(rounds, L.add(rounds, 1)), failed]
        return [L.let(rounds, 0), L.While(L.Name("True"), tuple(inner)), leave()]

    def per_layer(self, p: PerLayer) -> list[L.Stmt]:
        """A number per part, spread over its parameters; its last vector may reach into the next part."""
        space, w = self.space, self.vectors.lanes
        combine, neutral, across = COMBINE[p.op]
        out: list[L.Stmt] = []
        for region in self.vectors.parts(p.per):
            size = region.stop - region.start
            whole = region.start + size // w * w

            def part(at: L.Expr, valid: int) -> list[L.Stmt]:
                loads = [
                    L.let(space.register(n), L.call("load", *space.address(n, at)))
                    for n in sorted(vector_names(p.value))
                ]
                value = lanes(p.value, space.register, False)
                if valid < w:
                    value = L.call("keep", value, valid, neutral)
                return [*loads, L.let("part", L.call(combine, "part", value))]

            out.append(L.let("part", L.call("splat", neutral)))
            out.append(L.loop("q", whole, part(L.Name("q"), w), start=region.start, step=w))
            if whole < region.stop:
                out += part(L.Int(whole), region.stop - whole)
            spread = L.store(
                self._array(p.name), "q", L.call("splat", L.call("float64", L.call(across, "part")))
            )
            out.append(L.loop("q", region.stop, [spread], start=region.start, step=w))
        return out


def leave() -> L.Stmt:
    """A run that has ended leaves the loop."""
    return L.If(L.call("ne", "status", 0), (L.Break(),))


def _end(ending: ir.Ending) -> tuple[L.Stmt, ...]:
    return (L.let("status", ir.STATUS[ending]), L.Break())


def _record(name: str) -> list[L.Stmt]:
    figures = L.Name("figures")
    total, amount = L.At(figures, L.Int(1)), L.At(figures, L.Int(2))
    return [
        L.Store(figures, L.Int(0), L.Name(name)),
        L.Store(figures, L.Int(1), L.call("add", total, name)),
        L.Store(figures, L.Int(2), L.call("add", amount, 1.0)),
    ]


def _lines(assigns: list[ir.Assign]) -> list[str]:
    """The lines of the file that these assignments come from, each once."""
    return list(dict.fromkeys(a.span.quoted for a in assigns if a.span.text))
