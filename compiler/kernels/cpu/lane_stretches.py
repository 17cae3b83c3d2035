"""Runs as lanes, of rules in which a run seldom ends: several iterations without asking which runs go on.

To ask takes a fifth of the time of gradient descent on a small objective. So a group goes TURNS iterations as if no run
could end, notes whether one should have, and, where one should, goes back and does them again one by one: the bits are
those of `lanes`. What a run that has ended would have become is thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu.lanes import ONE, ZERO, LaneWriter, holds, where
from netc.compiler.kernels.rule_memory import COUNTED

TURNS = 16


def seldom_ends(rule: ir.Rule) -> bool:
    """Nothing but numbers, evaluations and what ends a run that fails."""
    straight = all(isinstance(s, ir.Assign | ir.Evaluate | ir.Stop) for s in rule.body)
    return straight and not any(isinstance(s, ir.Stop) and s.ending == "criterion" for s in rule.body)


@dataclass
class StretchWriter(LaneWriter):
    unasked: bool = False

    def given(self, name: str, value: L.Expr) -> L.Stmt:
        return L.let(name, value) if self.unasked else super().given(name, value)

    def ended(self, condition: L.Expr, ending: ir.Ending) -> list[L.Stmt]:
        if not self.unasked:
            return super().ended(condition, ending)
        return [L.let("lost", L.call("select", condition, ONE, "lost"))]

    def iteration(self) -> list[L.Stmt]:
        asked = super().iteration()
        self.unasked = True
        *unasked, whether_to_go_on = super().iteration()
        self.unasked = False
        names = [name for name, _ in self.stage() if name != "status"]
        before = "{}_from_before".format
        left = L.call(
            "select", holds("active"), L.call("sub", "target", "iteration"), L.call("splat", float(TURNS))
        )
        gone = L.call("any_true", L.call("land", holds("active"), holds("lost")))
        # Counters count the lanes that go on, and are right in all.
        kept = [where("active", n, n, before(n)) for n in names if n not in COUNTED]
        again: list[L.Stmt] = [*(L.let(n, before(n)) for n in names), L.loop("turn_at", "turns", asked)]
        return [
            L.let("turns", L.call("least", TURNS, L.call("int64", L.call("hmin", left)))),
            *(L.let(before(n), n) for n in names),
            L.let("lost", ZERO),
            L.loop("turn_at", "turns", unasked),
            L.If(gone, tuple(again), (*kept, whether_to_go_on)),
        ]
