"""Exact algebra with roots: polynomials with numbers as coefficients in atoms with fractions as exponents.

    atoms       states, gradients, n, m, beta^n, and functions of polynomials: |x|, sign(x), max(x, y), sum(x), ...
    sums        a sum below a root or a fraction line is an atom of its own, its common factors taken out

`sqrt(s/(1 - q)) + eps` and `(sqrt(s) + eps*sqrt(1 - q))/sqrt(1 - q)` come out as one form. A zero is a zero;
what differs may all the same be equal by a law that is not here. Each atom has a range, which is derived
(`signs.py`); no law is used whose sign conditions are not derived. What has to hold for a value to be there at all
(a divisor is not 0, a radicand not negative) is noted in `needs`. Samples only sort out which atoms are worth a
comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.proofs.ranges import ANY, Number, Range, number
from netc.dsl.record import record

Mono = tuple[tuple[int, Fraction], ...]
"""Atoms by number, each with its exponent, in order."""
Poly = dict[Mono, Number]
Need = tuple[Literal["not 0", "not negative", "defined"], int | Fraction]
"""Of an atom, or of a number by its value: what has to hold, or that its function has a value."""
SAMPLES = 8
MOST = 400
"""Terms; a longer form is given up."""
HALF = Fraction(1, 2)
UNIT_POWER = Fraction(1)
MASK = "mask"
"""Of a symbol that is 0 or 1 in each element begins the name so."""


class NoForm(Exception):
    """The expression is none that this algebra knows; the text says why."""


@record
class Atom:
    op: str
    args: tuple[Poly, ...]
    samples: NDArray[np.float64]
    vector: bool
    """Differs from element to element."""
    range: Range


class Algebra:
    """The atoms that two rules have in common."""

    def __init__(self) -> None:
        self.atoms: list[Atom] = []
        self.names: dict[str, int] = {}
        self.needs: set[Need] = set()
        """Of what was computed since they were last taken."""
        self.signs: dict[frozenset[tuple[Mono, Number]], int] = {}
        """Derived before."""
        self.squares: set[frozenset[tuple[Mono, Number]]] = set()
        """Forms whose sign is known by how they were made, not by what they look like."""
        self.roots: dict[frozenset[tuple[Mono, Number]], Poly] = {}
        """Of squares of sums that were written out."""
        self.factors: dict[frozenset[tuple[Mono, Number]], tuple[Poly, Poly]] = {}
        """Of products of sums that were written out."""
        self.draw = np.random.default_rng(17)

    # -- making --------------------------------------------------------------------------------------

    def symbol(self, name: str, vector: bool, where: Range = ANY) -> Poly:
        if name not in self.names:
            self.names[name] = len(self.atoms)
            low = -2.0 if where.low is None else float(where.low)
            high = max(low, 0.0) + 2.0 if where.high is None else float(where.high)
            self.atoms.append(Atom(name, (), self.draw.uniform(low, high, SAMPLES), vector, where))
        return self.atom(self.names[name])

    def atom(self, i: int, exponent: Fraction = UNIT_POWER) -> Poly:
        return {((i, exponent),): number(1)}

    def function(self, op: str, args: tuple[Poly, ...], where: Range = ANY, partial: bool = False) -> int:
        """An atom op(args), the one that is already there if its arguments are equal; `partial`: it has a domain."""
        i = self._known(op, args)
        if i is None:
            i = len(self.atoms)
            vector = not op.startswith("over all") and any(map(self.vector, args))
            samples = self._sampled(op, [self.samples(a) for a in args])
            self.atoms.append(Atom(op, args, samples, vector, where))
        if partial:
            self.needs.add(("defined", i))
        return i

    def _known(self, op: str, args: tuple[Poly, ...]) -> int | None:
        samples = self._sampled(op, [self.samples(a) for a in args])
        for i, atom in enumerate(self.atoms):
            if (
                atom.op == op
                and _close(atom.samples, samples)
                and all(self.equal(a, b) for a, b in zip(atom.args, args, strict=True))
            ):
                return i
        return None

    def _sampled(self, op: str, args: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            if op == "sum":
                return args[0]
            if op == "positive":
                return np.asarray(args[0] > 0, np.float64)
            if op in PRIMITIVES:
                return np.broadcast_to(PRIMITIVES[op].value(*args), SAMPLES).astype(np.float64)
            # A reduction has no value at a sample: some number that belongs to its argument.
            return np.asarray(np.abs(np.sin(args[0] * 12.9898)) + 0.5)

    def samples(self, p: Poly) -> NDArray[np.float64]:
        total = np.zeros(SAMPLES)
        with np.errstate(all="ignore"):
            for mono, c in p.items():
                term = np.full(SAMPLES, _float(c.value))
                for i, e in mono:
                    x = self.atoms[i].samples
                    term = term * (x ** int(e) if e.denominator == 1 else np.abs(x) ** float(e))
                total = total + term
        return total

    def vector(self, p: Poly) -> bool:
        return any(self.atoms[i].vector for mono in p for i, _ in mono)

    # -- sums and products ---------------------------------------------------------------------------

    def add(self, p: Poly, q: Poly) -> Poly:
        out = dict(p)
        _add_to(out, q)
        return out

    def neg(self, p: Poly) -> Poly:
        return {mono: -c for mono, c in p.items()}

    def sub(self, p: Poly, q: Poly) -> Poly:
        return self.add(p, self.neg(q))

    def scaled(self, p: Poly, factor: Number) -> Poly:
        return {mono: c * factor for mono, c in p.items()} if factor.value else {}

    def mul(self, p: Poly, q: Poly) -> Poly:
        if len(p) * len(q) > MOST:
            raise NoForm("a normal form is too long")
        out: Poly = {}
        for m, c in p.items():
            for k, d in q.items():
                _add_to(out, self.scaled(self.product(m, k), c * d))
        return out

    def product(self, m: Mono, k: Mono) -> Poly:
        if not k:
            return {m: number(1)}
        exponents = dict(m)
        for i, e in k:
            exponents[i] = exponents.get(i, Fraction(0)) + e
        return self.reduced(exponents)

    def reduced(self, exponents: Mapping[int, Fraction]) -> Poly:
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
            elif (op in ("positive", "weights") or op.startswith(MASK)) and e > 1:
                e = Fraction(1)
            if e:
                kept[i] = e
        out: Poly = {tuple(sorted(kept.items())): number(1)}
        for p, times in spread:
            for _ in range(times):
                out = self.mul(out, p)
        return out

    # -- equality ------------------------------------------------------------------------------------

    def equal(self, p: Poly, q: Poly) -> bool:
        return not self._numerator(self.sub(p, q))

    def _numerator(self, p: Poly) -> Poly:
        """p times its denominators."""
        for _ in range(12):
            below: dict[int, Fraction] = {}
            for mono in p:
                for i, e in mono:
                    if e < 0:
                        below[i] = min(e, below.get(i, e))
            if not below:
                return p
            out: Poly = {}
            times = tuple(sorted((i, -e) for i, e in below.items()))
            for mono, c in p.items():
                _add_to(out, self.scaled(self.product(mono, times), c))
            p = out
        raise NoForm("denominators are nested too deeply")

    def ratio(self, p: Poly, q: Poly) -> Number | None:
        """The number c of p = c*q."""
        tag = self.symbol("ratio", False)
        both = self._numerator(self.add(p, self.mul(tag, q)))
        (((mark, _),),) = tag
        x = {m: c for m, c in both.items() if mark not in dict(m)}
        y = {tuple(f for f in m if f[0] != mark): c for m, c in both.items() if mark in dict(m)}
        first = next(iter(y), None)
        if first is None or first not in x or y[first].sign not in (2, -2):
            return None
        c = x[first] / y[first]
        rest = self.sub(x, self.scaled(y, c))
        return None if rest else c


def _add_to(out: Poly, q: Poly) -> None:
    for mono, c in q.items():
        known = out.get(mono)
        if known is None:
            if c.value:
                out[mono] = c
            continue
        total = known + c
        if total.value:
            out[mono] = total
        else:
            del out[mono]


def _float(x: Fraction) -> float:
    try:
        return float(x)
    except OverflowError:
        return np.inf if x > 0 else -np.inf


def _close(x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    with np.errstate(all="ignore"):
        return bool(np.all((np.abs(x - y) <= 1e-9 * np.abs(y)) | (x != x) & (y != y) | (x == y)))


def constant(value: Fraction | int | Number) -> Poly:
    found = value if isinstance(value, Number) else number(value)
    return {(): found} if found.value else {}


def number_of(p: Poly) -> Number | None:
    """The number that p is, if it is one."""
    return p.get((), number(0)) if set(p) <= {()} else None
