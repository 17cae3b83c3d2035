"""For which parameters, and under which schedules, two rules are proved to be the same.

A proof is for intervals of A's parameters: at first for all that A admits; else for the open ones of a parameter's
kind (eta > 0, 0 < beta < 1), and then for their ends, one by one, in the interval or as numbers of their own.
Parameters that a schedule changes move: a proof holds for any sequence of their numbers. Nothing here is a test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from netc.compiler.calculus import ir
from netc.compiler.calculus.written import exact
from netc.compiler.proofs.induction import Unproved
from netc.compiler.proofs.normal_form import NoForm
from netc.compiler.proofs.parameters import Moving
from netc.compiler.proofs.prove import Proof, prove
from netc.compiler.proofs.ranges import ANY, NOT_NEGATIVE, Bound, Number, Range, drawn_by, number
from netc.compiler.rules.admitted import admits, admitted
from netc.compiler.rules.conditions import RATE, SIGN, Formulas, rates
from netc.compiler.rules.mapping import WHERE, Tied, drawn, named_values, parts
from netc.compiler.rules.sides import Side
from netc.dsl.record import record

Ranges = Mapping[str, Range]
Moves = frozenset[str]
"""What a schedule may change: RATE, also its SIGN, memories of A."""
CONSTANT: Moves = frozenset()


@record
class Claim:
    proof: Proof
    ranges: Ranges
    """Of A's open parameters: for all of these the rules are the same."""
    moving: Moves
    keeps_sign: bool = False
    """Of the schedules of the rate only those are meant that do not change its sign, though A admits others."""
    left: tuple[str, ...] = ()
    """What A admits and the proof does not reach."""


@dataclass(frozen=True)
class Part:
    """A part of what A admits: intervals, and parameters at an end of theirs."""

    ranges: Ranges
    ends: Mapping[str, Fraction] = field(default_factory=dict)


@record
class Step:
    """Another bound for a parameter, further out."""

    name: str
    end: Literal["low", "high"]
    bound: Bound

    def of(self, part: Part) -> Part:
        value, is_open = self.bound
        known = part.ranges[self.name]
        low = Range(value, known.high, is_open, known.high_open)
        high = Range(known.low, value, known.low_open, is_open)
        return replace(part, ranges={**part.ranges, self.name: low if self.end == "low" else high})

    @property
    def words(self) -> str:
        value, is_open = self.bound
        if value is None:
            return f"{self.name} beyond"
        return f"{self.name} {'<>'[self.end == 'low'] if is_open else '='} {float(value):.6g}"


def claim(a: Side, b: Side, formulas: Formulas, survivors: Moves, thorough: bool = True) -> Claim:
    """The widest that is proved; if not `thorough`, for open intervals and constants. Raises Unproved."""
    search = _Search(a, b, formulas)
    narrow = search.narrow()
    if not thorough:
        return Claim(search.proof(narrow, CONSTANT), narrow.ranges, CONSTANT)
    steps = search.steps(narrow)
    wide, possible = search.widened(narrow, steps)
    wrong = Unproved("")
    for moving in search.moves(survivors):
        for part in [wide] if wide == narrow else [wide, narrow]:
            try:
                proof = search.proof(part, moving)
            except Unproved as error:
                wrong = error
                continue
            taken = possible if part is wide else []
            part, more = search.extended(part, [s for s in steps if s not in taken], moving)
            left = [f"{s.words}: {search.kept_away[s]}" for s in steps if s not in (*taken, *more)]
            keeps_sign = RATE in moving and SIGN not in moving and not search.signed[0]
            return Claim(
                proof, part.ranges, moving, keeps_sign, (*left, *dict.fromkeys(search.constant_there))
            )
    raise wrong


