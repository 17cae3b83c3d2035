"""Powers, roots, quotients and absolute values of normal forms, with the conditions under which they have a value.

sqrt(x*y) = sqrt(x)*sqrt(y)    where x >= 0 and y >= 0 are derived, or x > 0: then both sides ask for y >= 0
sqrt(x^2) = |x|                and x where x >= 0 is derived
"""

from __future__ import annotations

from fractions import Fraction

from netc.compiler.proofs.normal_form import Algebra, Mono, NoForm, Poly, constant
from netc.compiler.proofs.ranges import NOT_NEGATIVE, POSITIVE, Number, by_sign, number
from netc.compiler.proofs.signs import key, note_sign, sign

MOST_FACTORS = 8
"""A higher power of a sum is not written out."""


def power(a: Algebra, p: Poly, e: Fraction) -> Poly:
    """p^e for whole and half e."""
    if e == 0:
        return constant(1)
    if not p:
        if e < 0:
            raise NoForm("a rule divides by 0")
        return {}
    if e.denominator == 1 and e > 0:
        if e > MOST_FACTORS:
            raise NoForm("a power is too high")
        out = constant(1)
        for _ in range(int(e)):
            out = a.mul(out, p)
        return out
    if e.denominator > 1 and key(p) in a.roots:
        return power(a, absolute(a, a.roots[key(p)]), 2 * e)
    content, rest = parts(a, p)
    if len(rest) == 1:
        whole = a.mul(content, rest)
        return _monomial(a, whole, e)
    if e.denominator == 1:
        return a.mul(_monomial(a, content, e), _sum(a, rest, e))
    if sign(a, content) == 2 or (sign(a, content) == 1 and sign(a, rest) > 0):
        return a.mul(_monomial(a, content, e), _sum(a, rest, e))
    (c,) = content.values()
    size = c if c.sign == 2 else -c
    if size.sign != 2:
        raise NoForm("the sign of a number below a root is not known")
    return a.mul(_root_of_number(a, size, e), _sum(a, {m: v / size for m, v in p.items()}, e))


def _sum(a: Algebra, rest: Poly, e: Fraction) -> Poly:
    i = a.function("sum", (rest,), by_sign(sign(a, rest)))
    _note(a, i, e)
    return a.reduced({i: e})


def _note(a: Algebra, i: int, e: Fraction) -> None:
    """What x^e asks of the atom x."""
    known = a.atoms[i].range.sign
    if e < 0 and abs(known) < 2:
        a.needs.add(("not 0", _inside(a, i)))
    if e.denominator > 1 and known < 1:
        a.needs.add(("not negative", i))


def _inside(a: Algebra, i: int) -> int:
    """Of |x|, which is 0 where x is, the atom x."""
    if a.atoms[i].op != "abs":
        return i
    (x,) = a.atoms[i].args
    ((mono, _), *more) = x.items()
    return a.function("sum", (x,)) if more or len(mono) != 1 else mono[0][0]


