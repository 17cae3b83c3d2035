"""Primitives and reductions of the ir on normal forms, with the laws that bring equal expressions together.

|c*x| = |c|*|x|      max(c*x, c*y) = c*max(x, y)      sum(c*x + y) = c*sum(x) + sum(y)      (c > 0)
x if c else y = y + 1[c]*(x - y), where 1[c] is 0 or 1
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.rules.normal_form import HALF, Algebra, Mono, NoForm, Poly, constant, number_of

MINUS = Fraction(-1)
ONE = Fraction(1)


class Forms:
    """Expressions as normal forms; names are looked up in `env`."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self.env: dict[str, Poly] = {}

    def value(self, expr: ir.Expr) -> Poly:
        values: dict[int, Poly] = {}
        for node in ir.postorder(expr):
            match node:
                case ir.Const(value):
                    values[id(node)] = constant(exact(value))
                case ir.Var(name):
                    values[id(node)] = self.env[name]
                case ir.Apply(op, args):
                    values[id(node)] = self.call(op, [values[id(a)] for a in args])
                case ir.Reduce(op, arg, _, per):
                    values[id(node)] = self.reduce(op, values[id(arg)], per)
                case _:
                    raise AssertionError(f"{type(node).__name__} stands in no rule")
        return values[id(expr)]

    # -- functions -----------------------------------------------------------------------------------

    def call(self, op: str, args: list[Poly]) -> Poly:
        a = self.algebra
        match op, args:
            case "neg", [x]:
                return a.add({}, x, MINUS)
            case (("add" | "sub"), [x, y]):
                return a.add(x, y, ONE if op == "add" else MINUS)
            case (("mul" | "and"), [x, y]):
                return a.mul(x, y)
            case "div", [x, y]:
                return a.mul(x, a.power(y, MINUS))
            case "pow", [x, y]:
                return self._power(x, y)
            case "sqrt", [x]:
                return self._root(x)
            case "abs", [x]:
                return self._absolute(x)
            case "sign", [x]:
                return self._sign(x)
            case "max", [x, y]:
                return self._largest(x, y)
            case "min", [x, y]:
                return a.add({}, self._largest(a.add({}, x, MINUS), a.add({}, y, MINUS)), MINUS)
            case "select", [c, x, y]:
                return a.add(y, a.mul(c, a.add(x, y, MINUS)))
            case "or", [x, y]:
                return a.add(a.add(x, y), a.mul(x, y), MINUS)
            case "not", [x]:
                return a.add(constant(1), x, MINUS)
            case (("lt" | "gt" | "le" | "ge" | "eq" | "ne"), [x, y]):
                return self._compared(op, x, y)
            case "stop_gradient", [x]:
                return x
        return a.function(op, tuple(args))

    def _root(self, x: Poly) -> Poly:
        try:
            return self.algebra.power(x, HALF)
        except NoForm:
            return self.algebra.function("sqrt", (x,))

    def _power(self, x: Poly, y: Poly) -> Poly:
        """x^2, x^(1/2), and beta^(n+1) as beta times the symbol beta^n."""
        a, exponent, base = self.algebra, number_of(y), number_of(x)
        if exponent is not None and exponent.denominator <= 2 and abs(exponent) <= 8:
            return a.power(x, exponent)
        if base is not None and exponent is not None and exponent.denominator == 1 and abs(exponent) < 10_000:
            return constant(base ** int(exponent)) if base or exponent >= 0 else a.power(x, MINUS)
        n = next(iter(self.env["n"]), None)
        if base is not None and 0 < base < 1 and n and set(y) <= {n, ()}:
            times, more = y.get(n, Fraction(0)), y.get((), Fraction(0))
            if times.denominator == more.denominator == 1 and 0 < times < 8 and abs(more) < 8:
                power = a.symbol(f"{base}^n", False, 0.05, 0.95)
                return a.mul(constant(base ** int(more)), a.power(power, times))
        return a.function("pow", (x, y))

    def _absolute(self, x: Poly) -> Poly:
        a = self.algebra
        if len(x) != 1:
            if not x:
                return x
            content, rest = a.parts(x)
            inside = rest if np.all(a.samples(rest) > 0) else a.function("abs", (rest,))
            return a.mul(self._absolute(content), inside)
        ((mono, c),) = x.items()
        out = constant(abs(c))
        for i, e in mono:
            factor: Poly = {((i, e),): ONE}
            if not (a.positive(i) or e % 2 == 0 or e.denominator > 1):
                factor = a.power(a.function("abs", ({((i, ONE),): ONE},)), e)
            out = a.mul(out, factor)
        return out

    def _sign(self, x: Poly) -> Poly:
        """Positive numbers out; a vector that is never negative may be 0, so it stays."""
        a = self.algebra
        if not x:
            return x
        content, rest = a.parts(x)
        ((mono, c),) = content.items()
        kept = tuple((i, e) for i, e in mono if a.atoms[i].vector or not a.positive(i))
        inside = a.mul({kept: ONE}, rest)
        signed = constant(1) if number_of(inside) == 1 else a.function("sign", (inside,))
        return signed if c > 0 else a.add({}, signed, MINUS)

    def _largest(self, x: Poly, y: Poly) -> Poly:
        a = self.algebra
        difference = a.add(x, y, MINUS)
        if not difference or self._never_negative(difference):
            return x
        if self._never_negative(a.add({}, difference, MINUS)):
            return y
        if number_of(x) is not None:
            x, y = y, x
        number = abs(x[min(x, key=a._order)])
        scaled = [{m: c / number for m, c in p.items()} for p in (x, y)]
        scaled.sort(key=lambda p: (len(p), float(a.samples(p)[0])))
        return a.mul(constant(number), a.function("max", tuple(scaled)))

    def _never_negative(self, x: Poly) -> bool:
        """Each term is: even powers, positive numbers."""
        return all(c > 0 and all(self._even(m, i, e) for i, e in m) for m, c in x.items())

    def _even(self, mono: Mono, i: int, e: Fraction) -> bool:
        return (
            e % 2 == 0 or e.denominator > 1 or self.algebra.positive(i) or self.algebra.atoms[i].op == "abs"
        )

    def _compared(self, op: str, x: Poly, y: Poly) -> Poly:
        a = self.algebra
        match op:
            case "gt" | "le":
                above = self._positive(a.add(x, y, MINUS))
                return above if op == "gt" else a.add(constant(1), above, MINUS)
            case "lt" | "ge":
                below = self._positive(a.add(y, x, MINUS))
                return below if op == "lt" else a.add(constant(1), below, MINUS)
        difference = a.add(x, y, MINUS)
        both = a.mul(
            *(a.add(constant(1), self._positive(a.add({}, difference, s)), MINUS) for s in (ONE, MINUS))
        )
        return both if op == "eq" else a.add(constant(1), both, MINUS)

    def _positive(self, x: Poly) -> Poly:
        """1 where x > 0, else 0; n is at least 1 here."""
        a = self.algebra
        number = number_of(x)
        n = next(iter(self.env["n"]), None)
        if number is None and n and set(x) <= {n, ()}:
            slope, at_one = x[n], x[n] + x.get((), Fraction(0))
            if (slope > 0) == (at_one > 0) and (at_one or slope < 0):
                number = slope
        if number is not None:
            return constant(int(number > 0))
        content, rest = a.parts(x)
        ((mono, c),) = content.items()
        kept = {tuple((i, e) for i, e in mono if not a.positive(i)): ONE if c > 0 else MINUS}
        return a.function("positive", (a.mul(kept, rest),))

    # -- reductions ----------------------------------------------------------------------------------

    def reduce(self, op: ir.Reduction, x: Poly, per: str) -> Poly:
        a = self.algebra
        if op == "norm":
            return self._root(self.reduce("sum", a.mul(x, x), per))
        where = f"{op} per {per}" if per else f"over all {op}"
        if op != "sum" or per:
            content, rest = a.parts(x) if x else (constant(1), x)
            ((mono, c),) = content.items()
            number = constant(abs(c))
            inside = a.mul({mono: ONE if c > 0 else MINUS}, rest)
            return a.mul(number, a.function(where, (inside,)))
        out: Poly = {}
        for mono, c in x.items():
            outside = tuple(f for f in mono if not a.atoms[f[0]].vector)
            inside = {tuple(f for f in mono if a.atoms[f[0]].vector): ONE}
            out = a.add(out, a.mul({outside: c}, a.function(where, (inside,))))
        return out


def exact(value: float) -> Fraction:
    """What the digits say: 0.1 is a tenth."""
    if not np.isfinite(value):
        raise NoForm
    return Fraction(repr(float(value)))
