"""Are two layers of given extents the same function? Then their scalars, written out, are the same polynomials.

Every number that a layer gives is a polynomial in atoms: elements of inputs and parameters, functions of polynomials. Sums
and products are multiplied out in exact arithmetic, so that equal polynomials are a proof for these extents and for all
numbers, but for rounding; unequal ones say nothing, since no law of a function is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus import ir
from netc.compiler.calculus.arrays import laid, lengths_of, stretched, view
from netc.compiler.calculus.evaluate import Env, filled, fixed
from netc.compiler.rules.layer_sides import LayerSide
from netc.compiler.rules.paired_parameters import Pairing
from netc.dsl.record import record

MOST_TERMS = 3000
"""Of one polynomial; what is longer is not compared."""
COMMUTES = ("max", "min", "and", "or", "eq", "ne")
SMOOTH = ("add", "sub", "mul", "div", "neg", "exp", "tanh", "sigmoid", "square", "sin", "cos")
"""Functions whose derivatives are those of their values, everywhere."""


SAMPLES = 2


class Unknown(Exception):
    """What is no polynomial in atoms, or a long one."""


@record
class WrittenOut:
    """Whether the scalars of two layers are the same, in training and in use, and whether no function in them has a kink."""

    training: bool
    use: bool
    smooth: bool


def written_out(a: LayerSide, b: LayerSide, pairing: Pairing) -> WrittenOut | None:
    """None where they cannot be written out: layers with states or draws, computed places, long polynomials."""
    if a.states or b.states or a.draws or b.draws:
        return None
    atoms = Atoms()
    numbers = {g.tensors[0].name: atoms.array(g.tensors[0].name, g.shape) for g in pairing.a}
    numbers |= {t.name: atoms.array(f"extra {t.name}", t.shape) for t in pairing.extra}
    x = atoms.array("x", (SAMPLES, *(axis.size or 0 for axis in a.x.axes[1:])))
    given = [{**env, side.x.name: x} for env, side in zip(pairing.given(numbers), (a, b), strict=True)]
    try:
        training, use = (_same(atoms, (a, b), given, mode) for mode in (True, False))
    except Unknown:
        return None
    return WrittenOut(training, use, atoms.smooth)


def _same(atoms: Atoms, sides: tuple[LayerSide, LayerSide], given: list[Env], training: bool) -> bool:
    found = []
    for side, env in zip(sides, given, strict=True):
        steps = side.steps(training, {side.value.name})
        found.append(np.ravel(written(atoms, steps, dict(env), SAMPLES)[side.value.name]))
    p, q = found
    return len(p) == len(q) and all(atoms.poly(i).key == atoms.poly(j).key for i, j in zip(p, q, strict=True))


Monomial = tuple[int, ...]
"""Atoms, by their numbers; one that stands there twice is squared."""


class Poly:
    def __init__(self, atoms: Atoms, terms: dict[Monomial, Fraction]) -> None:
        if len(terms) > MOST_TERMS:
            raise Unknown
        self.atoms, self.terms = atoms, {m: c for m, c in terms.items() if c}

    @property
    def key(self) -> frozenset[tuple[Monomial, Fraction]]:
        return frozenset(self.terms.items())

    def __add__(self, other: Any) -> Poly:
        terms = dict(self.terms)
        for m, c in self.atoms.poly(other).terms.items():
            terms[m] = terms.get(m, Fraction(0)) + c
        return Poly(self.atoms, terms)

    def __mul__(self, other: Any) -> Poly:
        right = self.atoms.poly(other).terms
        if len(self.terms) * len(right) > MOST_TERMS:
            raise Unknown
        terms: dict[Monomial, Fraction] = {}
        for m, c in self.terms.items():
            for n, d in right.items():
                both = tuple(sorted((*m, *n)))
                terms[both] = terms.get(both, Fraction(0)) + c * d
        return Poly(self.atoms, terms)

    __radd__, __rmul__ = __add__, __mul__


class Atoms:
    """The atoms that are met, numbered; both layers are written in one."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}
        self.smooth = True

    def poly(self, value: Any) -> Poly:
        return value if isinstance(value, Poly) else Poly(self, {(): Fraction(float(value))})

    def atom(self, *key: Any) -> Poly:
        return Poly(self, {(self.numbers.setdefault(key, len(self.numbers)),): Fraction(1)})

    def array(self, name: str, shape: Sequence[int]) -> NDArray[Any]:
        """An atom for each element."""
        found = np.empty(shape, object)
        for at in np.ndindex(*shape):
            found[at] = self.atom(name, at)
        return found

    def apply(self, op: str, *values: Any) -> Poly:
        self.smooth &= op in SMOOTH
        args = [self.poly(v) for v in values]
        match op, args:
            case "add", [a, b]:
                return a + b
            case "sub", [a, b]:
                return a + b * -1
            case "mul", [a, b]:
                return a * b
            case "neg", [a]:
                return a * -1
            case "square", [a]:
                return a * a
            case "div", [a, b] if [*b.terms] == [()]:
                return a * (1 / b.terms[()])
            case "div", [a, b]:
                return a * self.atom("recip", b.key)
        keys = [a.key for a in args]
        return self.atom(op, *([frozenset(keys)] if op in COMMUTES else keys))