def for_every_schedule(
    a: Side, b: Side, shared: Mapping[str, str], scheduled: tuple[frozenset[str], frozenset[str]]
) -> None:
    """That the rules with their numbers stay the same if parameters of A by name, and those of B that belong to them,
    take any values in common, and other scheduled rates are multiplied by the same numbers. Raises Unproved."""
    allowed = admitted(a.text.optimizer)
    mine = scheduled[0].intersection(rates(a.values)) - shared.keys()
    theirs = scheduled[1].intersection(rates(b.values)) - set(shared.values())
    own = {n: allowed.get(n, Range()) for n in shared}
    formulas = {other: ir.Var(n, ir.SCALAR) for n, other in shared.items()}
    one = _general(a, frozenset({*mine, *shared}))
    other = _general(b, frozenset({*theirs, *shared.values()}))
    factor = NOT_NEGATIVE if refuses_negative_rates(a) else ANY
    prove(one, other, a.numbers, b.numbers, (), Moving((mine, theirs), factor, own, formulas))


def refuses_negative_rates(side: Side) -> bool:
    """By what the rule requires."""
    allowed = admitted(side.text.optimizer)
    lows = [allowed.get(name, ANY).low for name in rates(side.values)]
    return all(low is not None and low >= 0 for low in lows)


