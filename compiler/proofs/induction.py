"""A proof that two rules do the same, step by step: B's states are those of A times numbers, now and for ever.

After the first step from the start each state of B must be a number times one of A, or a number for good. If a
step from any states with that relation keeps it, and both ask at the same points, they do so always. All of it
is done in normal forms (`normal_form.py`), with n as a symbol; where a comparison with n comes out in two ways, for
the iterations before and after apart. What is known of A's states (a number for good, positive, not negative,
always there) is an invariant: it holds after the first step, and a step keeps it.

Where that does not succeed nothing is said: the rules may be the same by a law that is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice, product

from netc.compiler.calculus import ir
from netc.compiler.proofs.comparisons import Undecided
from netc.compiler.proofs.form_calls import EVERYWHERE, Domain
from netc.compiler.proofs.normal_form import Algebra, NoForm, Poly, constant, number_of
from netc.compiler.proofs.parameters import Parameters
from netc.compiler.proofs.ranges import ANY, NOT_NEGATIVE, POSITIVE, Number, Range, number
from netc.compiler.proofs.rule_forms import Clock, RuleForms, Step, Values
from netc.compiler.proofs.signs import sign
from netc.dsl.record import record

Relation = Mapping[str, tuple[str, Number]]
"""Of each state of B a state of A and the number between them; without a state it is the number."""
MOST = 12
"""Pairings of states that are tried."""
MOST_CASES = 24
"""Of n."""


class Unproved(Exception):
    """What kept the proof away."""


@record
class Invariant:
    """Of a state of A from n = 1 on."""

    fixed: Poly | None
    """It is this number for good."""
    range: Range
    there: bool
    """It has a value, whatever the gradients."""


@record
class Induction:
    relation: Relation
    invariants: Mapping[str, Invariant]
    cases: tuple[Clock, ...]


def induction(a: ir.Rule, b: ir.Rule, parameters: Parameters) -> Induction:
    """The proof that both have the same theta and the same points, whatever the gradients. Raises Unproved."""
    try:
        return _Pair(a, b, parameters).proved()
    except NoForm as error:
        raise Unproved(str(error)) from error


@record
class _Case:
    clock: Clock
    n: Poly
    step: Step


class _Pair:
    def __init__(self, a: ir.Rule, b: ir.Rule, parameters: Parameters) -> None:
        self.algebra = Algebra()
        at, bt = parameters.forms(self.algebra)
        self.a, self.b = RuleForms(a, at, self.algebra), RuleForms(b, bt, self.algebra)

    def proved(self) -> Induction:
        theta = self.algebra.symbol("state theta", True)
        zero = constant(0)
        one, other = (m.step(m.start(theta), zero) for m in (self.a, self.b))
        wrong = self._apart(one, other)
        if wrong:
            raise Unproved(f"at n = 0 {wrong}")
        states, invariants, cases = self._invariants(one)
        wrong = "no state of the one is a number times a state of the other"
        for relation in self._relations(one, other):
            try:
                done = self._kept(relation, states, cases)
            except Unproved as error:
                wrong = str(error)
                continue
            return Induction(relation, invariants, done)
        raise Unproved(wrong)

    # -- A by itself ---------------------------------------------------------------------------------

    def _invariants(self, first: Step) -> tuple[Values, Mapping[str, Invariant], list[_Case]]:
        """The strongest that the first step makes true, weakened until a step keeps them all."""
        guess = {s: self._after(first, s) for s in self.a.states}
        while True:
            states = self._states(guess)
            cases = self._cases(states, Clock(1, None))
            weaker = {s: self._weakened(s, g, cases) for s, g in guess.items()}
            if weaker == guess:
                return states, guess, cases
            guess = weaker

    def _after(self, first: Step, state: str) -> Invariant:
        value, there = first.next.forms[state], not first.next.domains[state]
        known = sign(self.algebra, value)
        where = POSITIVE if known == 2 else NOT_NEGATIVE if known == 1 else ANY
        return Invariant(None if number_of(value) is None else value, where, there)

    def _weakened(self, state: str, known: Invariant, cases: list[_Case]) -> Invariant:
        for case in cases:
            value, domain = case.step.next.forms[state], case.step.next.domains[state]
            if known.there and domain:
                known = replace(known, there=False)
            if known.fixed is not None and not self.algebra.equal(value, known.fixed):
                known = replace(known, fixed=None)
            if sign(self.algebra, value) < known.range.sign:
                known = replace(known, range=NOT_NEGATIVE if sign(self.algebra, value) == 1 else ANY)
        return known

    def _states(self, known: Mapping[str, Invariant]) -> Values:
        forms = {"theta": self.algebra.symbol("state theta", True)}
        domains = {"theta": EVERYWHERE}
        for name, it in known.items():
            symbol = self.algebra.symbol(
                f"state {name}, sign {it.range.sign}", name in self.a.vectors, it.range
            )
            forms[name] = symbol if it.fixed is None else it.fixed
            domains[name] = EVERYWHERE if it.there else _asks_for(name)
        return Values(forms, domains)

    def _cases(self, states: Values, clock: Clock) -> list[_Case]:
        """A's step in these iterations, in as many cases as it takes."""
        waiting, done = [clock], list[_Case]()
        while waiting:
            now = waiting.pop()
            n = self.a.moment(now)
            try:
                done.append(_Case(now, n, self.a.step(states, n)))
            except Undecided as found:
                waiting += _split(now, found.at)
            if len(done) + len(waiting) > MOST_CASES:
                raise Unproved("n is compared with too many numbers")
        return done

    # -- both ----------------------------------------------------------------------------------------

    def _apart(self, x: Step, y: Step) -> str:
        """How the two steps differ, if they are not shown to be the same."""
        if [q.label for q in x.asked] != [q.label for q in y.asked]:
            return "they ask for other things"
        for p, q in zip(x.asked, y.asked, strict=True):
            if not self.algebra.equal(p.point, q.point):
                return "the points where they ask have no common form"
            if p.domain != q.domain:
                return "they may be undefined (0/0, a root) in different places"
        if not self.algebra.equal(x.next.forms["theta"], y.next.forms["theta"]):
            return "theta[n+1] has no common form"
        if x.next.domains["theta"] != y.next.domains["theta"]:
            return "theta[n+1] may be undefined (0/0, a root) in different places"
        return ""

    def _relations(self, x: Step, y: Step) -> Iterator[Relation]:
        choices = []
        for name in self.b.states:
            value = y.next.forms[name]
            fixed = number_of(value)
            found: list[tuple[str, Number]] = [] if fixed is None else [("", fixed)]
            found += [
                (other, c)
                for other in self.a.states
                if (other in self.a.vectors) == (name in self.b.vectors)
                and (c := self._ratio(value, x.next.forms[other])) is not None
            ]
            choices.append(sorted(found, key=lambda pair: pair[0] != name))
        for chosen in islice(product(*choices), MOST):
            yield dict(zip(self.b.states, chosen, strict=True))

    def _ratio(self, p: Poly, q: Poly) -> Number | None:
        if not p and not q:
            return number(1)
        return self.algebra.ratio(p, q)

    def _kept(self, relation: Relation, states: Values, cases: list[_Case]) -> tuple[Clock, ...]:
        """The cases of n in which a step keeps the relation; raises Unproved where it does not."""
        theirs = self._related(relation, states)
        waiting, done = list(cases), list[Clock]()
        while waiting:
            case = waiting.pop()
            try:
                step = self.b.step(theirs, case.n)
            except Undecided as found:
                waiting += [c for half in _split(case.clock, found.at) for c in self._cases(states, half)]
                if len(waiting) + len(done) > MOST_CASES:
                    raise Unproved("n is compared with too many numbers") from None
                continue
            wrong = self._apart(case.step, step) or self._broken(relation, case.step.next, step.next)
            if wrong:
                raise Unproved(f"at {case.clock} {wrong}")
            done.append(case.clock)
        return tuple(sorted(done, key=lambda c: c.first))

    def _related(self, relation: Relation, states: Values) -> Values:
        forms, domains = {"theta": states.forms["theta"]}, {"theta": states.domains["theta"]}
        for name, (other, c) in relation.items():
            forms[name] = self.algebra.scaled(states.forms[other], c) if other else constant(c)
            domains[name] = states.domains[other] if other else EVERYWHERE
        return Values(forms, domains)

    def _broken(self, relation: Relation, after: Values, step: Values) -> str:
        expected = self._related(relation, after)
        for name in relation:
            if not self.algebra.equal(step.forms[name], expected.forms[name]):
                return f"the states {name} and {relation[name][0] or 'a number'} part"
            if step.domains[name] != expected.domains[name]:
                return f"{name} may be undefined (0/0, a root) in other places"
        return ""


def _split(clock: Clock, at: int) -> tuple[Clock, Clock]:
    if at <= clock.first or (clock.last is not None and at > clock.last):
        raise NoForm("a comparison with n is not decided")
    return clock.split(at)


def _asks_for(state: str) -> Domain:
    return frozenset({(frozenset(), ("state", state))})
