"""Exact algebra with roots: polynomials with fractions as coefficients in atoms with fractions as exponents.

    atoms       states, gradients, n, beta^n, and functions of polynomials: |x|, sign(x), max(x, y), sum(x), ...
    sums        a sum below a root or a fraction line is an atom of its own, its common factors taken out

`sqrt(s/(1 - q)) + eps` and `(sqrt(s) + eps*sqrt(1 - q))/sqrt(1 - q)` come out as one form. A zero is a zero;
what differs may all the same be equal by a law that is not here. Numbers carry samples, which only tell signs
and sort out candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus.primitives import PRIMITIVES

Mono = tuple[tuple[int, Fraction], ...]
"""Atoms by number, each with its exponent, in order."""
Poly = dict[Mono, Fraction]
SAMPLES = 8
MOST = 400
"""Terms; a longer form is given up."""
HALF = Fraction(1, 2)


class NoForm(Exception):
    """The expression is none that this algebra knows."""


@dataclass(frozen=True)
class Atom:
    op: str
    args: tuple[Poly, ...]
    samples: NDArray[np.float64]
    vector: bool
    """Differs from element to element."""


class Algebra:
    """The atoms that two rules have in common."""

    def __init__(self) -> None:
        self.atoms: list[Atom] = []
        self.names: dict[str, int] = {}
        self.draw = np.random.default_rng(17)

    # -- making --------------------------------------------------------------------------------------

    def symbol(self, name: str, vector: bool, low: float = -2.0, high: float = 2.0) -> Poly:
        if name not in self.names:
            self.names[name] = len(self.atoms)
            self.atoms.append(Atom(name, (), self.draw.uniform(low, high, SAMPLES), vector))
        return {((self.names[name], Fraction(1)),): Fraction(1)}

    def function(self, op: str, args: tuple[Poly, ...], exponent: Fraction = Fraction(1)) -> Poly:
        """An atom op(args), the one that is already there if its arguments are equal."""
        samples = self._sampled(op, [self.samples(a) for a in args])
        for i, atom in enumerate(self.atoms):
            if (
                atom.op == op
                and _close(atom.samples, samples)
                and all(self.equal(a, b) for a, b in zip(atom.args, args, strict=True))
            ):
                return {((i, exponent),): Fraction(1)}
        vector = not op.startswith("over all") and any(map(self.vector, args))
        self.atoms.append(Atom(op, args, samples, vector))
        return {((len(self.atoms) - 1, exponent),): Fraction(1)}

    def _sampled(self, op: str, args: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            if op == "sum":
                return args[0]
            if op == "positive":
                return np.asarray(args[0] > 0, np.float64)
            if op in PRIMITIVES:
                return np.broadcast_to(PRIMITIVES[op].value(*args), SAMPLES).astype(np.float64)
        # A reduction has no value at a sample: some number that belongs to its argument.
        return np.abs(np.sin(args[0] * 12.9898)) + 0.5

    def samples(self, p: Poly) -> NDArray[np.float64]:
        total = np.zeros(SAMPLES)
        with np.errstate(all="ignore"):
            for mono, c in p.items():
                term = np.full(SAMPLES, float(c))
                for i, e in mono:
                    x = self.atoms[i].samples
                    term = term * (x ** int(e) if e.denominator == 1 else np.abs(x) ** float(e))
                total = total + term
        return total

    def vector(self, p: Poly) -> bool:
        return any(self.atoms[i].vector for mono in p for i, _ in mono)

    def positive(self, i: int) -> bool:
        """Wherever it was looked at; true of states below a root by the root itself."""
        return bool(np.all(self.atoms[i].samples > 0))

    # -- sums and products ---------------------------------------------------------------------------

    def add(self, p: Poly, q: Poly, factor: Fraction = Fraction(1)) -> Poly:
        out = dict(p)
        for mono, c in q.items():
            out[mono] = out.get(mono, Fraction(0)) + factor * c
        return {mono: c for mono, c in out.items() if c}

    def mul(self, p: Poly, q: Poly) -> Poly:
        if len(p) * len(q) > MOST:
            raise NoForm
        out: Poly = {}
        for m, c in p.items():
            for k, d in q.items():
                out = self.add(out, self._product(m, k), c * d)
        return out

    def _product(self, m: Mono, k: Mono) -> Poly:
        exponents = dict(m)
        for i, e in k:
            exponents[i] = exponents.get(i, Fraction(0)) + e
        return self._reduced(exponents)

    def _reduced(self, exponents: Mapping[int, Fraction]) -> Poly:
        """Whole powers of sums written out, even ones of |x| as those of x, indicators once."""
        kept: dict[int, Fraction] = {}
        spread: list[tuple[Poly, int]] = []
        for i, e in exponents.items():
            op = self.atoms[i].op
            if op in ("sum", "number") and e >= 1:
                spread.append((self.atoms[i].args[0], int(e)))
                e -= int(e)
            elif op == "abs" and e >= 2:
                spread.append((self.atoms[i].args[0], int(e) // 2 * 2))
                e -= int(e) // 2 * 2
            elif op in ("positive", "weights") and e > 1:
                e = Fraction(1)
            if e:
                kept[i] = e
        out: Poly = {tuple(sorted(kept.items())): Fraction(1)}
        for p, times in spread:
            for _ in range(times):
                out = self.mul(out, p)
        return out

    # -- powers --------------------------------------------------------------------------------------

    def power(self, p: Poly, e: Fraction) -> Poly:
        if e == 0:
            return constant(1)
        if not p:
            if e < 0:
                raise NoForm
            return {}
        if e.denominator == 1 and e > 0:
            if e > 8:
                raise NoForm
            out = constant(1)
            for _ in range(int(e)):
                out = self.mul(out, p)
            return out
        if len(p) == 1:
            ((mono, c),) = p.items()
            return self.mul(self._monomial(mono, e), self._number(c, e))
        content, rest = self.parts(p, below_root=e.denominator > 1)
        if len(rest) < 2:
            return self.power(self.mul(content, rest), e)
        return self.mul(self.power(content, e), self.function("sum", (rest,), e))

    def _number(self, c: Fraction, e: Fraction) -> Poly:
        if e.denominator == 1:
            return constant(c ** int(e))
        if c < 0 or e.denominator != 2:
            raise NoForm
        whole = c ** (e.numerator // 2)  # the rest is a square root
        n, d = c.numerator, c.denominator
        if isqrt(n) ** 2 == n and isqrt(d) ** 2 == d:
            return constant(whole * Fraction(isqrt(n), isqrt(d)))
        return self.mul(self.function("number", (constant(n * d),), HALF), constant(whole / d))

    def _monomial(self, mono: Mono, e: Fraction) -> Poly:
        """Roots of factors that are not negative; |x| for what was squared."""
        out = constant(1)
        unsure = [i for i, k in mono if (k * e).denominator > 1 and k % 2 and not self.positive(i)]
        if len(unsure) > 1:
            raise NoForm
        for i, k in mono:
            power = k * e
            squared = e.denominator > 1 and k % 2 == 0 and power % 2 and not self.positive(i)
            base = self._absolute(i) if squared else {((i, Fraction(1)),): Fraction(1)}
            (((j, _),),) = base
            out = self.mul(out, {((j, power),): Fraction(1)})
        return out

    def _absolute(self, i: int) -> Poly:
        x: Poly = {((i, Fraction(1)),): Fraction(1)}
        return x if self.positive(i) or self.atoms[i].op == "abs" else self.function("abs", (x,))

    def parts(self, p: Poly, below_root: bool = False) -> tuple[Poly, Poly]:
        """Common factors with a number, and the sum that is left: its first number is 1 or -1.

        It is mostly positive, or as it was below a root, so that equal sums come out equal.
        """
        common = {i: min(dict(m).get(i, Fraction(0)) for m in p) for m in p for i, _ in m}
        factor = tuple(sorted((i, e) for i, e in common.items() if e))
        rest: Poly = {}
        for mono, c in p.items():
            rest = self.add(rest, self._product(mono, tuple((i, -e) for i, e in factor)), c)
        if not rest:
            return {factor: Fraction(1)}, {}
        lead = abs(rest[min(rest, key=self._order)])
        negative = not below_root and np.nanmean(np.sign(self.samples(rest))) < 0
        number = -lead if negative else lead
        return {factor: number}, {m: c / number for m, c in rest.items()}

    def _order(self, mono: Mono) -> tuple[float, ...]:
        """The same for the same term, however it came about."""
        return (len(mono), *(float(e) for _, e in mono), *(i for i, _ in mono))

    # -- equality ------------------------------------------------------------------------------------

    def equal(self, p: Poly, q: Poly) -> bool:
        if p == q:
            return True
        difference = self.add(p, q, Fraction(-1))
        return not self._numerator(difference)

    def _numerator(self, p: Poly) -> Poly:
        """p times its denominators."""
        for _ in range(12):
            below = {i: min(dict(m).get(i, Fraction(0)) for m in p) for m in p for i, e in m if e < 0}
            below = {i: e for i, e in below.items() if e < 0}
            if not below:
                return p
            out: Poly = {}
            times = tuple(sorted((i, -e) for i, e in below.items()))
            for mono, c in p.items():
                out = self.add(out, self._product(mono, times), c)
            p = out
        raise NoForm

    def ratio(self, p: Poly, q: Poly) -> Fraction | None:
        """The number c of p = c*q."""
        tag = self.symbol("ratio", False)
        both = self._numerator(self.add(p, self.mul(tag, q)))
        (((number, _),),) = tag
        x = {m: c for m, c in both.items() if number not in dict(m)}
        y = {tuple(f for f in m if f[0] != number): c for m, c in both.items() if number in dict(m)}
        first = next(iter(y), None)
        if first is None or first not in x:
            return None
        c = x[first] / y[first]
        return c if x == {m: c * v for m, v in y.items()} else None


def _close(x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    with np.errstate(all="ignore"):
        return bool(np.all((np.abs(x - y) <= 1e-9 * np.abs(y)) | (x != x) & (y != y)))


def constant(value: Fraction | int) -> Poly:
    return {(): Fraction(value)} if value else {}


def number_of(p: Poly) -> Fraction | None:
    """The number that p is, if it is one."""
    return p.get((), Fraction(0)) if set(p) <= {()} else None
