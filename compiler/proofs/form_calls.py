"""Primitives and reductions of the ir on normal forms, with the laws that bring equal expressions together.

|c*x| = |c|*|x|      max(c*x, c*y) = c*max(x, y)      sum(c*x + y) = c*sum(x) + sum(y)      (c > 0, derived)
x if c else y = y + 1[c]*(x - y), where 1[c] is 0 or 1

A value carries what has to hold for it to be there, its domain: of `x if c else y` that of the branch taken.
"""

from __future__ import annotations

from fractions import Fraction
from math import isfinite

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import COMPARISONS, PRIMITIVES
from netc.compiler.calculus.written import exact
from netc.compiler.proofs.comparisons import compared, largest, sign_of
from netc.compiler.proofs.normal_form import HALF, Algebra, NoForm, Poly, constant, number_of
from netc.compiler.proofs.powers import absolute, parts, power
from netc.compiler.proofs.ranges import (
    ANY,
    AT_MOST_ONE,
    NOT_NEGATIVE,
    ONE,
    POSITIVE,
    SHARE,
    UNIT,
    ZERO,
    Number,
    Range,
    by_sign,
    number,
)
from netc.compiler.proofs.signs import key, note_sign, sign

Key = frozenset[tuple[object, Number]]
"""A form, as what a condition is told by."""
Need = tuple[str, object]
Guarded = tuple[frozenset[tuple[Key, bool]], Need]
"""What has to hold where all the conditions come out like this."""
Domain = frozenset[Guarded]
EVERYWHERE: Domain = frozenset()
_ALWAYS: frozenset[tuple[Key, bool]] = frozenset()
PARTIAL = ("log", "log1p", "tan", "sqrt", "pow")
"""Functions that have no value somewhere."""
RANGES = {
    "exp": POSITIVE,
    "softplus": POSITIVE,
    "cosh": Range(ONE),
    "sigmoid": Range(ZERO, ONE, True, True),
    **dict.fromkeys(("tanh", "erf", "sin", "cos"), AT_MOST_ONE),
}