def _root_of_number(a: Algebra, c: Number, e: Fraction) -> Poly:
    """c^e for c > 0; a root that is no fraction is an atom."""
    if e.denominator == 1:
        return constant(c ** int(e))
    whole = c ** (e.numerator // 2)  # the rest is a square root
    root = c.root()
    if root is not None:
        return constant(whole * root)
    if c.range is None:  # sqrt(n/d) = sqrt(n*d)/d
        d = c.value.denominator
        below = a.function("number", (constant(c.value.numerator * d),), POSITIVE)
        return a.scaled(a.atom(below, Fraction(1, 2)), whole * number(Fraction(1, d)))
    return a.scaled(a.atom(a.function("number", (constant(c),), POSITIVE), Fraction(1, 2)), whole)


def _monomial(a: Algebra, p: Poly, e: Fraction) -> Poly:
    ((mono, c),) = p.items()
    if e.denominator == 1:
        if e < 0 and abs(c.sign) != 2:
            a.needs.add(("not 0", c.value))
        for i, k in mono:
            _note(a, i, k * e)
        return a.scaled(_powers(a, mono, e), c ** int(e))
    if c.sign != 2:
        raise NoForm("the sign of a number below a root is not known")
    weak = [i for i, k in mono if not _never_negative(a, i, k)]
    if len(weak) > 1 or (weak and any(a.atoms[i].range.sign != 2 for i, _ in mono if i not in weak)):
        raise NoForm("the sign of a factor below a root is not known")
    out = _root_of_number(a, c, e)
    for i, k in mono:
        out = a.mul(out, _root_of_power(a, i, k, e))
    return out


def _never_negative(a: Algebra, i: int, k: Fraction) -> bool:
    """x^k, of an atom x: by its range, as an even power, or as a root that has a value."""
    return a.atoms[i].range.sign > 0 or k % 2 == 0 or k.denominator > 1


def _root_of_power(a: Algebra, i: int, k: Fraction, e: Fraction) -> Poly:
    """(x^k)^e; |x|^(k*e) for an even k, where x may be negative."""
    if k % 2 == 0 and a.atoms[i].range.sign < 1:
        i = a.function("abs", (a.atom(i),), POSITIVE if a.atoms[i].range.sign == -2 else NOT_NEGATIVE)
    _note(a, i, k * e)
    return _powers(a, ((i, k),), e)


def _powers(a: Algebra, mono: Mono, e: Fraction) -> Poly:
    out = constant(1)
    for i, k in mono:
        out = a.mul(out, a.reduced({i: k * e}))
    return out


def parts(a: Algebra, p: Poly) -> tuple[Poly, Poly]:
    """Common factors with a number, and the sum that is left: its leading number is 1 or -1.

    It is positive where that is derived, else its leading number is 1, so that equal sums come out equal.
    """
    common: dict[int, Fraction] = {}
    for i in {i for m in p for i, _ in m}:
        common[i] = min(dict(m).get(i, Fraction(0)) for m in p)
    factor: Mono = tuple(sorted((i, e) for i, e in common.items() if e))
    rest: Poly = {}
    for mono, c in p.items():
        rest = a.add(rest, a.scaled(a.product(mono, tuple((i, -e) for i, e in factor)), c))
    if not rest:
        return {factor: number(1)}, {}
    lead = rest[min(rest, key=order)]
    if lead.sign not in (2, -2):
        return {factor: number(1)}, rest
    size = lead if lead.sign == 2 else -lead
    scaled = {m: c / size for m, c in rest.items()}
    if not factor:
        note_sign(a, scaled, sign(a, p))
    negative = sign(a, scaled) < 0 or (sign(a, scaled) == 0 and lead.sign == -2)
    return {factor: -size if negative else size}, a.neg(scaled) if negative else scaled


def order(mono: Mono) -> tuple[float, ...]:
    """The same for the same term, however it came about."""
    return (len(mono), *(float(e) for _, e in mono), *(i for i, _ in mono))


def absolute(a: Algebra, x: Poly) -> Poly:
    if not x or sign(a, x) > 0:
        return x
    if key(x) in a.factors:
        return a.mul(*(absolute(a, factor) for factor in a.factors[key(x)]))
    content, rest = parts(a, x)
    ((mono, c),) = content.items()
    if c.sign not in (2, -2):
        raise NoForm("the sign of a number is not known")
    out = constant(c if c.sign == 2 else -c)
    for i, e in mono:
        known = a.atoms[i].range.sign
        if known > 0 or e % 2 == 0 or e.denominator > 1:
            out = a.mul(out, a.atom(i, e))
        else:
            size = a.function("abs", (a.atom(i),), by_sign(abs(known) if abs(known) == 2 else 1))
            out = a.mul(out, a.reduced({size: e}))
    if sign(a, rest) > 0:
        return a.mul(out, rest)
    return a.mul(out, a.atom(a.function("abs", (rest,), NOT_NEGATIVE)))
