"""What an implicit equation says when it is read literally: `v[n+1] = (1 - beta1)*v[n+1] + g` is v[n+1] = g/beta1.

Solves what is linear in the unknown, on the ast, for the words of an error. Anything else stays unsolved.
"""

from __future__ import annotations

from collections.abc import Iterable

from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.walks import walk

ZERO, ONE = ast.Number(0.0, "0"), ast.Number(1.0, "1")


def literal_reading(equation: ast.Equation, unknown: ast.Expr, rule: ast.Optimizer) -> str | None:
    """The solution in words; `unknown` is what stands on both sides. None where it is not linear."""
    parts = linear(equation.value, unknown)
    if parts is None:
        return None
    a, b = parts
    rest = sub(ONE, a)
    if rest == ZERO:
        says = f"nothing of {print_expr(unknown)}" if b == ZERO else f"{print_expr(b)} = 0"
        return f"read literally it says {says}"
    solved = div(b, rest)
    words = f"read literally it says {print_expr(unknown)} = {print_expr(solved)}"
    if any(isinstance(n, ast.Index) and n not in _points(solved) for n in walk(solved)):
        return words
    rate = _rate(unknown, solved, rule)
    return f"{words}: no memory" + (f", gradient descent with the rate {rate}" if rate else "")


def linear(expr: ast.Expr, unknown: ast.Expr) -> tuple[ast.Expr, ast.Expr] | None:
    """(a, b) of a*unknown + b."""
    if expr == unknown:
        return ONE, ZERO
    if unknown not in walk(expr):
        return ZERO, expr
    match expr:
        case ast.Unary("-", operand) if inner := linear(operand, unknown):
            return sub(ZERO, inner[0]), sub(ZERO, inner[1])
        case ast.Binary("+" | "-" as op, left, right):
            first, second = linear(left, unknown), linear(right, unknown)
            if first and second:
                put = add if op == "+" else sub
                return put(first[0], second[0]), put(first[1], second[1])
        case ast.Binary("*", left, right):
            if unknown not in walk(left) and (inner := linear(right, unknown)):
                return mul(left, inner[0]), mul(left, inner[1])
            if unknown not in walk(right) and (inner := linear(left, unknown)):
                return mul(right, inner[0]), mul(right, inner[1])
        case ast.Binary("/", left, right) if unknown not in walk(right) and (inner := linear(left, unknown)):
            return div(inner[0], right), div(inner[1], right)
    return None


def _rate(unknown: ast.Expr, solved: ast.Expr, rule: ast.Optimizer) -> str | None:
    """Of theta[n+1] = theta[n] - rate*grad R(theta[n]), once the solution is put in."""
    gradients = dict.fromkeys(_gradients(rule))
    after = [e.value for e in rule.body if isinstance(e, ast.Equation) and e.name == "theta" and e.indices]
    step = linear(after[-1], unknown) if after else None
    if step is None or step[1] != ast.Index(ast.Name("theta"), ast.Name("n")):
        return None
    for gradient in gradients:
        inside = linear(solved, gradient)
        if inside is not None and inside[1] == ZERO and inside[0] != ZERO:
            return print_expr(_product(sub(ZERO, step[0]), inside[0]))
    return None


def _product(x: ast.Expr, y: ast.Expr) -> ast.Expr:
    """eta*(1/beta1) -> eta/beta1"""
    match y:
        case ast.Binary("/", top, below):
            return div(mul(x, top), below)
    return mul(x, y)


def _gradients(rule: ast.Optimizer) -> Iterable[ast.Expr]:
    """The gradient at theta[n], and the locals that are it."""
    here = ast.Index(ast.Name("theta"), ast.Name("n"))
    for node in (n for action in rule.body for n in walk(action)):
        match node:
            case ast.Gradient(batch=None, point=point) if point in (None, here):
                yield node
            case ast.Equation(name, (), ast.Gradient(batch=None, point=point)) if point in (None, here):
                yield ast.Name(name)


def _points(expr: ast.Expr) -> list[ast.Node]:
    """Where gradients are taken."""
    return [n for g in walk(expr) if isinstance(g, ast.Gradient) and g.point for n in walk(g.point)]


# -- the algebra that makes the words short ----------------------------------------------------------


def add(x: ast.Expr, y: ast.Expr) -> ast.Expr:
    match x, y:
        case ast.Number(0.0), _:
            return y
        case _, ast.Number(0.0):
            return x
        case ast.Number(a), ast.Number(b):
            return _number(a + b)
    return ast.Binary("+", x, y)


def sub(x: ast.Expr, y: ast.Expr) -> ast.Expr:
    match x, y:
        case _, ast.Number(0.0):
            return x
        case _, ast.Unary("-", inner):
            return add(x, inner)
        case ast.Number(0.0), _:
            return ast.Unary("-", y)
        case ast.Number(1.0), ast.Binary("-", ast.Number(1.0), rest):  # 1 - (1 - beta) -> beta
            return rest
        case ast.Number(a), ast.Number(b):
            return _number(a - b)
    return ast.Binary("-", x, y)


def _number(x: float) -> ast.Number:
    return ast.Number(float(f"{x:.12g}"), f"{x:.12g}")


def mul(x: ast.Expr, y: ast.Expr) -> ast.Expr:
    if ZERO in (x, y):
        return ZERO
    return y if x == ONE else x if y == ONE else ast.Binary("*", x, y)


def div(x: ast.Expr, y: ast.Expr) -> ast.Expr:
    match x:
        case _ if y == ONE or x == ZERO:
            return x
        case ast.Number(a) if (
            isinstance(y, ast.Number) and (known := _number(a / y.value)).value == a / y.value
        ):
            return known
        case ast.Binary("*", left, right) if y in (left, right):  # beta*g/beta -> g
            return right if y == left else left
    return ONE if x == y else ast.Binary("/", x, y)