class _Search:
    def __init__(self, a: Side, b: Side, formulas: Formulas) -> None:
        self.a, self.b, self.formulas = a, b, formulas
        self.rules: dict[tuple[frozenset[str], ...], tuple[ir.Rule, ir.Rule]] = {}
        self.kept_away: dict[Step, str] = {}
        self.seed = drawn_by(*(repr(side.text.optimizer.definition) for side in (a, b))).getrandbits(64)
        """Of A's parameters."""
        self.constant_there: list[str] = []
        """Ends of parameters that move which are proved for constants."""
        self.signed = refuses_negative_rates(a), refuses_negative_rates(b)
        self.tied = {other: name for name, other in a.values.pairs} if isinstance(a.values, Tied) else {}

    def moves(self, survivors: Moves) -> Iterator[Moves]:
        """What is tried to move, the most first; the rate beyond 0 only where neither rule refuses that."""
        for some in dict.fromkeys([survivors, survivors & {RATE}]):
            if RATE in some and not any(self.signed):
                yield some | {SIGN}
            if some:
                yield some
        yield CONSTANT

    # -- parts ---------------------------------------------------------------------------------------

    def narrow(self) -> Part:
        """Of each parameter that is open the interval of its kind, as far as A admits it."""
        if self.formulas is None:
            return Part({})
        allowed, kinds = admitted(self.a.text.optimizer), parts(self.a.values)
        open_ones = [n for n, v in self.a.values.items() if v and n not in self.tied and kinds[n] in WHERE]
        return Part({n: _inside(WHERE[kinds[n]], allowed.get(n, Range())) for n in open_ones})

    def steps(self, narrow: Part) -> list[Step]:
        """To all that A admits, from the inside outward."""
        allowed = admitted(self.a.text.optimizer)
        found = []
        for name, where in narrow.ranges.items():
            whole = allowed.get(name, Range())
            if where.low is not None:
                closed = whole.low is None or (whole.low, whole.low_open) <= (where.low, False)
                found += [Step(name, "low", (where.low, False))] if closed and where.low_open else []
                further = whole.low is None or whole.low < where.low
                found += [Step(name, "low", (whole.low, whole.low_open))] if further else []
            if where.high is not None:
                closed = whole.high is None or (-whole.high, whole.high_open) <= (-where.high, False)
                found += [Step(name, "high", (where.high, False))] if closed and where.high_open else []
                further = whole.high is None or whole.high > where.high
                found += [Step(name, "high", (whole.high, whole.high_open))] if further else []
        return found

    def widened(self, narrow: Part, steps: list[Step]) -> tuple[Part, list[Step]]:
        """As far as B has parameters that B admits; whether anything is proved there is not asked."""
        part, taken = narrow, list[Step]()
        for step in steps:
            wider = step.of(part)
            try:
                self.numbers(wider)
            except Unproved:
                continue
            part = wider
            taken.append(step)
        return part, taken

    def extended(self, narrow: Part, steps: list[Step], moving: Moves) -> tuple[Part, list[Step]]:
        """One step after the other, for the interval with its end or for the two apart; those that are proved."""
        cases, whole, taken = [narrow], narrow, list[Step]()
        for step in steps:
            try:
                cases = [part for case in cases for part in self._further(case, step, moving)]
            except Unproved as error:
                self.kept_away[step] = str(error)
                continue
            whole = step.of(whole)
            taken.append(step)
        return whole, taken

    def _further(self, case: Part, step: Step, moving: Moves) -> Iterator[Part]:
        if step.name in case.ends:
            yield case
            return
        wider, (value, is_open) = step.of(case), step.bound
        try:
            self.proof(wider, moving)
            yield wider
        except Unproved:
            if value is None or is_open:
                raise
            at_end = replace(case, ends={**case.ends, step.name: value})
            self.proof(at_end, moving - {step.name})
            if step.name in moving:
                self.constant_there.append(f"a schedule in which {step.words} in some steps")
            yield from (case, at_end)

    # -- proofs --------------------------------------------------------------------------------------

    def numbers(self, part: Part) -> tuple[Mapping[str, Number], Mapping[str, Number]]:
        """Of A and of B; raises Unproved where B has none that it admits."""
        if self.formulas is None:
            return self.a.numbers, self.b.numbers
        at = drawn(self.a.values, self.seed, where=part.ranges)
        at |= {name: number(value) for name, value in part.ends.items()}
        at |= {other: at[name] for other, name in self.tied.items()}
        try:
            bt = {n: f.number(at) for n, f in self.formulas.items()}
        except NoForm as error:
            raise Unproved(str(error)) from error
        if not admits(self.b.text.optimizer, bt):
            raise Unproved(f"{self.b.text.name} may not admit its parameters")
        return at, bt

    def proof(self, part: Part, moving: Moves) -> Proof:
        at, bt = self.numbers(part)
        mine, theirs = (frozenset(rates(s.values) if RATE in moving else ()) for s in (self.a, self.b))
        own = {n: part.ranges[n] for n in moving - {RATE, SIGN} - part.ends.keys()}
        formulas = {n: f.expr for n, f in (self.formulas or {}).items()}
        moved = (
            frozenset({*mine, *own, *varying(self.a, at)}),
            frozenset({*theirs, *(formulas if own else ()), *varying(self.b, bt)}),
        )
        if moved not in self.rules:
            self.rules[moved] = _general(self.a, moved[0]), _general(self.b, moved[1])
        one, other = self.rules[moved]
        factor = ANY if SIGN in moving else NOT_NEGATIVE
        named = named_values(at) if self.formulas is not None else ()
        return prove(one, other, at, bt, named, Moving((mine, theirs), factor, own, formulas))


def _general(side: Side, moved: frozenset[str]) -> ir.Rule:
    found = side.text.general(moved)
    if found is None:
        raise Unproved("a rule hangs on the number of parameters in a way that is not followed")
    return found


def varying(side: Side, of: Mapping[str, Number]) -> frozenset[str]:
    """Parameters for which more than the number as given is meant, or another one."""
    return frozenset(n for n, v in of.items() if v.range or v.value != exact(side.values[n]))


def _inside(kind: Range, allowed: Range) -> Range:
    """The open interval of a kind, cut by what is admitted."""
    low, high = (kind.low, kind.low_open), (kind.high, kind.high_open)
    if allowed.low is not None and (
        kind.low is None or (allowed.low, allowed.low_open) > (kind.low, kind.low_open)
    ):
        low = (allowed.low, allowed.low_open)
    if allowed.high is not None and (
        kind.high is None or (-allowed.high, allowed.high_open) > (-kind.high, kind.high_open)
    ):
        high = (allowed.high, allowed.high_open)
    return Range(low[0], high[0], low[1], high[1])