class Forms:
    """Expressions as normal forms; names are looked up in `env`, what they ask for in `domains`."""

    def __init__(self, algebra: Algebra, n: Poly) -> None:
        self.algebra, self.n = algebra, n
        self.env: dict[str, Poly] = {"n": n}
        self.domains: dict[str, Domain] = {}

    def value(self, expr: ir.Expr) -> tuple[Poly, Domain]:
        try:
            return self._value(expr)
        except KeyError:
            raise NoForm("a rule computes with an infinite number") from None

    def _value(self, expr: ir.Expr) -> tuple[Poly, Domain]:
        values: dict[int, Poly] = {}
        domains: dict[int, Domain] = {}
        for node in ir.postorder(expr):
            domain = EVERYWHERE
            match node:
                case ir.Const(value) if not isfinite(value):
                    continue  # fit for a comparison only
                case ir.Const(value):
                    found = constant(exact(value))
                case ir.Apply(op, args) if any(map(_endless, args)):
                    found = constant(_beyond(op, args))
                case ir.Var(name):
                    found, domain = self.env[name], self.domains.get(name, EVERYWHERE)
                case ir.Apply(op, args):
                    found = self.call(op, [values[id(a)] for a in args])
                    domain = self._domain(op, args, values, domains)
                case ir.Reduce(op, arg, _, per):
                    found = self.reduce(op, values[id(arg)], per)
                    domain = frozenset((_ALWAYS, (f"in each of {per or 'all'}", d)) for d in domains[id(arg)])
                case _:
                    raise NoForm(f"{type(node).__name__} stands in no rule")
            values[id(node)] = found
            domains[id(node)] = domain | {(_ALWAYS, need) for need in self.algebra.needs}
            self.algebra.needs.clear()
        return values[id(expr)], domains[id(expr)]

    def _domain(
        self, op: str, args: tuple[ir.Expr, ...], values: dict[int, Poly], domains: dict[int, Domain]
    ) -> Domain:
        if op != "select":
            return EVERYWHERE.union(*(domains[id(a)] for a in args))
        condition = values[id(args[0])]
        decided = number_of(condition)
        if decided is not None and decided.range is None:
            return domains[id(args[0])] | domains[id(args[1 if decided.value else 2])]
        told = condition if () not in condition else self.algebra.sub(constant(1), condition)
        taken = [_guarded(domains[id(args[i])], key(told), (i == 1) == (told is condition)) for i in (1, 2)]
        return domains[id(args[0])].union(*taken)

    # -- functions -----------------------------------------------------------------------------------

    def call(self, op: str, args: list[Poly]) -> Poly:
        a = self.algebra
        match op, args:
            case "neg", [x]:
                return a.neg(x)
            case "add", [x, y]:
                return self._added(x, y)
            case "sub", [x, y]:
                return a.sub(x, y)
            case (("mul" | "and"), [x, y]):
                return self._multiplied(x, y)
            case "div", [x, y]:
                return a.mul(x, power(a, y, Fraction(-1)))
            case "pow", [x, y]:
                return self._power(x, y)
            case "sqrt", [x]:
                return self._root(x)
            case "abs", [x]:
                return absolute(a, x)
            case "sign", [x]:
                return sign_of(a, x)
            case "max", [x, y]:
                return largest(a, x, y)
            case "min", [x, y]:
                return a.neg(largest(a, a.neg(x), a.neg(y)))
            case "select", [c, x, y]:
                return a.add(y, a.mul(c, a.sub(x, y)))
            case "or", [x, y]:
                return a.sub(a.add(x, y), a.mul(x, y))
            case "not", [x]:
                return a.sub(constant(1), x)
            case (("lt" | "gt" | "le" | "ge" | "eq" | "ne"), [x, y]):
                return compared(a, op, x, y, self.n)
            case "stop_gradient", [x]:
                return x
        return self._opaque(op, args)

    def _added(self, x: Poly, y: Poly) -> Poly:
        """A sum of squares, written out, does not show that it is one: its sign is noted."""
        a = self.algebra
        out = a.add(x, y)
        if {key(x), key(y)} & a.squares and sign(a, x) > 0 and sign(a, y) > 0:
            note_sign(a, out, max(sign(a, x), sign(a, y)))
        return out

    def _multiplied(self, x: Poly, y: Poly) -> Poly:
        a = self.algebra
        out = a.mul(x, y)
        if len(x) > 1 and x == y:
            note_sign(a, out, 1)
            a.roots[key(out)] = x
        elif len(x) > 1 and len(y) > 1:
            a.factors[key(out)] = (x, y)
        if {key(x), key(y)} & a.squares and sign(a, x) > 0 and sign(a, y) > 0:
            note_sign(a, out, min(sign(a, x), sign(a, y)))
        return out

    def _opaque(self, op: str, args: list[Poly]) -> Poly:
        """A function of which only its range is known, and that equal arguments give equal values."""
        a = self.algebra
        where = RANGES.get(op, ANY)
        if op == "sqrt" or (op == "floor" and sign(a, args[0]) > 0):
            where = NOT_NEGATIVE
        if op == "pow" and sign(a, args[0]) == 2:
            where = POSITIVE
        return a.atom(a.function(op, tuple(args), where, op in PARTIAL))

    def _root(self, x: Poly) -> Poly:
        return self._or_opaque("sqrt", x, HALF)

    def _or_opaque(self, op: str, x: Poly, e: Fraction) -> Poly:
        before = set(self.algebra.needs)
        try:
            return power(self.algebra, x, e)
        except NoForm:
            self.algebra.needs = before
            return self._opaque(op, [x] if op == "sqrt" else [x, constant(e)])

    def _power(self, x: Poly, y: Poly) -> Poly:
        """x^2, x^(1/2), and b^(n+1) as b times the atom b^n."""
        exponent, base = number_of(y), number_of(x)
        if exponent is not None and exponent.range is None:
            e = exponent.value
            if e.denominator <= 2 and abs(e) <= 8:
                return self._or_opaque("pow", x, e)
            if base is not None and e.denominator == 1 and 0 < e < 10_000 and base.value:
                return constant(base ** int(e)) if base.range is None else self._opaque("pow", [x, y])
        shift = self._of_clock(y)
        if base is not None and shift is not None and (base.sign == 2 or (base.sign == 1 and shift[1] >= 0)):
            return self._of_n(base, *shift)
        return self._opaque("pow", [x, y])

    def _of_clock(self, y: Poly) -> tuple[int, int] | None:
        """(c, d) of c*n + d, both whole and small."""
        n = next(iter(self.n), ())
        if not n or n not in y or set(y) - {n, ()}:
            return None
        times, more = y[n], y.get((), number(0))
        if times.range or more.range or {times.value.denominator, more.value.denominator} != {1}:
            return None
        small = 0 < times.value < 8 and abs(more.value) < 8
        return (int(times.value), int(more.value)) if small else None

    def _of_n(self, base: Number, times: int, more: int) -> Poly:
        """base^(times*n + more) for base > 0, or base >= 0 and more >= 0: 0^0 = 1."""
        a = self.algebra
        share, size = (SHARE, POSITIVE) if base.sign == 2 else (UNIT, NOT_NEGATIVE)
        where = share if (number(1) - base).sign > 0 else size
        i = a.function("power of n", (constant(base),), where)
        return a.scaled(a.atom(i, Fraction(times)), base**more)

    # -- reductions ----------------------------------------------------------------------------------

    def reduce(self, op: ir.Reduction, x: Poly, per: str) -> Poly:
        a = self.algebra
        if op == "norm":
            return self._root(self.reduce("sum", a.mul(x, x), per))
        where = f"{op} per {per}" if per else f"over all {op}"
        if op == "sum":
            return self._summed(where, x)
        if not x:
            return x
        content, rest = parts(a, x)
        ((mono, c),) = content.items()
        out, inside = constant(1), rest
        if not a.vector(rest) and sign(a, rest) == 2:
            out, inside = rest, constant(1)
        common = [f for f in mono if not a.vector({(f,): c}) and a.atoms[f[0]].range.sign == 2]
        size = c if c.sign == 2 else -c if c.sign == -2 else number(1)
        inside = a.mul({tuple(f for f in mono if f not in common): c / size}, inside)
        out = a.mul(out, {tuple(common): size})
        return a.mul(out, a.atom(a.function(where, (inside,), by_sign(sign(a, inside)))))

    def _summed(self, where: str, x: Poly) -> Poly:
        """Linear: what is the same in every element stands outside."""
        a = self.algebra
        out: Poly = {}
        for mono, c in x.items():
            outside = tuple(f for f in mono if not a.atoms[f[0]].vector)
            inside = {tuple(f for f in mono if a.atoms[f[0]].vector): number(1)}
            total = a.atom(a.function(where, (inside,), by_sign(sign(a, inside))))
            out = a.add(out, a.mul({outside: c}, total))
        return out


def _guarded(domain: Domain, key: Key, holds: bool) -> Domain:
    return frozenset((guards | {(key, holds)}, need) for guards, need in domain)


def _endless(expr: ir.Expr) -> bool:
    return isinstance(expr, ir.Const) and not isfinite(expr.value)


def _beyond(op: str, args: tuple[ir.Expr, ...]) -> int:
    """A comparison with infinity, or with none (nan): of real numbers the same for all."""
    other = (ir.Const(0.0) if not _endless(arg) else arg for arg in args)
    if op not in COMPARISONS or all(map(_endless, args)):
        raise NoForm("a rule computes with an infinite number")
    return int(bool(PRIMITIVES[op].value(*(c.value for c in other if isinstance(c, ir.Const)))))
