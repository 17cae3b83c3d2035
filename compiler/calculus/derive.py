"""Derivatives of ir expressions and of whole problems: one rule for each kind of node, and the chain rule.

    Apply    the partial derivatives of `primitives.py`
    Reduce   a sum passes its cotangent on to every term; max and min to the terms that reach it, ties share
    View     a sum of a View: every sum has one owner and one order, nothing is scattered
    Pick     a sum over the places that picked the element
    Scan     the Scan of the adjoints, from the other end

Forward: `slope`, `tangent`; reverse: `reverse`; of all lets of a problem: `backward`. The results are ordinary
expressions and lets and may be derived again. Targets and the interpreter derive nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import assert_never

from netc.compiler.calculus.ir import (
    Apply,
    Axis,
    Const,
    Expr,
    Index,
    Let,
    Pick,
    Place,
    Reduce,
    Scan,
    Step,
    Tensor,
    Var,
    View,
    apply,
    flat,
    postorder,
    union,
)
from netc.compiler.calculus.laws import spread
from netc.compiler.calculus.primitives import HALF, ONE, PRIMITIVES, ZERO, Partial
from netc.compiler.calculus.simplify import Simplifier, rebuild, simplify


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


# -- a whole problem ---------------------------------------------------------------------------------


def backward(
    forward: Sequence[Step], loss: str, weights: Sequence[Tensor]
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The lets of d loss / d everything it flows through, in the order of computation; and the names of those of the
    weights, which may be given to a let each only when the last one that uses them has been passed."""
    return _Backward(forward, loss, weights).run()


def cotangent(name: str) -> str:
    """The name of the derivative of the loss by a let or a parameter."""
    return f"d_{name}"


class _Backward:
    def __init__(self, forward: Sequence[Step], loss: str, weights: Sequence[Tensor]) -> None:
        self.forward, self.loss, self.weights = forward, loss, weights
        self.lets = {let.name: let for let in flat(forward)}
        self.flowing = self._useful() & self._moved()
        self.terms: dict[str, list[Expr]] = {loss: [ONE]}
        self.steps: list[Step] = []

    def run(self) -> tuple[tuple[Step, ...], tuple[str, ...]]:
        first = self._first_uses()
        for i, step in reversed(list(enumerate(self.forward))):
            match step:
                case Let():
                    self._let(step)
                case Scan():
                    self._scan(step)
                case _:
                    assert_never(step)
            for t in self.weights:
                if first.get(t.name) == i:
                    self.steps.append(self._made(t.name, t.axes))
        unused = [t for t in self.weights if t.name not in first]
        self.steps += [self._made(t.name, t.axes) for t in unused]
        return tuple(self.steps), tuple(cotangent(t.name) for t in self.weights)

    def _let(self, let: Let) -> None:
        if let.name not in self.flowing or let.name not in self.terms:
            return
        made = self._made(let.name, let.axes)
        seed: Expr = made.value
        if not isinstance(seed, Const):
            self.steps.append(made)
            seed = made.var
        self._pass_on(let, seed)

    def _scan(self, scan: Scan) -> None:
        """All that flows inside is named first: at a place it needs what the next ones found."""
        inside = [let for let in scan.lets if let.name in self.flowing]
        for let in inside:
            self._pass_on(let, Var(cotangent(let.name), let.axes))
        lets = tuple(self._made(let.name, let.axes) for let in reversed(inside))
        self.steps.append(Scan(scan.axis, lets, backward=not scan.backward))

    def _made(self, name: str, axes: tuple[Axis, ...]) -> Let:
        value: Expr = ZERO
        for i, term in enumerate(self.terms.get(name, [])):
            value = apply("add", value, term) if i else term
        span = (
            self.lets[name].span
            if name in self.lets
            else next(t.span for t in self.weights if t.name == name)
        )
        return Let(cotangent(name), axes, spread(simplify(value), axes), span=span)

    def _pass_on(self, let: Let, seed: Expr) -> None:
        """The seed onto what the let reads."""
        if more := tuple(a for a in seed.axes if a not in let.value.axes):
            seed = Reduce("sum", seed, more)  # the value was broadcast
        for variable in dict.fromkeys(self._reads(let)):
            term = _through(let, variable, seed)
            if term != spread(ZERO, variable.axes):
                self.terms.setdefault(variable.name, []).append(term)

    def _reads(self, let: Let) -> Iterator[Var]:
        """The variables through which the loss is reached, in the order of the weights and of what is read."""
        known = self.flowing | {t.name for t in self.weights}
        return (node for node in postorder(let.value) if isinstance(node, Var) and node.name in known)

    def _useful(self) -> set[str]:
        """What the loss depends on."""
        found, todo = {self.loss}, [self.loss]
        while todo:
            for node in postorder(self.lets[todo.pop()].value):
                if isinstance(node, Var) and node.name in self.lets and node.name not in found:
                    found.add(node.name)
                    todo.append(node.name)
        return found

    def _moved(self) -> set[str]:
        """What depends on the weights."""
        known = {t.name for t in self.weights}
        before = -1
        while before < len(known):  # again: in a Scan a let may read a later one's earlier places
            before = len(known)
            for let in self.lets.values():
                if any(isinstance(node, Var) and node.name in known for node in postorder(let.value)):
                    known.add(let.name)
        return known

    def _first_uses(self) -> dict[str, int]:
        first: dict[str, int] = {}
        for i, step in enumerate(self.forward):
            for let in flat((step,)):
                for node in postorder(let.value):
                    if isinstance(node, Var):
                        first.setdefault(node.name, i)
        return first


def _through(let: Let, variable: Var, seed: Expr) -> Expr:
    """The cotangent of a variable of the let's value. Pointwise functions are derived forward and multiplied once."""
    value = simplify(let.value)
    pointwise = not any(isinstance(node, Reduce | View | Pick) for node in postorder(value))
    if pointwise and let.axes and set(variable.axes) == set(let.axes):
        vjp = simplify(apply("mul", seed, slope(value, variable)))
    else:
        vjp = simplify(reverse(value, (variable,), seed)[0])
    if isinstance(value, Const | Var) or len(let.axes) < 2:
        return vjp
    return simplify(_use_value(vjp, value, let.var))


def _use_value(vjp: Expr, value: Expr, here: Var) -> Expr:
    """The value is at hand under a name; it need not be computed again."""

    def change(node: Expr) -> Expr:
        match node:
            case Apply("mul", (x, Apply("div", (q, s)))) | Apply("mul", (Apply("div", (q, s)), x)):
                if Apply("div", (x, s)) == value:  # x*(q/s) = (x/s)*q
                    return apply("mul", here, q)
            case Apply("mul", (x, Apply("div", (Const(k), s)))) if value == Apply("div", (x, s)):
                return apply("mul", Const(k), here)
        return here if node == value else node

    return rebuild(vjp, change)
