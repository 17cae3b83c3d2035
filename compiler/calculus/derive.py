"""Derivatives of ir expressions: one rule for each kind of node, and the chain rule.

    Apply    the partial derivatives of `primitives.py`
    Reduce   a sum passes its cotangent on to every term; max and min to the terms that reach it, ties share
    View     a sum of a View: every sum has one owner and one order, nothing is scattered
    Pick     a sum over the places that picked the element

Forward: `slope`, `tangent`; reverse: `reverse`; of all lets of a problem: `backward.py`. The results are ordinary
expressions and may be derived again. Targets and the interpreter derive nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netc.compiler.calculus.ir import (
    Apply,
    Axis,
    Const,
    Expr,
    Index,
    Pick,
    Place,
    Reduce,
    Var,
    View,
    apply,
    postorder,
    union,
)
from netc.compiler.calculus.laws import spread
from netc.compiler.calculus.primitives import HALF, ONE, PRIMITIVES, ZERO, Partial
from netc.compiler.calculus.simplify import Simplifier


def slope(value: Expr, variable: Var) -> Expr:
    """d value / d variable of a pointwise function (no Reduce), of the variable's axes. Forward mode.

    A `select` passes on the derivative of the chosen branch alone, so a pole of the other one does no harm.
    """
    simple = Simplifier()
    value = simple(value)
    tangents: dict[int, Expr | None] = {}
    for node in postorder(value):
        match node:
            case Apply("select", (condition, *branches)):
                a, b = (tangents[id(x)] for x in branches)
                chosen = apply("select", condition, a or ZERO, b or ZERO)
                tangents[id(node)] = simple(chosen) if a or b else None
            case Apply():
                total = _tangent(node, tangents)
                tangents[id(node)] = total and simple(total)
            case Var():
                tangents[id(node)] = ONE if node == variable else None
            case _:
                assert not _depends(node, variable), "only a pointwise function has a slope"
                tangents[id(node)] = None
    return spread(tangents[id(value)] or ZERO, variable.axes)


def _tangent(node: Apply, tangents: dict[int, Expr | None]) -> Expr | None:
    total: Expr | None = None
    args = node.args
    for arg, partial in zip(args, _partials(node), strict=True):
        tangent = tangents[id(arg)]
        if partial is not None and tangent is not None:
            term = apply("mul", partial(node, *args), tangent)
            total = term if total is None else apply("add", total, term)
    return total


def tangent(value: Expr, along: Mapping[Var, Var]) -> Expr:
    """The derivative of a value, reductions included, along tangents of its variables, each of the variable's axes, or more.

    Forward mode: what `slope` is for one pointwise variable. Of the value's axes and those that tangents bring.
    """
    simple = Simplifier()
    value = simple(value)
    found: dict[int, Expr | None] = {}
    for node in postorder(value):
        total: Expr | None = None
        match node:
            case Apply("select", (condition, *branches)):
                a, b = (found[id(x)] for x in branches)
                total = apply("select", condition, a or ZERO, b or ZERO) if a or b else None
            case Apply():
                total = _tangent(node, found)
            case Reduce(arg=arg):
                inner = found[id(arg)]
                total = inner and _of_reduction(node, inner)
            case View(arg, axis, index):
                inner = found[id(arg)]
                total = inner and View(inner, axis, index)
            case Pick(arg, axis, place):
                inner = found[id(arg)]
                total = inner and Pick(inner, axis, place)
            case Var():
                total = along.get(node)
        found[id(node)] = total and spread(simple(total), union(node.axes, total.axes))
    return found[id(value)] or spread(ZERO, value.axes)


def _of_reduction(node: Reduce, t: Expr) -> Expr:
    if node.op == "sum":
        return Reduce("sum", t, node.over, node.per)
    if node.op == "norm":
        return Reduce("sum", apply("mul", _direction(node), t), node.over, node.per)
    hit = apply("select", apply("eq", node.arg, node), ONE, ZERO)  # ties share, as in reverse mode
    chosen = Reduce("sum", apply("mul", hit, t), node.over, node.per)
    return apply("div", chosen, Reduce("sum", hit, node.over, node.per))


def _direction(norm: Reduce) -> Expr:
    """x/norm(x), and 0 where that is 0/0: of all slopes at the kink the one that |x| has."""
    return apply("select", apply("eq", norm, ZERO), ZERO, apply("div", norm.arg, norm))


def _partials(node: Apply) -> tuple[Partial | None, ...]:
    """Those of the primitive, but sqrt(sum of squares) is a norm: its derivative at 0 is 0, as that of |x|."""
    if node.op == "sqrt" and _squares(node.args[0]):
        return (lambda v, x: apply("select", apply("eq", v, ZERO), ZERO, apply("div", HALF, v)),)
    return PRIMITIVES[node.op].partials


def _squares(expr: Expr) -> bool:
    """Is it a sum of squares, with weights above 0?"""
    match expr:
        case Apply("mul", (a, b)):
            return a == b or (isinstance(a, Const) and a.value > 0 and _squares(b))
        case Apply("div", (a, Const(c))):
            return c > 0 and _squares(a)
        case Apply("add", (a, b)):
            return _squares(a) and _squares(b)
        case Reduce("sum", a):
            return _squares(a)
    return False


def _depends(expr: Expr, variable: Var) -> bool:
    return any(node == variable for node in postorder(expr))


def reverse(value: Expr, wrt: Iterable[Var], seed: Expr = ONE) -> tuple[Expr, ...]:
    """sum(seed * d value / d v) for each variable v, of v's axes. Reverse mode.

    `seed` is of value's axes, or lacks those along which it is the same. Runs once over the graph, so the result
    is as large as the value, up to a constant.
    """
    simple = Simplifier()
    value = simple(value)
    order = list(postorder(value))
    wanted = tuple(wrt)
    active = _active(order, set(wanted))
    cotangents: dict[Expr, Expr] = {value: spread(seed, value.axes)}

    def collect(node: Expr, term: Expr) -> None:
        if gone := tuple(a for a in term.axes if a not in node.axes):
            term = Reduce("sum", term, gone)  # the node was broadcast along them
        term = spread(simple(term), node.axes)
        cotangents[node] = simple(apply("add", cotangents[node], term)) if node in cotangents else term

    for node in reversed(order):
        if node not in active or node not in cotangents:
            continue
        c = cotangents[node]
        match node:
            case Apply(args=args):
                for arg, partial in zip(args, _partials(node), strict=True):
                    if partial is not None and arg in active:
                        collect(arg, apply("mul", c, partial(node, *args)))
            case Reduce(arg=arg):
                collect(arg, _through_reduction(node, c))
            case View(arg=arg):
                collect(arg, _through_view(node, c))
            case Pick(arg, axis, place):
                collect(arg, apply("select", apply("eq", Place(axis), place), c, ZERO))
    return tuple(spread(simple(cotangents.get(v, ZERO)), v.axes) for v in wanted)


def _active(order: list[Expr], wanted: set[Var]) -> set[Expr]:
    """The nodes through which a derivative flows from a wanted variable to the value."""
    active: set[Expr] = set(wanted)
    for node in order:
        match node:
            case Apply(op, args):
                if any(p and a in active for a, p in zip(args, PRIMITIVES[op].partials, strict=True)):
                    active.add(node)
            case Reduce(arg=arg) | View(arg=arg) | Pick(arg=arg) if arg in active:
                active.add(node)
    return active


def _through_reduction(node: Reduce, c: Expr) -> Expr:
    if node.per:
        c = Reduce("sum", c, node.over, node.per)
    if node.op == "sum":
        return spread(c, node.arg.axes)
    if node.op == "norm":
        return apply("mul", c, _direction(node))
    hit = apply("select", apply("eq", node.arg, node), ONE, ZERO)  # ties share, as torch.amax
    return apply("mul", hit, apply("div", c, Reduce("sum", hit, node.over, node.per)))


def _through_view(node: View, c: Expr) -> Expr:
    """The elements of the View that read a place of the argument, summed.

    place = (offset + factor*a + others)/divisor is solved for one of its axes, a. Where none is the View's own, all
    that could read are asked (`Place`).
    """
    index, axis = node.index, node.axis
    kept = [a for a in node.arg.axes if a != axis]
    own = [(a, f) for a, f in index.terms if a not in kept]
    left: tuple[tuple[Axis, int], ...] = ()
    if index.floor and index.divisor > 1:
        left = ((Axis(f"{axis.name}_left", index.divisor), 1),)
    if not own:
        return apply("select", _reads(index, axis), c, ZERO)
    pivot, factor = max(own, key=lambda term: abs(term[1]))
    sign = 1 if factor > 0 else -1
    others = tuple((a, -f) for a, f in index.terms if a != pivot)
    terms = tuple((a, sign * f) for a, f in ((axis, index.divisor), *left, *others))
    back = View(c, pivot, Index(terms, -sign * index.offset, abs(factor)))
    return (
        Reduce("sum", back, tuple(a for a, _ in (*left, *own) if a != pivot))
        if len(own) + len(left) > 1
        else back
    )


def _reads(index: Index, axis: Axis) -> Expr:
    """Whether the place along `axis` is the one that the index says."""
    found: Expr = Const(float(index.offset))
    for a, f in index.terms:
        found = apply("add", found, apply("mul", Const(float(f)), Place(a)))
    found = apply("div", found, Const(float(index.divisor)))
    return apply("eq", Place(axis), apply("floor", found) if index.floor else found)


def cotangent(name: str) -> str:
    """The name of the derivative of the loss by a let or a parameter."""
    return f"d_{name}"
