"""A proof that two rules do the same, step by step: B's states are those of A times numbers, now and for ever.

After the first step from the start each state of B must be a number times one of A, or a number for good. If a
step from any states with that relation keeps it, and both ask at the same points, they do so always. All of it
is done in normal forms (`normal_form.py`), with n as a symbol. Where that does not succeed nothing is said: the
rules may be the same by a law that is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product

from netc.compiler.calculus import ir
from netc.compiler.rules.form_calls import ONE, Forms
from netc.compiler.rules.normal_form import Algebra, NoForm, Poly, constant, number_of

Env = dict[str, Poly]
Relation = Mapping[str, tuple[str, Fraction]]
MOST = 12
"""Pairings of states that are tried."""


@dataclass(frozen=True)
class Step:
    points: tuple[Poly, ...]
    labels: tuple[str, ...]
    next: Env


def same_for_ever(a: ir.Rule, b: ir.Rule, at: Mapping[str, Fraction], bt: Mapping[str, Fraction]) -> bool:
    """Whether it is proved that both have the same theta and the same points, whatever the gradients."""
    try:
        return _Pair(a, b, at, bt).proved()
    except (NoForm, KeyError, ZeroDivisionError):
        return False


class _Pair:
    def __init__(
        self, a: ir.Rule, b: ir.Rule, at: Mapping[str, Fraction], bt: Mapping[str, Fraction]
    ) -> None:
        self.algebra = Algebra()
        self.a, self.b = _Machine(a, at, self.algebra), _Machine(b, bt, self.algebra)

    def proved(self) -> bool:
        theta = self.algebra.symbol("state theta", True)
        starts = [machine.start(theta) for machine in (self.a, self.b)]
        first = [m.step(s, constant(0)) for m, s in zip((self.a, self.b), starts, strict=True)]
        if not self._agree(*first):
            return False
        n = self.algebra.symbol("n", False, 1, 9)
        for states in self._states(first[0], n):
            later = self.a.step(states, n)
            if any(self._kept(relation, states, later, n) for relation in self._relations(*first)):
                return True
        return False

    def _states(self, first: Step, n: Poly) -> Iterator[Env]:
        """Those of A in general: what is a number now and stays it is that number."""
        free = {s: self.algebra.symbol(f"state {s}", self.a.vector(s)) for s in ("theta", *self.a.states)}
        numbers = {s: p for s, p in first.next.items() if s != "theta" and number_of(p) is not None}
        if numbers:
            fixed = {**free, **numbers}
            later = self.a.step(fixed, n)
            if all(later.next[s] == p for s, p in numbers.items()):
                yield fixed
        yield free

    def _agree(self, x: Step, y: Step) -> bool:
        if x.labels != y.labels:
            return False
        pairs = [*zip(x.points, y.points, strict=True), (x.next["theta"], y.next["theta"])]
        return all(self.algebra.equal(p, q) for p, q in pairs)

    def _relations(self, x: Step, y: Step) -> Iterator[Relation]:
        """For each state of B a state of A and the number between them; without a state it is the number."""
        choices = []
        for name in self.b.states:
            number = number_of(y.next[name])
            found: list[tuple[str, Fraction]] = [] if number is None else [("", number)]
            found += [
                (other, c)
                for other in self.a.states
                if self.a.vector(other) == self.b.vector(name)
                and (c := self._ratio(y.next[name], x.next[other])) is not None
            ]
            choices.append(sorted(found, key=lambda pair: pair[0] != name))
        for chosen in islice(product(*choices), MOST):
            yield dict(zip(self.b.states, chosen, strict=True))

    def _ratio(self, p: Poly, q: Poly) -> Fraction | None:
        if not p and not q:
            return ONE
        return self.algebra.ratio(p, q)

    def _kept(self, relation: Relation, states: Env, later: Step, n: Poly) -> bool:
        states, after = {"": constant(1), **states}, {"": constant(1), **later.next}
        theirs = {name: self._times(c, states[other]) for name, (other, c) in relation.items()}
        step = self.b.step({**theirs, "theta": states["theta"]}, n)
        return self._agree(later, step) and all(
            self.algebra.equal(step.next[name], self._times(c, after[other]))
            for name, (other, c) in relation.items()
        )

    def _times(self, c: Fraction, p: Poly) -> Poly:
        return {m: c * v for m, v in p.items()}


class _Machine:
    """One rule in normal forms."""

    def __init__(self, rule: ir.Rule, values: Mapping[str, Fraction], algebra: Algebra) -> None:
        self.rule, self.algebra = rule, algebra
        self.states = [s.name for s in rule.states if s.name != "theta"]
        self.axes = {s.name: s.axes for s in rule.states}
        self.fixed = {h.name: constant(values[h.name]) for h in rule.hypers if h.name in values}
        weights = algebra.symbol("weights", True, 0, 1)
        self.fixed |= {"weights": weights, "biases": algebra.add(constant(1), weights, -ONE)}
        self.fixed |= {"m": algebra.symbol("m", False, 1, 9), "epoch": algebra.symbol("epoch", False, 1, 9)}

    def vector(self, state: str) -> bool:
        return bool(self.axes[state])

    def start(self, theta: Poly) -> Env:
        forms = self._forms(constant(0))
        forms.env["theta"] = theta
        return {s.name: forms.value(s.initial) for s in self.rule.states if s.name != "theta"} | {
            "theta": theta
        }

    def _forms(self, n: Poly) -> Forms:
        forms = Forms(self.algebra)
        forms.env = {**self.fixed, "n": n}
        return forms

    def step(self, states: Env, n: Poly) -> Step:
        forms = self._forms(n)
        forms.env |= states
        points: list[Poly] = []
        labels: list[str] = []
        self._run(self.rule.body, forms, points, labels)
        return Step(tuple(points), tuple(labels), {c.state: forms.env[c.value] for c in self.rule.commits})

    def _run(self, body: tuple[ir.Stmt, ...], forms: Forms, points: list[Poly], labels: list[str]) -> None:
        for stmt in body:
            match stmt:
                case ir.Assign(name, value):
                    forms.env[name] = forms.value(value)
                case ir.Evaluate(point, batch, loss, gradient):
                    number = "" if isinstance(batch, str) else str(number_of(forms.value(batch)))
                    asked = f"{batch if isinstance(batch, str) else number} {bool(loss)} {bool(gradient)}"
                    points.append(forms.env[point])
                    labels.append(asked)
                    if loss:
                        forms.env[loss] = self.algebra.symbol(f"loss {len(points)}", False)
                    if gradient:
                        forms.env[gradient] = self.algebra.symbol(f"gradient {len(points)}", True)
                case ir.For(index, first, last, inside):
                    ends = [number_of(forms.value(e)) for e in (first, last)]
                    if ends[0] is None or ends[1] is None or ends[1] - ends[0] > 16:
                        raise NoForm
                    for i in range(round(ends[0]), round(ends[1]) + 1):
                        forms.env[index] = constant(i)
                        self._run(inside, forms, points, labels)
                case _:
                    raise NoForm
