"""A search that tries the loss uphill of a step that goes downhill: Armijo's test with its sign turned round.

Reads signs off the equations, with rates taken as positive; where a sign stays open nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netc.compiler.meaning.findings import Report
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.walks import names_in, walk

_POSITIVE = ("norm", "sqrt", "abs", "exp")


def check_search(rule: ast.Optimizer, losses: frozenset[str], report: Report) -> None:
    signs = _Signs(rule)
    steps = [e for e in signs.equations if e.name == "theta" and e.indices]
    if not steps or signs.slope(steps[-1].value) != -1:
        return
    trials = [(call, signs.slope(call)) for call in _trials(rule, losses)]
    if any(slope == -1 for _, slope in trials):
        return  # both sides are tried: a difference quotient
    for trial in (t for t, slope in trials if slope == 1):
        place = trial if isinstance(trial, ast.Binary) else signs.defined.get(_name(trial), trial)
        turned = replace(place, op="-") if isinstance(place, ast.Binary) and place.op == "+" else None
        report.error(
            "E0421",
            place.span,
            "the loss is tried uphill, but the step goes downhill",
            label="along +grad R",
            related=((steps[-1].span, "the step"),),
            hints=(f"likely meant: {print_expr(turned)}",) if turned else (),
        )


def _name(expr: ast.Expr) -> str:
    return expr.id if isinstance(expr, ast.Name) else ""


def _trials(rule: ast.Optimizer, losses: frozenset[str]) -> Iterator[ast.Expr]:
    """The points p of each R(p) that a condition hangs on."""
    nodes = [n for action in rule.body for n in walk(action)]
    tests = [n for n in nodes if isinstance(n, ast.Compare)]
    asked = {name for test in tests for name in names_in(test)}
    own = [n.value for n in nodes if isinstance(n, ast.Equation) and not n.indices and n.name in asked]
    for node in (n for root in [*tests, *own] for n in walk(root)):
        match node:
            case ast.Call(ast.Name(name) | ast.Index(ast.Name(name)), (ast.Argument(None, point),)) if (
                name in losses
            ):
                yield point


class _Signs:
    """Of the gradient in an expression, and of numbers."""

    def __init__(self, rule: ast.Optimizer) -> None:
        nodes = [n for action in rule.body for n in walk(action)]
        self.equations = [n for n in nodes if isinstance(n, ast.Equation)]
        names = [e.name for e in self.equations if not e.indices]
        self.defined = {e.name: e.value for e in self.equations if names.count(e.name) == 1 and not e.indices}
        self.known: dict[str, int | None] = {}
        """Slopes of locals; one that is set from itself in a loop has none."""

    def slope(self, expr: ast.Expr) -> int | None:
        """1: along the gradient, -1: against it, 0: without it, None: not known."""
        match expr:
            case ast.Gradient():
                return 1
            case ast.Index(ast.Name("theta")) | ast.Number():
                return 0
            case ast.Index():
                return None
            case ast.Name(id):
                return self._local(id) if id in self.defined else 0
            case ast.Unary(op, operand):
                inner = self.slope(operand)
                return None if inner is None else -inner if op == "-" else inner
            case ast.Binary("+" | "-" as op, left, right):
                return self._sum(self.slope(left), self.slope(right), 1 if op == "+" else -1)
            case ast.Binary("*", left, right):
                first, second = self.slope(left), self.slope(right)
                if first == 0:
                    return _times(self.sign(left), second)
                return _times(self.sign(right), first) if second == 0 else None
            case ast.Binary("/", left, right) if self.slope(right) == 0:
                return _times(self.sign(right), self.slope(left))
            case ast.Call(ast.Name(name)) if name in _POSITIVE:
                return 0
        return None

    def _local(self, name: str) -> int | None:
        if name not in self.known:
            self.known[name] = None
            self.known[name] = self.slope(self.defined[name])
        return self.known[name]

    def _sum(self, x: int | None, y: int | None, sign: int) -> int | None:
        if x is None or y is None:
            return None
        return x + sign * y if 0 in (x, y) else x if x == sign * y else None

    def sign(self, expr: ast.Expr) -> int:
        """Of a number; what has a name is positive unless it is set to something else."""
        match expr:
            case ast.Number(value):
                return -1 if value < 0 else 1
            case ast.Unary("-", operand):
                return -self.sign(operand)
            case ast.Binary("*" | "/", left, right):
                return self.sign(left) * self.sign(right)
            case ast.Name(id) if id in self.defined and id not in names_in(self.defined[id]):
                return self.sign(self.defined[id])
        return 1


def _times(sign: int, slope: int | None) -> int | None:
    return None if slope is None else sign * slope
