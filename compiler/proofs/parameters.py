"""What the parameters of two rules are: numbers for good, or other ones in each step, as a schedule makes them.

What moves is a symbol, a new one in each step, of which only its range is known: any sequence of numbers, whatever
it hangs on. Constants of an induction and matrices of a linear rule are free of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from netc.compiler.calculus import ir
from netc.compiler.proofs.form_calls import Forms
from netc.compiler.proofs.normal_form import Algebra, NoForm, Poly, constant
from netc.compiler.proofs.ranges import ANY, Number, Range
from netc.dsl.record import record

Numbers = Mapping[str, Number]
Polys = Mapping[str, Poly]


@dataclass(frozen=True)
class Moving:
    """Parameters that are other numbers in each step."""

    rates: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    """Of A and of B: their numbers times a factor c[n], the same one in both."""
    factor: Range = ANY
    """Where c[n] lies."""
    own: Mapping[str, Range] = field(default_factory=dict)
    """Of A: any numbers from these ranges."""
    formulas: Mapping[str, ir.Expr] = field(default_factory=dict)
    """B's parameters by A's, in each step."""


CONSTANT = Moving()


@record
class Parameters:
    """Of A and of B."""

    a: Numbers
    b: Numbers
    moving: Moving = CONSTANT
    turned: bool = False
    """B is asked for first."""

    def forms(self, algebra: Algebra) -> tuple[Polys, Polys]:
        """In one step. Raises NoForm where one of B's may have no value."""
        moving = self.moving
        mine = {n: constant(x) for n, x in self.a.items()}
        mine |= {n: algebra.symbol(f"parameter {n}", False, where) for n, where in moving.own.items()}
        theirs = {n: constant(x) for n, x in self.b.items()}
        if moving.own:
            theirs |= {n: _by_formula(algebra, mine, expr) for n, expr in moving.formulas.items()}
        if any(moving.rates):
            factor = algebra.symbol("factor of the rates", False, moving.factor)
            for values, rates in ((mine, moving.rates[0]), (theirs, moving.rates[1])):
                values |= {n: algebra.mul(values[n], factor) for n in rates}
        return (theirs, mine) if self.turned else (mine, theirs)

    def turn(self) -> Parameters:
        return replace(self, turned=not self.turned)


def _by_formula(algebra: Algebra, values: Polys, formula: ir.Expr) -> Poly:
    forms = Forms(algebra, {})
    forms.env |= values
    found, domain = forms.value(formula)
    if domain:
        raise NoForm("a parameter of B may have no value")
    return found
