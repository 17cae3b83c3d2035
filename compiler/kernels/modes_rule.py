"""An update rule on a problem with two modes -> loops: which mode an evaluation is in, and when states of layers change.

The states end a row of theta. All evaluations of an iteration see them as they were at its beginning; the next ones, which
the iteration's first gradient has put behind its own numbers, are kept and follow with the rule's own states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import gives_states_of
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.fuse import fuse
from netc.compiler.kernels.rule import Writer
from netc.compiler.kernels.rule_memory import CLOCK

SEEN, NEXT = "seen_", "next_states_"
"""Whether this iteration has the next states, and where they wait."""
TOLD = "told_"
"""What a layer is told."""


@dataclass
class ModesWriter(Writer):
    draws: bool = False
    """Whether training mode draws."""
    gives: Callable[[ir.Evaluate], bool] = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.gives = gives_states_of(self.rule)

    def call(self, e: ir.Evaluate, name: str) -> list[L.Stmt]:
        function = "gradient" if e.gradient else "loss"
        gradient = (self._array(e.gradient),) if e.gradient else ()
        clock = CLOCK if self.draws and not e.tested else ()
        point = self._array(e.point)
        where = (point, "x", "y", "order", "first", "rest")
        called = L.call(f"{'' if e.tested else 'training_'}{function}", *where, *gradient, *self.work, *clock)
        out = [self.states(point, "theta")] if self.vectors.states and point != "theta" else []
        out.append(L.let(name, called))
        if self.vectors.states and self.gives(e):
            keep = (self.states(NEXT, *gradient), L.let(SEEN, 1))
            out.append(L.If(L.call("eq", SEEN, 0), keep))
        return out

    def tell(self, state: str, value: ir.Expr) -> list[L.Stmt]:
        at = dict(self.vectors.offsets)[state]
        found = self.passes(fuse([ir.Assign(TOLD, value)], self.live, f"r{next(self.runs)}_"))
        return [*found, self.number("theta", at, L.Name(TOLD))]

    def number(self, into: str, at: int, value: L.Expr) -> L.Stmt:
        """Into a state that is one number."""
        return L.Store(L.Name(into), L.Int(self.vectors.first_state + at), value)

    def states(self, into: str, source: str) -> L.Stmt:
        """A copy of them."""
        first = L.Int(self.vectors.first_state)
        here, there = (L.Name("q") if a == NEXT else L.add("q", first) for a in (into, source))
        copy = L.Store(L.Name(into), here, L.At(L.Name(source), there))
        return L.loop("q", self.vectors.states, [copy])

    def iteration(self) -> list[L.Stmt]:
        begun = [L.let(SEEN, 0)] if self.vectors.states else []
        return [*begun, *super().iteration()]

    def commits(self, commits: tuple[ir.Commit, ...]) -> list[L.Stmt]:
        out = super().commits(commits)
        if commits is self.rule.commits and self.vectors.states:
            out.append(L.If(L.call("eq", SEEN, 1), (self.states("theta", NEXT),)))
        return out

    def scratch_views(self) -> list[L.Stmt]:
        first, states = self.vectors.scratch, self.vectors.states
        kept = L.let(NEXT, L.At(L.Name("scratch"), L.Int(first), L.Int(first + states)))
        return [*([kept] if states else []), *super().scratch_views()]
