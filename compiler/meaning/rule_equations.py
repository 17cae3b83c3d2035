"""The equations of a rule as they run: arguments put in place, what they switch off left out.

For the eye only. `0*x` is left out here, which the compiler itself never does (it would hide a NaN).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from netc.compiler.meaning.resolve_values import number_or_none
from netc.dsl import ast
from netc.dsl.printer import Printer
from netc.dsl.walks import rebuild, walk


def with_numbers(actions: Iterable[ast.Action], values: Mapping[str, float]) -> tuple[ast.Action, ...]:
    """The actions with numbers for the names in `values`; a local that is one number is put in its place."""
    actions = tuple(actions)
    known, done = dict(values), list[ast.Action]()
    set_here = [n.name for a in actions for n in walk(a) if isinstance(n, ast.Equation)]
    for action in actions:
        action = _put(action, known)
        match action:
            case ast.Equation(name, (), ast.Number(value)) if set_here.count(name) == 1:
                known[name] = value
            case _:
                done.append(action)
    return tuple(done)


def _put(action: ast.Action, values: Mapping[str, float]) -> ast.Action:
    match action:
        case ast.Equation(value=value):
            return replace(action, value=put(value, values))
        case ast.Until(condition) | ast.End(_, condition):
            return replace(action, condition=put(condition, values))
        case ast.If(condition, body, otherwise):
            return replace(
                action,
                condition=put(condition, values),
                body=with_numbers(body, values),
                otherwise=with_numbers(otherwise, values),
            )
        case ast.Repeat(bound, body):
            return replace(action, bound=bound and put(bound, values), body=with_numbers(body, values))
        case ast.For(_, over, body):
            return replace(action, values=put(over, values), body=with_numbers(body, values))


def put(expr: ast.Expr, values: Mapping[str, float]) -> ast.Expr:
    """The expression with numbers for names, and constant parts worked out."""
    match expr:
        case ast.Index(ast.Name(), index):
            return replace(expr, index=index)  # moments are no values
        case ast.Name(id) if id in values:
            return constant(values[id])
        case ast.Choose(then, condition, otherwise) if (
            known := number_or_none(condition, values)
        ) is not None:
            return put(then if known else otherwise, values)
    found = number_or_none(expr, values) if isinstance(expr, ast.Binary | ast.Unary | ast.Call) else None
    if found is not None:
        return constant(found)
    return _tidied(rebuild(expr, lambda part: put(part, values)))


def constant(value: float) -> ast.Expr:
    """Twelve digits: 1 - 0.9 is 0.1."""
    return ast.Number(value, f"{value:.12g}")


def _tidied(expr: ast.Expr) -> ast.Expr:
    match expr:
        case ast.Binary("+" | "-", left, ast.Number(0.0)) | ast.Binary("+", ast.Number(0.0), left):
            return left
        case ast.Binary("*", ast.Number(0.0) as zero, _) | ast.Binary("*" | "/", ast.Number(0.0) as zero, _):
            return zero
        case ast.Binary("*", _, ast.Number(0.0) as zero):
            return zero
        case ast.Binary("*" | "/", x, ast.Number(1.0)) | ast.Binary("*", ast.Number(1.0), x):
            return x
        case ast.Binary("-", ast.Number(0.0), x):
            return ast.Unary("-", x)
    return expr


def lines(actions: Iterable[ast.Action], unicode: bool = False) -> list[str]:
    """One line an action, the equations of a block aligned at their `=`."""
    actions = list(actions)
    printer = Printer(unicode)
    lefts = [printer.left(a) for a in actions if isinstance(a, ast.Equation)]
    width = max(map(len, lefts), default=0)
    return [line for a in actions for line in _line(a, printer, width)]


def _line(action: ast.Action, printer: Printer, width: int) -> Iterator[str]:
    match action:
        case ast.Equation(value=value):
            yield f"{printer.left(action):{width}} = {printer.show(value)}"
        case ast.Until(condition):
            yield f"until {printer.show(condition)}"
        case ast.End(word, condition):
            yield f"{word} if {printer.show(condition)}"
        case ast.If(condition, body, otherwise):
            yield f"if {printer.show(condition)}:"
            yield from ("    " + inner for inner in lines(body, printer.unicode))
            if otherwise:
                yield "else:"
                yield from ("    " + inner for inner in lines(otherwise, printer.unicode))
        case ast.Repeat(bound, body):
            yield "repeat:" if bound is None else f"repeat at most {printer.show(bound)}:"
            yield from ("    " + inner for inner in lines(body, printer.unicode))
        case ast.For(name, values, body):
            yield f"for {printer.name(name)} in {printer.show(values)}:"
            yield from ("    " + inner for inner in lines(body, printer.unicode))
