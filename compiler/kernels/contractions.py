"""Lets -> sums of products of two arrays, each read at affine places: what windows, tokens and heads have in common.

    result[a ...] = sum over k ... of left[place(a, k) ...] * right[place(a, k) ...] + start[a]

`contraction` recognises one. What may lie outside of an array stays as a Guard, what is divided as it is; how it is cut into
simpler ones is in `phases`. Chooses no loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.dsl.record import record

IndexOf = Callable[[ir.Axis], ir.Index]


@record
class Factor:
    """An array as it is read: of each of its axes but the samples, the place."""

    array: ir.Expr
    places: tuple[tuple[ir.Axis, ir.Index], ...]

    @property
    def sampled(self) -> bool:
        return ir.SAMPLES in self.array.axes


@record
class Guard:
    """The index is a place along an axis of this size, or the term is 0."""

    index: ir.Index
    size: int

    @property
    def axes(self) -> frozenset[ir.Axis]:
        return frozenset(a for a, _ in self.index.terms)


@record
class Contraction:
    axes: ir.Axes
    """The loops over the result, without the samples."""
    over: ir.Axes
    """The loops over the terms, likewise; one of size 0 where there is none."""
    summed: bool
    """Over the samples too."""
    factors: tuple[Factor, Factor]
    guards: tuple[Guard, ...]
    out: tuple[tuple[ir.Axis, ir.Index], ...]
    """Of each axis of the result, the place."""
    start: ir.Var | None

    @property
    def indices(self) -> Iterator[ir.Index]:
        for factor in self.factors:
            yield from (index for _, index in factor.places)
        yield from (guard.index for guard in self.guards)

    def put(self, of: IndexOf) -> Contraction | None:
        """Other loops in the place of some."""
        factors = tuple(_put_all(f, of) for f in self.factors)
        guards = [put(g.index, of) for g in self.guards]
        out = tuple((a, put(index, of)) for a, index in self.out)
        if None in (*factors, *guards, *(index for _, index in out)):
            return None
        kept = tuple(Guard(i, g.size) for i, g in zip(guards, self.guards, strict=True) if i is not None)
        return replace(self, factors=factors, guards=kept, out=out)  # type: ignore[arg-type]

    def changed(self, old: ir.Axis, new: ir.Axis, index: ir.Index) -> Contraction | None:
        """The loop `old` as the places `index` of the loop `new`."""
        made = self.put(lambda a: index if a == old else plain(a))
        axes, over = (tuple(new if a == old else a for a in some) for some in (self.axes, self.over))
        return made and replace(made, axes=axes, over=over)


def plain(axis: ir.Axis) -> ir.Index:
    return ir.Index(((axis, 1),))


# -- recognising -------------------------------------------------------------------------------------


def contraction(let: ir.Let) -> Contraction | None:
    """What the let is, all its factors being arrays that have names."""
    value, start = let.value, None
    match value:
        case ir.Apply("add", (ir.Reduce() | ir.View() as inner, ir.Var() as bias)) if (
            ir.SAMPLES not in bias.axes
        ):
            value, start = inner, bias
    found = terms(value)
    if found is None or not all(isinstance(f.array, ir.Var) for f in found.factors):
        return None
    if found.summed == (ir.SAMPLES in let.axes):
        return None
    axes = tuple(a for a in let.axes if a != ir.SAMPLES)
    if not set(found.axes) <= set(axes):
        return None
    return _without_ones(replace(found, axes=axes, out=tuple((a, plain(a)) for a in axes), start=start))


@record
class _Product:
    """What an expression is from outside inwards: Views and sums, then a product of two factors, each through Views."""

    wraps: tuple[ir.View | ir.Reduce, ...]
    views: tuple[tuple[ir.View, ...], ...]
    arrays: tuple[ir.Expr, ...]


def _product(e: ir.Expr) -> _Product | None:
    wraps: list[ir.View | ir.Reduce] = []
    while isinstance(e, ir.View | ir.Reduce):
        if not (_is_zero_outside(e) if isinstance(e, ir.View) else e.op == "sum" and not e.per):
            return None
        wraps.append(e)
        e = e.arg
    if not (isinstance(e, ir.Apply) and e.op == "mul" and any(isinstance(w, ir.Reduce) for w in wraps)):
        return None
    groups = _groups(list(_leaves(e)))
    if groups is None:
        return None
    parts = [_through_views(leaves) for leaves in groups]
    return _Product(tuple(wraps), tuple(views for views, _ in parts), tuple(array for _, array in parts))


def _through_views(leaves: list[ir.Expr]) -> tuple[tuple[ir.View, ...], ir.Expr]:
    """One array through Views as it is read; several as their product, read where it is."""
    node, views = leaves[0], list[ir.View]()
    for leaf in leaves[1:]:
        node = ir.apply("mul", node, leaf)
    while isinstance(node, ir.View) and _is_zero_outside(node):
        views.append(node)
        node = node.arg
    return tuple(views), node


def _is_zero_outside(view: ir.View) -> bool:
    return view.outside == 0.0 and view.axis != ir.SAMPLES


def parted(e: ir.Expr) -> tuple[Callable[[Sequence[ir.Expr]], ir.Expr], tuple[ir.Expr, ...]] | None:
    """The two factors of a sum of products, and how it is made of what stands for them."""
    found = _product(e)
    if found is None:
        return None

    def again(arrays: Sequence[ir.Expr]) -> ir.Expr:
        factors = [_wrapped(views, a) for views, a in zip(found.views, arrays, strict=True)]
        return _wrapped(found.wraps, ir.apply("mul", *factors))

    return again, found.arrays


def _wrapped(wraps: Sequence[ir.View | ir.Reduce], e: ir.Expr) -> ir.Expr:
    for wrap in reversed(wraps):
        e = ir.with_children(wrap, (e,))
    return e


def terms(e: ir.Expr) -> Contraction | None:
    """Of an expression, if it is one."""
    found = _product(e)
    if found is None:
        return None
    made: list[Contraction | None] = []
    for views, array in zip(found.views, found.arrays, strict=True):
        factor = Factor(array, tuple((a, plain(a)) for a in array.axes if a != ir.SAMPLES))
        one: Contraction | None = Contraction((), (), False, (factor, factor), (), (), None)
        for view in reversed(views):
            one = one and _seen(one, view)
        made.append(one)
    left, right = made
    if left is None or right is None:
        return None
    both: Contraction | None = replace(
        left, factors=(left.factors[0], right.factors[0]), guards=(*left.guards, *right.guards)
    )
    over: list[ir.Axis] = []
    for wrap in reversed(found.wraps):  # from the product outwards
        if isinstance(wrap, ir.View):
            both = both and _seen(both, wrap)
        else:
            new = {
                a: ir.Axis(f"{a.name}.{len(over) + i}", a.size)
                for i, a in enumerate(wrap.over)
                if a != ir.SAMPLES
            }
            over += new.values()
            both = both and both.put(lambda a, new=new: plain(new.get(a, a)))  # type: ignore[misc]
    if both is None:
        return None
    axes = tuple(a for a in e.axes if a != ir.SAMPLES)
    summed = any(ir.SAMPLES in w.over for w in found.wraps if isinstance(w, ir.Reduce))
    guards = tuple(g for g in dict.fromkeys(both.guards) if may_fail(g))
    return replace(both, axes=axes, over=tuple(over), summed=summed, guards=guards)


def _seen(c: Contraction, view: ir.View) -> Contraction | None:
    """Through a View."""
    guard = Guard(plain(view.axis), view.axis.size or 0)
    return replace(c, guards=(*c.guards, guard)).put(lambda a: view.index if a == view.axis else plain(a))


def _leaves(e: ir.Expr) -> Iterator[ir.Expr]:
    if isinstance(e, ir.Apply) and e.op == "mul":
        for arg in e.args:
            yield from _leaves(arg)
    else:
        yield ir.Const(e.value) if isinstance(e, ir.Const) else e


def _groups(leaves: list[ir.Expr]) -> list[list[ir.Expr]] | None:
    """The leaves as two factors: those over the same axes together, and a third with one that changes wherever it does."""
    found: dict[frozenset[ir.Axis], list[ir.Expr]] = {}
    for leaf in leaves:
        found.setdefault(frozenset(leaf.axes), []).append(leaf)
    while len(found) > 2 or frozenset() in found:
        home = [(a, b) for a in found for b in found if a < b]
        if not home:
            return None
        a, b = min(home, key=lambda pair: (len(pair[0]), len(pair[1])))
        found[b] += found.pop(a)
    return list(found.values()) if len(found) == 2 else None


# -- places ------------------------------------------------------------------------------------------


def _put_all(factor: Factor, of: IndexOf) -> Factor | None:
    places = [(a, put(index, of)) for a, index in factor.places]
    if any(index is None for _, index in places):
        return None
    return replace(factor, places=tuple((a, i) for a, i in places if i is not None))


def put(index: ir.Index, of: IndexOf) -> ir.Index | None:
    """The index with another one in the place of each axis; None where that is no index."""
    terms: dict[ir.Axis, int] = {}
    offset, divisor = index.offset, index.divisor
    inner = [(of(a), f) for a, f in index.terms]
    divided = [i for i, _ in inner if i.divisor > 1]
    if index.floor or any(i.floor for i in divided):
        return None
    if divided:
        # (f*(x/d) + rest)/1, a place where d divides x: with f = 1 or -1 that is where d divides f*x + d*rest.
        if len(divided) > 1 or divisor > 1 or any(abs(f) != 1 for i, f in inner if i.divisor > 1):
            return None
        divisor = divided[0].divisor
        offset *= divisor
    for i, f in inner:
        scale = f if i.divisor > 1 or not divided else f * divisor
        offset += scale * i.offset
        for a, g in i.terms:
            terms[a] = terms.get(a, 0) + scale * g
    return ir.Index(tuple((a, f) for a, f in terms.items() if f), offset, divisor)


def reach(index: ir.Index) -> tuple[int, int]:
    """The least and the largest place, of an index without a divisor."""
    low = high = index.offset
    for a, factor in index.terms:
        ends = (0, factor * ((a.size or 1) - 1))
        low, high = low + min(ends), high + max(ends)
    return low, high


def may_fail(guard: Guard) -> bool:
    low, high = reach(guard.index)
    return guard.index.divisor > 1 or low < 0 or high >= guard.size


def _without_ones(c: Contraction) -> Contraction | None:
    """Without loops over one place."""
    ones = {a for a in (*c.axes, *c.over) if a.size == 1}
    made = c.put(lambda a: ir.Index(()) if a in ones else plain(a))
    axes, over = (tuple(a for a in some if a not in ones) for some in (c.axes, c.over))
    return made and replace(made, axes=axes, over=over)
