"""One iteration of a rule in normal forms: where it asks, for what, and its next states, with their domains.

The gradients and losses of an iteration are symbols of which nothing is assumed. epoch is n/m, or n where an iteration
is an epoch. Loops whose ends are no numbers, searches, and values per batch have no form.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from netc.compiler.calculus import ir
from netc.compiler.proofs.form_calls import EVERYWHERE, Domain, Forms
from netc.compiler.proofs.normal_form import MASK, Algebra, NoForm, Poly, constant, number_of
from netc.compiler.proofs.ranges import ANY, ONE, UNIT, Range
from netc.dsl.record import record

MOST_ROUNDS = 16
"""Of a loop; more are not written out."""
COUNT = Range(ONE)


@record
class Values:
    """States and what they ask for."""

    forms: Mapping[str, Poly]
    domains: Mapping[str, Domain]


@record
class Asked:
    """An evaluation: of what, on which batch, where."""

    label: tuple[object, ...]
    point: Poly
    domain: Domain


@record
class Step:
    asked: tuple[Asked, ...]
    next: Values


@record
class Clock:
    """The iterations from `first` to `last`; None: for ever."""

    first: int
    last: int | None

    def split(self, at: int) -> tuple[Clock, Clock]:
        return Clock(self.first, at - 1), Clock(at, self.last)

    def __str__(self) -> str:
        if self.first == self.last:
            return f"n = {self.first}"
        return f"n >= {self.first}" if self.last is None else f"n = {self.first} to {self.last}"


class RuleForms:
    """A rule with forms for its parameters, over an algebra that it may share with another one."""

    def __init__(self, rule: ir.Rule, values: Mapping[str, Poly], algebra: Algebra) -> None:
        self.rule, self.algebra = rule, algebra
        self.states = [s.name for s in rule.states if s.name != "theta"]
        self.vectors = {s.name for s in rule.states if s.axes} | {"theta"}
        weights = algebra.symbol("weights", True, UNIT)
        self.m = algebra.symbol("m", False, COUNT)
        self.fixed = {"weights": weights, "biases": algebra.sub(constant(1), weights), "m": self.m}
        self.fixed |= {mask.name: self._mask(mask.of) for mask in rule.masks}
        self.fixed |= {name: algebra.symbol(name, False, COUNT) for name in ("samples", ir.SIZE)}
        self.fixed |= {h.name: values[h.name] for h in rule.hypers if h.name in values}

    def _mask(self, of: str) -> Poly:
        """0 or 1 in each element. Of a layer's weights: the layer's mask times that of weights."""
        layer, _, word = of.partition(".")
        if word in ("weights", "biases"):
            return self.algebra.mul(self._mask(layer), self.fixed[word])
        return self.algebra.symbol(f"{MASK} {of}", True, UNIT)

    def start(self, theta: Poly) -> Values:
        forms = self._forms(constant(0))
        forms.env["theta"] = theta
        found = {s.name: forms.value(s.initial) for s in self.rule.states if s.name != "theta"}
        found["theta"] = theta, EVERYWHERE
        return Values({n: p for n, (p, _) in found.items()}, {n: d for n, (_, d) in found.items()})

    def _forms(self, n: Poly) -> Forms:
        forms = Forms(self.algebra, n)
        (((m, _),),) = self.m
        per_epoch = self.algebra.atom(m, Fraction(-1))
        forms.env |= {
            **self.fixed,
            "epoch": n if self.rule.visits_batches else self.algebra.mul(n, per_epoch),
        }
        return forms

    def moment(self, clock: Clock) -> Poly:
        """n in these iterations."""
        if clock.first == clock.last:
            return constant(clock.first)
        where = Range(Fraction(clock.first), None if clock.last is None else Fraction(clock.last))
        return self.algebra.symbol(str(clock), False, where)

    def step(self, states: Values, n: Poly) -> Step:
        """Raises NoForm, and Undecided where a comparison with n comes out either way."""
        forms = self._forms(n)
        forms.env |= states.forms
        forms.domains |= states.domains
        asked: list[Asked] = []
        self._run(self.rule.body, forms, asked)
        new = {c.state: c.value for c in self.rule.commits}
        return Step(
            tuple(asked),
            Values(
                {s: forms.env[v] for s, v in new.items()},
                {s: forms.domains.get(v, EVERYWHERE) for s, v in new.items()},
            ),
        )

    def _run(self, body: tuple[ir.Stmt, ...], forms: Forms, asked: list[Asked]) -> None:
        for stmt in body:
            match stmt:
                case ir.Assign(name, value):
                    forms.env[name], forms.domains[name] = forms.value(value)
                case ir.Evaluate():
                    self._evaluate(stmt, forms, asked)
                case ir.For(index, first, last, inside):
                    ends = [number_of(forms.value(e)[0]) for e in (first, last)]
                    if ends[0] is None or ends[1] is None or ends[0].range or ends[1].range:
                        raise NoForm("a loop has no fixed number of rounds")
                    low, high = (round(e.value) for e in ends if e is not None)
                    if high - low > MOST_ROUNDS:
                        raise NoForm("a loop has too many rounds")
                    for i in range(low, high + 1):
                        forms.env[index], forms.domains[index] = constant(i), EVERYWHERE
                        self._run(inside, forms, asked)
                case ir.Tell():
                    pass  # gradients are given, whatever layers are told
                case ir.Repeat():
                    raise NoForm("how many rounds a search takes is not known")
                case ir.Stop():
                    raise NoForm("a rule may end the run")
                case ir.Fetch() | ir.Store():
                    raise NoForm("a value is kept for each batch")
                case _:
                    raise NoForm("a rule branches between statements")

    def _evaluate(self, stmt: ir.Evaluate, forms: Forms, asked: list[Asked]) -> None:
        batch: object = stmt.batch
        domain = forms.domains.get(stmt.point, EVERYWHERE)
        if not isinstance(stmt.batch, str):
            chosen, more = forms.value(stmt.batch)
            batch, domain = frozenset(chosen.items()), domain | more
        k = len(asked)
        asked.append(Asked((batch, bool(stmt.loss), bool(stmt.gradient)), forms.env[stmt.point], domain))
        if stmt.loss:
            forms.env[stmt.loss] = self.algebra.symbol(f"loss {k}", False, ANY)
            forms.domains[stmt.loss] = EVERYWHERE
        if stmt.gradient:
            forms.env[stmt.gradient] = self.algebra.symbol(f"gradient {k}", True, ANY)
            forms.domains[stmt.gradient] = EVERYWHERE
