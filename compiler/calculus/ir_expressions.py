"""Expressions of the ir: one tree for activations, losses, objectives, rules and schedules."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import field
from functools import cached_property
from math import prod
from typing import Literal

from netc.dsl.record import record

SIZE = "number of parameters"
"""A scalar in rules of which something is said for every number of parameters; no name that a rule can use."""
Reduction = Literal["sum", "max", "min", "norm"]
"""`norm` is the root of the sum of squares without their overflow; `norms.py` writes it out before code is made."""
Per = Literal["", "layer", "tensor"]
"""A reduction over the parameters is over all, or over each layer, or over each weight matrix and each bias vector."""

# -- axes --------------------------------------------------------------------------------------------


@record
class Axis:
    """What an index runs over. Arrays meet axis by axis, by name and size; an axis that one lacks is broadcast."""

    name: str
    size: int | None = None
    """None: known only when it runs: the samples of an evaluation, the parameters as an update rule sees them."""


Axes = tuple[Axis, ...]
SCALAR: Axes = ()
"""Of a number; in an update rule it is always computed in float64."""
THETA: Axes = (Axis("q"),)
"""Of a vector like theta."""


def union(*parts: Axes) -> Axes:
    """All axes, each once, in the order in which they come."""
    return tuple(dict.fromkeys(axis for axes in parts for axis in axes))


def elements(axes: Axes) -> int:
    """How many there are along the axes of a known size: for one sample, where samples are among them."""
    return prod(a.size for a in axes if a.size is not None)


def _set_axes(node: object, axes: Axes) -> None:
    """Once, when it is made: expressions may be too deep to ask downwards."""
    object.__setattr__(node, "axes", axes)


# -- expressions: one tree for activations, losses, objectives, rules and schedules ------------------


@record
class Const:
    """A number; with axes: that number in every element."""

    value: float
    axes: Axes = SCALAR


@record
class Var:
    """A name bound elsewhere.

    In a problem  tensors and lets
    In a rule     states (`v`: the value at n), locals, hyper-parameters, and the scalars
                  `n` (iteration from 0), `epoch` (fractional), `m` (batches), and loop indices
    """

    name: str
    axes: Axes


@record
class Apply:
    """A primitive of `compiler/calculus/primitives.py`, element by element; truth values feed only `select` etc."""

    op: str
    args: tuple[Expr, ...]
    axes: Axes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _set_axes(self, union(*(a.axes for a in self.args)))

    @cached_property
    def _hash(self) -> int:
        return hash((self.op, self.args))

    def __hash__(self) -> int:
        return self._hash  # once a node: expressions are graphs with much sharing

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Apply):
            return self is other
        return self._hash == other._hash and self.op == other.op and self.args == other.args


@record
class Reduce:
    """Over some axes of the argument; with `per`, over each part of theta, spread over its elements again."""

    op: Reduction
    arg: Expr
    over: Axes
    per: Per = ""
    axes: Axes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _set_axes(self, self.arg.axes if self.per else tuple(a for a in self.arg.axes if a not in self.over))

    @cached_property
    def _hash(self) -> int:
        return hash((self.op, self.arg, self.over, self.per))

    def __hash__(self) -> int:
        return self._hash


@record
class Place:
    """The number of the element along an axis: 0, 1, ..."""

    axis: Axis

    @property
    def axes(self) -> Axes:
        return (self.axis,)


@record
class Index:
    """(offset + sum of factor*axis) / divisor; rounded down if `floor`, else a place only where nothing is left over."""

    terms: tuple[tuple[Axis, int], ...]
    offset: int = 0
    divisor: int = 1
    floor: bool = False


@record
class View:
    """The argument with an axis replaced: read at the place `index` along it, `outside` where there is none.

    The new axes may be ones that the argument has: x[b, i - b] is a View of x[b, j].
    """

    arg: Expr
    axis: Axis
    index: Index
    outside: float = 0.0
    axes: Axes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        rest = tuple(a for a in self.arg.axes if a != self.axis)
        _set_axes(self, union(rest, tuple(a for a, _ in self.index.terms)))

    @cached_property
    def _hash(self) -> int:
        return hash((self.arg, self.axis, self.index, self.outside))

    def __hash__(self) -> int:
        return self._hash


@record
class Pick:
    """The argument read along an axis at a computed place, a whole number from 0; 0 where there is none."""

    arg: Expr
    axis: Axis
    place: Expr
    axes: Axes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _set_axes(self, union(tuple(a for a in self.arg.axes if a != self.axis), self.place.axes))

    @cached_property
    def _hash(self) -> int:
        return hash((self.arg, self.axis, self.place))

    def __hash__(self) -> int:
        return self._hash


@record
class Draw:
    """A random number for each element: the same in all evaluations of an iteration. Nothing flows through it.

    law         arguments
    bernoulli   (probability of 1,)    1 or 0
    uniform     (low, high)
    normal      (mean, deviation)

    It hangs on the seed, the run, the iteration, the purpose, the sample's own number in the data and the element's
    among the other axes; without the axis of the samples it is one for all of them.
    """

    law: Literal["bernoulli", "uniform", "normal"]
    arguments: tuple[float, ...]
    purpose: str
    """What it is for, a name that nothing else has: draws of different purposes are independent, two of one are the same."""
    axes: Axes


Expr = Const | Var | Apply | Reduce | Place | View | Pick | Draw


def apply(op: str, *args: Expr) -> Apply:
    return Apply(op, args)


def total(op: Reduction, arg: Expr, per: Per = "") -> Reduce:
    """A reduction over all axes of the argument."""
    return Reduce(op, arg, arg.axes, per)


def children(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Apply(args=args):
            return args
        case Reduce(arg=arg) | View(arg=arg):
            return (arg,)
        case Pick(arg=arg, place=place):
            return (arg, place)
        case _:
            return ()


def with_children(expr: Expr, new: tuple[Expr, ...]) -> Expr:
    """The same node over other children; itself where they are the same objects."""
    if all(a is b for a, b in zip(children(expr), new, strict=True)):
        return expr
    match expr:
        case Apply(op):
            return Apply(op, new)
        case Reduce(op, _, over, per):
            return Reduce(op, new[0], over, per)
        case View(_, axis, index, outside):
            return View(new[0], axis, index, outside)
        case Pick(_, axis):
            return Pick(new[0], axis, new[1])
        case _:
            return expr


def postorder(*roots: Expr, known: Container[int] = frozenset()) -> Iterator[Expr]:
    """Every node below the roots once (by identity), arguments before what uses them; deep trees welcome.

    Nodes whose id is in `known`, and what is below them, are left out.
    """
    done: set[int] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if id(node) in done or id(node) in known:
            continue
        if ready:
            done.add(id(node))
            yield node
        else:
            stack.append((node, True))
            stack += [(child, False) for child in reversed(children(node))]