def written(atoms: Atoms, steps: Sequence[ir.Step], env: Env, samples: int) -> Env:
    """All lets written out; `env` has the given arrays of polynomials, and is filled. Raises Unknown."""
    sizes = {ir.SAMPLES: samples}
    for step in steps:
        match step:
            case ir.Let():
                known = lengths_of([step.var], {step.name: ()}) | sizes
                known |= lengths_of(list(ir.postorder(step.value)), env)
                value = _of(atoms, step.value, env, sizes)
                env[step.name] = filled(value, step, known) if step.axes else value
            case ir.Scan():
                _scan(atoms, step, env, sizes)
            case _:
                assert_never(step)
    return env


def _scan(atoms: Atoms, scan: ir.Scan, env: Env, sizes: dict[ir.Axis, int]) -> None:
    assert scan.axis.size is not None
    for let in scan.lets:
        env[let.name] = np.full(
            [sizes[a] if a.size is None else a.size for a in let.axes], atoms.poly(0.0), object
        )
    places = range(scan.axis.size)
    for place in reversed(places) if scan.backward else places:
        for let in scan.lets:
            value = fixed(let.value, scan.axis, place)
            axes = tuple(a for a in let.axes if a != scan.axis)
            found = laid(_of(atoms, value, env, sizes), value.axes, axes)
            env[let.name][tuple(place if a == scan.axis else slice(None) for a in let.axes)] = found


def _of(atoms: Atoms, expr: ir.Expr, env: Mapping[str, Any], sizes: Mapping[ir.Axis, int]) -> Any:
    """A polynomial, or an array of them with the axes of the expression."""
    values: dict[int, Any] = {}
    nodes = list(ir.postorder(expr))
    lengths = lengths_of(nodes, env) | dict(sizes)
    for node in nodes:
        match node:
            case ir.Const(value):
                found: Any = value
            case ir.Var(name):
                found = env[name]
            case ir.Place(axis):
                found = np.arange(float(lengths[axis]))
            case ir.Apply(op, args):
                given = [laid(values[id(a)], a.axes, node.axes) for a in args]
                found = np.frompyfunc(lambda *v, op=op: atoms.apply(op, *v), len(given), 1)(*given)
            case ir.Reduce(op, arg, over, ""):
                found = _reduced(
                    atoms, op, stretched(values[id(arg)], arg.axes, over, lengths), arg.axes, over
                )
            case ir.View(arg, axis):
                inside = np.asarray(stretched(values[id(arg)], arg.axes, (axis,), lengths), object)
                found = view(node, inside, lengths)
            case _:
                raise Unknown
        values[id(node)] = found
    return values[id(expr)]


def _reduced(atoms: Atoms, op: str, x: NDArray[Any], axes: ir.Axes, over: ir.Axes) -> Any:
    places = tuple(axes.index(a) for a in over)
    moved = np.moveaxis(x, places, range(len(places)))
    rows = moved.reshape(-1, *moved.shape[len(places) :])
    if op == "sum":
        return reduce(add, rows)
    if op not in COMMUTES:
        raise Unknown
    atoms.smooth = False
    return np.frompyfunc(lambda *v: atoms.atom(op, frozenset(atoms.poly(a).key for a in v)), len(rows), 1)(
        *rows
    )
