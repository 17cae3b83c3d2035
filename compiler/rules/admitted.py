"""Which numbers a rule admits: what its lines `require = ...` say of parameters, for one number or for many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite

from netc.compiler.calculus.written import exact
from netc.compiler.meaning.spec import Optimizer
from netc.compiler.proofs.normal_form import NoForm
from netc.compiler.proofs.ranges import Number, Range
from netc.dsl import ast
from netc.dsl.walks import conjuncts, names_in

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def admitted(rule: Optimizer) -> dict[str, Range]:
    """Where each parameter lies by the conditions that compare it with a number; all real numbers without one."""
    found = {name: Range() for name, _ in rule.arguments}
    for condition in _required(rule):
        match condition:
            case ast.Compare(op, ast.Name(name), bound) if name in found and op in MIRRORED:
                found[name] = _cut(found[name], op, _literal(bound))
            case ast.Compare(op, bound, ast.Name(name)) if name in found and op in MIRRORED:
                found[name] = _cut(found[name], MIRRORED[op], _literal(bound))
    return found


def _literal(bound: ast.Expr) -> float | None:
    match bound:
        case ast.Number(value):
            return value
        case ast.Unary("-", ast.Number(value)):
            return -value
    return None


def _cut(where: Range, op: str, value: float | None) -> Range:
    if value is None:
        return where
    bound, is_open = exact(value), op in "<>"
    if op[0] == ">":
        if where.low is None or (bound, is_open) > (where.low, where.low_open):
            return Range(bound, where.high, is_open, where.high_open)
    elif where.high is None or (-bound, is_open) > (-where.high, where.high_open):
        return Range(where.low, bound, where.low_open, is_open)
    return where


def admits(rule: Optimizer, numbers: Mapping[str, Number]) -> bool:
    """Is it derived that all that the rule requires holds, for all that the numbers stand for?"""
    known = {n: Number(exact(v)) for n, v in rule.off if isfinite(v)} | dict(numbers)
    endless = {n for n, v in (*rule.off, *rule.arguments) if not isfinite(v)}
    asked = (c for c in _required(rule) if not names_in(c) & endless)  # nothing is required of `none`
    return all(_comes_out(c, known, True) for c in asked)


def _required(rule: Optimizer) -> Iterator[ast.Expr]:
    for setting in rule.definition.settings:
        if setting.name == "require":
            yield from conjuncts(setting.value)


def _comes_out(condition: ast.Expr, known: Mapping[str, Number], wanted: bool) -> bool:
    """Is it derived that the condition comes out like this?"""
    match condition:
        case ast.Logic(op, left, right):
            each = (_comes_out(side, known, wanted) for side in (left, right))
            return all(each) if (op == "and") is wanted else any(each)
        case ast.Not(operand):
            return _comes_out(operand, known, not wanted)
        case ast.Compare(op, left, right):
            try:
                return _sign(_number(left, known) - _number(right, known)) in _SIGNS[op, wanted]
            except (NoForm, KeyError):
                return False
        case ast.Name(flag):
            return flag in known and _sign(known[flag]) in _SIGNS["!=", wanted]
    return False


ZERO = 3
_SIGNS = {
    (">", True): {2}, (">", False): {-1, -2, ZERO}, (">=", True): {1, 2, ZERO}, (">=", False): {-2},
    ("<", True): {-2}, ("<", False): {1, 2, ZERO}, ("<=", True): {-1, -2, ZERO}, ("<=", False): {2},
    ("=", True): {ZERO}, ("=", False): {2, -2}, ("!=", True): {2, -2}, ("!=", False): {ZERO},
}  # fmt: skip
"""Of left less right, for which the comparison comes out like this."""


def _sign(x: Number) -> int:
    return ZERO if x.range is None and not x.value else x.sign


def _number(expr: ast.Expr, known: Mapping[str, Number]) -> Number:
    match expr:
        case ast.Number(value):
            return Number(exact(value))
        case ast.Name("true" | "false" as word):
            return Number(exact(float(word == "true")))
        case ast.Name(name):
            return known[name]
        case ast.Unary("-", operand):
            return -_number(operand, known)
        case ast.Binary(op, left, right):
            x, y = _number(left, known), _number(right, known)
            match op:
                case "+":
                    return x + y
                case "-":
                    return x - y
                case "*":
                    return x * y
                case "/" if abs(y.sign) == 2:
                    return x / y
    raise NoForm("what a rule requires is not derived")
