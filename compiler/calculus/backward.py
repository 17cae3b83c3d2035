"""The lets of d loss / d everything it flows through, of all lets of a problem: the chain rule from let to let.

What the value of one let passes on is derived by `derive.py`; a Scan of lets has the Scan of their adjoints, from
the other end. The results are ordinary lets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from netc.compiler.calculus.derive import cotangent, reverse, slope
from netc.compiler.calculus.ir import (
    Apply,
    Axis,
    Const,
    Expr,
    Let,
    Pick,
    Reduce,
    Scan,
    Step,
    Tensor,
    Var,
    View,
    apply,
    flat,
    postorder,
)
from netc.compiler.calculus.laws import spread
from netc.compiler.calculus.primitives import ONE, ZERO
from netc.compiler.calculus.simplify import rebuild, simplify


def backward(
    forward: Sequence[Step], loss: str, weights: Sequence[Tensor]
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The lets of d loss / d everything it flows through, in the order of computation; and the names of those of the
    weights, which may be given to a let each only when the last one that uses them has been passed."""
    return _Backward(forward, loss, weights).run()


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
