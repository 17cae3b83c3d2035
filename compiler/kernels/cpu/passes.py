"""Any let -> loops for the CPU: right for every kind of node, fast for none. The lanes are samples.

    of each sample   for each place, for a vector of samples: the value, into the buffer; the samples outside where
                     something of theirs is computed once for all places
    a sum over them  for each place: the vectors' values added up, their lanes added, onto what earlier blocks gave
    a number         for each place: the value, plain code (made of parameters and of finished sums)

What stands in the loops is of all targets (`values`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from netc.compiler.calculus import ir
from netc.compiler.calculus.ir import postorder
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.sweeps import is_sum
from netc.compiler.kernels.values import Layout, Places, Scope, ValueWriter


@dataclass
class LetWriter:
    """Of one function: names are given once in it."""

    layouts: Mapping[str, Layout]
    lanes: int
    names: count[int] = field(default_factory=count)
    by_tiles: Callable[[ir.Let, Mapping[ir.Axis, L.Expr]], list[L.Stmt] | None] = lambda let, here: None
    """The let by register tiles, given the places that are known; None where there are none for it."""

    def step(self, step: ir.Step) -> list[L.Stmt]:
        if isinstance(step, ir.Let):
            return self.let(step, {})
        axis = step.axis
        assert axis.size is not None
        name = self.fresh()
        place: L.Expr = L.call("sub", axis.size - 1, name) if step.backward else L.Name(name)
        here = self.fresh()
        body = [s for let in step.lets for s in self.let(let, {axis: (L.Name(here), 0)})]
        return [L.loop(name, axis.size, [L.let(here, place), *body])]

    def let(self, let: ir.Let, fixed: Places) -> list[L.Stmt]:
        found = self.by_tiles(let, {a: place for a, (place, _) in fixed.items()})
        if found is not None:
            return found
        maker = _Let(self, let, fixed)
        if is_sum(let):
            return maker.sum()
        return maker.of_each_sample() if ir.SAMPLES in let.axes else maker.number()

    def fresh(self) -> str:
        return f"v{next(self.names)}_"


class _Let(ValueWriter):
    def __init__(self, writer: LetWriter, let: ir.Let, fixed: Places) -> None:
        super().__init__(writer.layouts, writer.fresh, fixed)
        self.lanes, self.let = writer.lanes, let

    def of_each_sample(self) -> list[L.Stmt]:
        def put(places: Places) -> None:
            value = self.emit(self.let.value, places)
            if self.let.name.startswith("d_"):  # lanes beyond the last sample count nothing
                value = L.call("keep", value, L.call("sub", "valid", "j"), 0.0)
            array, at = self.address(self.let.name, places)
            self.scopes[-1].stmts.append(L.store(array, at, value))

        axes = [a for a in self.let.axes if a != ir.SAMPLES and a not in self.places]
        self._of_samples(self.let.value, axes, self.places, put)
        return self.scopes[0].stmts

    def _of_samples(
        self, value: ir.Expr, axes: list[ir.Axis], places: Places, put: Callable[[Places], None]
    ) -> None:
        """The loops over the axes and over the samples, the one or the other inside, around what `put` writes."""
        innermost = self._everywhere(value, axes)
        if not innermost:
            self._open_samples()
        outer = len(self.scopes) - 1
        inner = self.open(axes, places)
        if innermost:
            self._open_samples()
        put(inner)
        if innermost:
            self._close_samples()
        self.close(axes, outer)
        if not innermost:
            self._close_samples()

    def _everywhere(self, value: ir.Expr, axes: Sequence[ir.Axis]) -> bool:
        """Whether nothing of a sample is worth computing outside of the loops over these axes. Then the samples, which stand
        side by side in memory, are the innermost loop."""
        made = (e for e in postorder(value) if ir.SAMPLES in e.axes and not isinstance(e, ir.Var))
        return all(a in e.axes for e in made for a in axes)

    def _open_samples(self) -> None:
        self.scopes.append(Scope())
        self.sample_depth = len(self.scopes) - 1

    def _close_samples(self) -> None:
        body = self.scopes.pop().stmts
        self.scopes[-1].stmts.append(L.loop("j", "width", body, step=self.lanes))

    def number(self) -> list[L.Stmt]:
        axes = [a for a in self.let.axes if a not in self.places]
        places = self.open(axes, self.places)
        value = self.emit(self.let.value, places)
        array, at = self.address(self.let.name, places)
        self.scopes[-1].stmts.append(L.Store(array, at, value))
        self.close(axes, 0)
        return self.scopes[0].stmts

    def sum(self) -> list[L.Stmt]:
        value = self.let.value
        assert isinstance(value, ir.Reduce)
        assert value.op == "sum"
        axes = list(self.let.axes)
        places = self.open(axes, self.places)
        depth, total = len(self.scopes) - 1, self.fresh()
        self.scopes[-1].stmts.append(L.let(total, L.call("splat", 0.0)))

        def add(inner: Places) -> None:
            term = L.call("keep", self.emit(value.arg, inner), L.call("sub", "valid", "j"), 0.0)
            self.scopes[-1].stmts.append(L.let(total, L.call("add", total, term)))

        self._of_samples(value.arg, [a for a in value.over if a != ir.SAMPLES], places, add)
        array, at = self.address(self.let.name, places)
        self.scopes[depth].stmts.append(
            L.Store(array, at, L.call("add", L.At(array, at), L.call("hsum", total)))
        )
        self.close(axes, 0)
        return self.scopes[0].stmts
