"""Simplification of whole expressions, and the sharing of common subexpressions.

`simplify` applies the laws of `laws.py` from the leaves up; `common` prepares expressions for code: it
writes out the primitives that targets do not spell and names what is used more than once. Nothing here
derives, or knows of statements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from netc.compiler.ir import Apply, Const, Expr, Kind, Reduce, Var, children, postorder
from netc.compiler.laws import make, make_reduce, spread
from netc.compiler.primitives import PRIMITIVES, TRUTHS


def simplify(expr: Expr, units: int | None = None) -> Expr:
    """The expression after all laws, of the same kind; idempotent.

    `units` is the number of elements of kind `output`, where known: over one unit a Reduce is its element.
    Equal subexpressions of the result are one object.
    """
    return _simplified((expr,), units)[0]


def _simplified(roots: tuple[Expr, ...], units: int | None) -> tuple[Expr, ...]:
    done: dict[int, Expr] = {}
    pool: dict[Expr, Expr] = {}
    for node in postorder(*roots):
        match node:
            case Apply(op, args):
                new = make(op, *(done[id(a)] for a in args))
            case Reduce(op, arg, per_layer):
                new = make_reduce(op, done[id(arg)], per_layer, units)
            case _:
                new = node
        done[id(node)] = _pooled(new, pool)
    return tuple(_of_kind(done[id(root)], root.kind, pool) for root in roots)


def _pooled(expr: Expr, pool: dict[Expr, Expr]) -> Expr:
    """The one object that stands for all expressions equal to this one."""
    if (known := pool.get(expr)) is not None:
        return known
    match expr:
        case Apply(op, args, kind):
            expr = Apply(op, tuple(_pooled(a, pool) for a in args), kind)
        case Reduce(op, arg, per_layer):
            expr = Reduce(op, _pooled(arg, pool), per_layer)
    return pool.setdefault(expr, expr)


def _of_kind(expr: Expr, kind: Kind, pool: dict[Expr, Expr]) -> Expr:
    if kind == "scalar" and expr.kind == "output":  # over one unit all has become elements
        return pool.setdefault(total := Reduce("sum", expr), total)
    return pool.setdefault(whole := spread(expr, kind), whole)


def rebuild(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Every node, arguments first and already changed, replaced by what `change` makes of it."""
    done: dict[int, Expr] = {}
    for node in postorder(expr):
        new = node
        match node:
            case Apply(op, args, kind):
                changed = tuple(done[id(a)] for a in args)
                if any(a is not b for a, b in zip(args, changed, strict=True)):
                    new = Apply(op, changed, kind)
            case Reduce(op, arg, per_layer):
                if done[id(arg)] is not arg:
                    new = Reduce(op, done[id(arg)], per_layer)
        done[id(node)] = change(new)
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

    What two places compute is bound once, keeping its kind. Truth values are not bound: a comparison is as
    cheap as a name. After this the (already simplified) expressions are for code, no longer for deriving.
    """
    pool: dict[Expr, Expr] = {}
    roots = [rebuild(expand(e), lambda node: pool.setdefault(node, node)) for e in exprs]
    uses = Counter(child for node in postorder(*roots) for child in children(node)) + Counter(roots)
    bindings: list[tuple[str, Expr]] = []
    done: dict[Expr, Expr] = {}
    for node in postorder(*roots):
        match node:
            case Apply(op, args, kind):
                new: Expr = Apply(op, tuple(done[a] for a in args), kind)
            case Reduce(op, arg, per_layer):
                new = Reduce(op, done[arg], per_layer)
            case _:
                new = node
        if uses[node] > 1 and _worth_a_name(node):
            bindings.append((f"{prefix}{len(bindings)}", new))
            new = Var(bindings[-1][0], node.kind)
        done[node] = new
    return bindings, [done[root] for root in roots]


def _worth_a_name(node: Expr) -> bool:
    match node:
        case Const() | Var():
            return False
        case Apply(op=op):
            return op not in TRUTHS
        case Reduce():
            return True
