"""Simplification of whole expressions, and the sharing of common subexpressions.

`simplify` applies the laws of `laws.py` from the leaves up; `common` prepares expressions for code: it
writes out the primitives that targets do not spell and names what is used more than once. Nothing here
derives, or knows of statements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from netc.compiler.calculus.ir import (
    Apply,
    Const,
    Expr,
    Place,
    Reduce,
    Var,
    children,
    postorder,
    with_children,
)
from netc.compiler.calculus.laws import make, spread
from netc.compiler.calculus.primitives import PRIMITIVES, TRUTHS
from netc.compiler.calculus.reduction_laws import make_reduce


def simplify(expr: Expr) -> Expr:
    """The expression after all laws, of the same axes; idempotent. Equal subexpressions of the result are one object."""
    return Simplifier()(expr)


class Simplifier:
    """`simplify` for many expressions that share parts: what it has seen it does not visit again."""

    def __init__(self) -> None:
        self.pool: dict[Expr, Expr] = {}
        self.done: dict[int, tuple[Expr, Expr]] = {}
        """By id: the node (kept, so that its id stays its own) and what it became."""

    def __call__(self, expr: Expr) -> Expr:
        for node in postorder(expr, known=self.done):
            new = self._pooled(self._made(node))
            self.done[id(node)] = (node, new)
            self.done.setdefault(id(new), (new, new))
        found = self.done[id(expr)][1]
        if single := tuple(
            a for a in found.axes if a not in expr.axes
        ):  # sums over one element were left out
            return self._pooled(Reduce("sum", found, single))
        return self._pooled(spread(found, expr.axes))

    def _made(self, node: Expr) -> Expr:
        match node:
            case Apply(op, args):
                return make(op, *(self.done[id(a)][1] for a in args))
            case Reduce(op, arg, over, per):
                return make_reduce(op, self.done[id(arg)][1], over, per)
            case _:
                return with_children(node, tuple(self.done[id(c)][1] for c in children(node)))

    def _pooled(self, expr: Expr) -> Expr:
        """The one object that stands for all expressions equal to this one."""
        if (known := self.pool.get(expr)) is not None:
            return known
        expr = with_children(expr, tuple(self._pooled(c) for c in children(expr)))
        return self.pool.setdefault(expr, expr)


def rebuild(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Every node, arguments first and already changed, replaced by what `change` makes of it."""
    done: dict[int, Expr] = {}
    for node in postorder(expr):
        done[id(node)] = change(with_children(node, tuple(done[id(c)] for c in children(node))))
    return done[id(expr)]


def expand(expr: Expr) -> Expr:
    """Only primitives that have a spelling; what this writes out are no longer to be derived."""

    def change(node: Expr) -> Expr:
        if isinstance(node, Apply) and (expansion := PRIMITIVES[node.op].expansion):
            return expansion(*node.args)
        return node

    return rebuild(expr, change)


def common(exprs: Iterable[Expr], prefix: str = "t") -> tuple[list[tuple[str, Expr]], list[Expr]]:
    """Bindings `t0 = ...`, `t1 = ...` in the order of computation, and the expressions in terms of them.

    What two places compute is bound once. Truth values are not bound: a comparison is as
    cheap as a name. After this the (already simplified) expressions are for code, no longer for deriving.
    """
    pool: dict[Expr, Expr] = {}
    roots = [rebuild(expand(e), lambda node: pool.setdefault(node, node)) for e in exprs]
    uses = Counter(child for node in postorder(*roots) for child in children(node)) + Counter(roots)
    bindings: list[tuple[str, Expr]] = []
    done: dict[Expr, Expr] = {}
    for node in postorder(*roots):
        new = with_children(node, tuple(done[c] for c in children(node)))
        if uses[node] > 1 and _worth_a_name(node):
            bindings.append((f"{prefix}{len(bindings)}", new))
            new = Var(bindings[-1][0], node.axes)
        done[node] = new
    return bindings, [done[root] for root in roots]


def _worth_a_name(node: Expr) -> bool:
    match node:
        case Const() | Var() | Place():
            return False
        case Apply(op=op):
            return op not in TRUTHS
        case _:
            return True
