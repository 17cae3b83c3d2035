"""Derivatives of ir expressions, always made by the compiler: maps, heads, objectives.

The rules of single functions are the partial derivatives of `primitives.py`; here is only the chain rule,
forward (`slope`, `tangent`) and reverse (`adjoint`, `gradient`). The results are ordinary expressions and may be
derived again. The tensor operations (Dense) have their adjoints in the loops that a target makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netc.compiler.calculus.ir import Apply, Const, Expr, Head, Reduce, Var, apply, postorder
from netc.compiler.calculus.laws import spread
from netc.compiler.calculus.primitives import ONE, PRIMITIVES, ZERO
from netc.compiler.calculus.simplify import Simplifier, rebuild, simplify


def slope(value: Expr, variable: Var) -> Expr:
    """d value / d variable of a pointwise function (no Reduce), of the variable's kind. Forward mode.

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
            case Apply(op, args):
                total = _tangent(op, args, node, tangents)
                tangents[id(node)] = total and simple(total)
            case Reduce():
                assert not _depends(node, variable), "a reduction has no slope"
                tangents[id(node)] = None
            case _:
                tangents[id(node)] = ONE if node == variable else None
    return spread(tangents[id(value)] or ZERO, variable.kind)


def _tangent(op: str, args: tuple[Expr, ...], node: Expr, tangents: dict[int, Expr | None]) -> Expr | None:
    total: Expr | None = None
    for arg, partial in zip(args, PRIMITIVES[op].partials, strict=True):
        tangent = tangents[id(arg)]
        if partial is not None and tangent is not None:
            term = apply("mul", partial(node, *args), tangent)
            total = term if total is None else apply("add", total, term)
    return total


def tangent(value: Expr, along: Mapping[Var, Var]) -> Expr:
    """The derivative of a value, reductions included, along tangents of its variables, each of the variable's kind.

    Forward mode: what `slope` is for one pointwise variable. Of the value's kind.
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
            case Apply(op, args):
                total = _tangent(op, args, node, found)
            case Reduce(arg=arg):
                inner = found[id(arg)]
                total = inner and _of_reduction(node, inner)
            case Var():
                total = along.get(node)
        found[id(node)] = total and spread(simple(total), node.kind)
    return found[id(value)] or spread(ZERO, value.kind)


def _of_reduction(node: Reduce, t: Expr) -> Expr:
    if node.op == "sum":
        return Reduce("sum", t, node.per)
    hit = apply("select", apply("eq", node.arg, node), ONE, ZERO)  # ties share, as in reverse mode
    chosen = Reduce("sum", apply("mul", hit, t), node.per)
    return apply("div", chosen, Reduce("sum", hit, node.per))


def _depends(expr: Expr, variable: Var) -> bool:
    return any(node == variable for node in postorder(expr))


def reverse(value: Expr, wrt: Iterable[Var], seed: Expr = ONE) -> tuple[Expr, ...]:
    """sum(seed * d value / d v) for each variable v, of v's kind. Reverse mode.

    `seed` is of value's kind, or scalar where it is the same for all elements. Runs once over the graph,
    so the result is as large as the value, up to a constant.
    """
    simple = Simplifier()
    value = simple(value)
    order = list(postorder(value))
    wanted = tuple(wrt)
    active = _active(order, set(wanted))
    cotangents: dict[Expr, Expr] = {value: spread(seed, value.kind)}

    def collect(node: Expr, term: Expr) -> None:
        if node.kind == "scalar" and term.kind != "scalar":
            term = Reduce("sum", term)  # the node was broadcast
        term = spread(simple(term), node.kind)
        cotangents[node] = simple(apply("add", cotangents[node], term)) if node in cotangents else term

    for node in reversed(order):
        if node not in active or node not in cotangents:
            continue
        c = cotangents[node]
        match node:
            case Apply(op, args):
                for arg, partial in zip(args, PRIMITIVES[op].partials, strict=True):
                    if partial is not None and arg in active:
                        collect(arg, apply("mul", c, partial(node, *args)))
            case Reduce(arg=arg):
                collect(arg, _through_reduction(node, c))
    return tuple(spread(simple(cotangents.get(v, ZERO)), v.kind) for v in wanted)


def _active(order: list[Expr], wanted: set[Var]) -> set[Expr]:
    """The nodes through which a derivative flows from a wanted variable to the value."""
    active: set[Expr] = set(wanted)
    for node in order:
        match node:
            case Apply(op, args):
                if any(p and a in active for a, p in zip(args, PRIMITIVES[op].partials, strict=True)):
                    active.add(node)
            case Reduce(arg=arg) if arg in active:
                active.add(node)
    return active


def _through_reduction(node: Reduce, c: Expr) -> Expr:
    if node.per:
        c = Reduce("sum", c, per=node.per)
    if node.op == "sum":
        return spread(c, node.arg.kind)
    hit = apply("select", apply("eq", node.arg, node), ONE, ZERO)  # ties share, as torch.amax
    return apply("mul", hit, apply("div", c, Reduce("sum", hit, node.per)))


def adjoint(value: Expr, wrt: Var) -> Expr:
    """d value / d wrt of a scalar, of the variable's kind."""
    assert value.kind == "scalar"
    return reverse(value, (wrt,))[0]


def gradient(value: Expr, variables: tuple[str, ...]) -> tuple[Expr, ...]:
    """Of an objective of named scalars: one derivative each."""
    return reverse(value, tuple(Var(name, "scalar") for name in variables))


Z, A, C = Var("z", "output"), Var("a", "output"), Var("c", "output")
U, Y = Var("u", "output"), Var("y", "output")


def map_vjp(value: Expr) -> Expr:
    """The cotangent of z, from z, the value a and its cotangent c (see `ir.Map`)."""
    value = simplify(value)
    if any(isinstance(node, Reduce) for node in postorder(value)):
        vjp = reverse(value, (Z,), C)[0]
    else:
        vjp = simplify(apply("mul", C, slope(value, Z)))
    return simplify(vjp if value in (Z, C) or isinstance(value, Const) else _use_value(vjp, value))


def _use_value(vjp: Expr, value: Expr) -> Expr:
    """The value is at hand as `a`; it need not be computed again."""

    def change(node: Expr) -> Expr:
        match node:
            case Apply("mul", (x, Apply("div", (q, s)))) | Apply("mul", (Apply("div", (q, s)), x)):
                if Apply("div", (x, s), "output") == value:  # x*(q/s) = (x/s)*q = a*q
                    return apply("mul", A, q)
            case Apply("mul", (x, Apply("div", (Const(k), s)))) if value == Apply("div", (x, s), "output"):
                return apply("mul", Const(k), A)
        return A if node == value else node

    return rebuild(vjp, change)


def substitute(expr: Expr, variable: Var, value: Expr) -> Expr:
    """The expression with a variable replaced by a value of its kind."""
    return rebuild(expr, lambda node: value if node == variable else node)


def head(output: Expr, loss: Expr, units: int, mean: bool) -> Head:
    """The last activation u(z) and the loss(u, y) of one sample as one function of z and y.

    Composed before they are simplified and derived, so that log(softmax(z)) and log(sigmoid(z)) become the
    forms that neither overflow nor meet log(0): stable in loss and adjoint for any finite z.
    """
    output = simplify(output, units)
    composed = simplify(substitute(loss, U, output), units)
    return Head(units, output, composed, simplify(adjoint(composed, Z), units), mean)
