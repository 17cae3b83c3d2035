"""Update rule on a network of any lets -> loops for CUDA: as on a chain (`rule`), but an evaluation's buffers are the team's
`scratch`, and there may be two modes.
"""

from __future__ import annotations

from dataclasses import dataclass

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cuda.lets import MEMORY
from netc.compiler.kernels.cuda.rule import TeamWriter, mine
from netc.compiler.kernels.modes_rule import ModesWriter


@dataclass
class LetsWriter(TeamWriter):
    @property
    def work(self) -> tuple[str, ...]:
        return MEMORY

    def memory(self) -> list[L.Stmt]:
        seats = L.call("shared", self.plan.threads, "int64")
        return [
            L.let("seats", seats),
            L.Store(L.Name("seats"), L.call("thread"), L.Name("member")),
            *self.sums(),
        ]


@dataclass
class LetsModesWriter(ModesWriter, LetsWriter):
    def states(self, into: str, source: str) -> L.Stmt:
        """Each by its thread; they end a row, however long that is."""
        count = self.vectors.states
        at = [L.add("q", L.call("sub", L.call("len", a), count)) for a in (into, source)]
        return mine([L.Store(L.Name(into), at[0], L.At(L.Name(source), at[1]))], 0, count)

    def number(self, into: str, at: int, value: L.Expr) -> L.Stmt:
        """By the thread that copies it."""
        end = L.call("sub", L.call("len", into), self.vectors.states)
        return mine([L.Store(L.Name(into), L.add("q", end), value)], at, at + 1)
