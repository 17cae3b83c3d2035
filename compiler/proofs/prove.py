"""The proof that two rules are the same, if one is found, and the argument in words.

Rules that are linear in gradients and states are decided by what they can reach (`linear.py`), the others by an
induction over n (`induction.py`). Nothing here is a test: what is not proved is `Unproved`, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

from netc.compiler.calculus import ir
from netc.compiler.proofs.induction import Induction, Unproved, induction
from netc.compiler.proofs.linear import NotLinear, Reach, reach
from netc.compiler.proofs.normal_form import Algebra
from netc.compiler.proofs.parameters import CONSTANT, Moving, Numbers, Parameters
from netc.compiler.proofs.ranges import Number
from netc.compiler.proofs.rule_forms import Clock
from netc.dsl.record import record

Named = Sequence[tuple[str, Fraction]]
"""Formulas of A's parameters and what they are, to name the numbers of a relation by."""


@record
class Argument:
    """Why two rules are the same."""

    sentence: str
    lines: tuple[str, ...]
    """In full."""


@record
class Proof:
    argument: Argument
    shifted: tuple[bool, bool] | None
    """None: theta is the same; else which one's theta is the other one's point."""


def prove(
    a: ir.Rule, b: ir.Rule, at: Numbers, bt: Numbers, named: Named = (), moving: Moving = CONSTANT
) -> Proof:
    """For these numbers, or for all that they stand for; `moving` ones are others in each step. Raises Unproved."""
    parameters = Parameters(at, bt, moving)
    if _one(a, b, parameters):
        return Proof(LINE_BY_LINE, None)
    try:
        found = reach(a, b, parameters)
    except NotLinear:
        found = None
    if found is not None:
        return Proof(_by_reach(found), None if found.thetas else found.shifted)
    try:
        return Proof(_by_induction(induction(a, b, parameters), named), None)
    except Unproved:
        # B may keep a state that A has not, and that does not matter.
        with suppress(Unproved):
            return Proof(_by_induction(induction(b, a, parameters.turn()), named, swapped=True), None)
        raise


def _one(a: ir.Rule, b: ir.Rule, parameters: Parameters) -> bool:
    """Are both the same statements with the same parameters?"""
    if replace(a, hypers=()) != replace(b, hypers=()):
        return False
    mine, theirs = parameters.forms(Algebra())
    return mine == theirs and all(h.name in mine or h in b.hypers for h in a.hypers)


LINE_BY_LINE = Argument(
    "they are the same line by line, with the same numbers",
    ("Both do the same in every step, in the same order, with the same numbers.",),
)


def _by_reach(found: Reach) -> Argument:
    same = "the points where they ask" + (" and theta are" if found.thetas else " are")
    return Argument(
        "both are linear in gradients and states, and their difference vanishes on all that they can reach",
        (
            "Both rules are linear in gradients and states, element by element of theta.",
            f"All states of both, with 1, stay in a space of dimension {found.dimension}: it holds what the first step "
            f"makes of any theta[0] and any gradient, and a step maps it into itself ({_when(found.cases)}; what "
            "changes with n does so part by part).",
            f"At n = 0 and on this space {same} the same.",
        ),
    )


def _by_induction(found: Induction, named: Named, swapped: bool = False) -> Argument:
    marks = ("", "'") if swapped else ("'", "")
    states = [_related(name, other, c, named, marks) for name, (other, c) in found.relation.items()]
    kept = [*states, "theta' = theta"]
    known = [
        words for s, it in found.invariants.items() if (words := _known(f"{s}{marks[1]}", it.range.sign))
    ]
    used = (f"From n = 1 on {', '.join(known)}: true after the first step, and a step keeps it.",)
    return Argument(
        f"by induction over n a step keeps {', '.join(kept)}",
        (
            "Both first steps, from any theta[0] with any gradient, ask at the same points and end at the same theta.",
            f"After it (' marks B's) {', '.join(kept)}.",
            *(used if known else ()),
            f"A step from any such states, with any gradient, asks at the same points and keeps that "
            f"({_when(found.cases)}).",
            "Where the one divides by 0 or takes a root of a negative number, the other does so in the same step.",
        ),
    )


def _when(cases: tuple[Clock, ...]) -> str:
    return "for " + "; ".join(map(str, cases))


def _known(state: str, sign: int) -> str:
    return {2: f"{state} > 0", 1: f"{state} >= 0"}.get(sign, "")


def _related(name: str, other: str, c: Number, named: Named, marks: tuple[str, str]) -> str:
    left = f"{name}{marks[0]}"
    if not other:
        return f"{left} = {float(c.value):.6g}" if c.range is None else f"{left} is a number"
    factor = "" if c.value == 1 else "-" if c.value == -1 else f"{_factor(c, named)}*"
    return f"{left} = {factor}{other}{marks[1]}"


def _factor(c: Number, named: Named) -> str:
    """The number, or the formula of A's parameters that it is."""
    if c.range is None:
        return f"{float(c.value):.6g}"
    for text, value in named:
        if c.value in (value, -value):
            return text if c.value == value else f"-{text}"
        if c.value in (1 / value, -1 / value):
            below = text if text.isidentifier() else f"({text})"
            return f"{'' if (c.value > 0) == (value > 0) else '-'}1/{below}"
    return "c"
