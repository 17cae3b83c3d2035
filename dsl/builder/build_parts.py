"""What the rules of the builder share: the children of a rule sorted out, heads and names understood."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal, NoReturn

from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.record import record
from netc.dsl.source import Span
from netc.dsl.tokens import Lexeme
from netc.dsl.words.forms import FORMS

Child = Any
"""A node, a `Group` or a `Lexeme`."""


@record
class Group(ast.Node):
    """Several nodes on their way to the rule that takes them (arguments, sources, cells)."""

    items: tuple[Any, ...]


@record
class Role(ast.Node):
    """Two words behind an array: `as weights`, `per batch`."""

    word: str
    id: str


def leaf(child: Child) -> Child:
    """A token that stands for itself becomes its node; signs and keywords stay tokens."""
    if not isinstance(child, Lexeme):
        return child
    text, span = str(child), child.span
    match child.type:
        case "NAME":
            return ast.Name(text, span=span)
        case "NUMBER":
            if math.isinf(float(text)):
                words = f"'{text}' is above the largest number there is, about 1.8e308"
                raise SpecError([Diagnostic("E0017", words, span, hints=("infinity is spelled 'inf'",))])
            return ast.Number(float(text), text, span=span)
        case "SHAPE":
            return ast.Shape(tuple(int(size) for size in text.split("x")), span=span)
        case "TEXT":
            return ast.Text(text, span=span)
        case _:
            return child


def nodes_of(children: Iterable[Child]) -> tuple[Any, ...]:
    return tuple(c for c in children if not isinstance(c, Lexeme))


def group_of(children: Iterable[Child]) -> tuple[Any, ...]:
    """The items of the one group among the children, or none."""
    return next((c.items for c in children if isinstance(c, Group)), ())


def settings_of(children: Iterable[Child]) -> tuple[ast.Setting, ...]:
    return tuple(c for c in children if isinstance(c, ast.Setting))


def others_of(children: Iterable[Child]) -> tuple[Any, ...]:
    return tuple(c for c in nodes_of(children) if not isinstance(c, ast.Setting))


def call_of(function: str, name: Span, operand: Child, span: Span) -> ast.Call:
    argument = ast.Argument(None, operand, span=operand.span)
    return ast.Call(ast.Name(function, span=name), (argument,), span=span)


def laws_of(items: Iterable[Child]) -> tuple[tuple[ast.Expr, ...], tuple[ast.Setting, ...]]:
    """Lines about weights, biases, gains or theta are laws, the other equations are helpers and settings."""
    laws: list[ast.Expr] = []
    settings: list[ast.Setting] = []
    for item in items:
        if isinstance(item, ast.Setting) and item.name in ("weights", "biases", "gains", "theta"):
            name = ast.Name(item.name, span=Span(item.span.source, item.span.start, item.value.span.start))
            laws.append(ast.Compare("=", name, item.value, span=item.span))
        elif isinstance(item, ast.Setting):
            settings.append(item)
        else:
            laws.append(item)
    return tuple(laws), tuple(settings)


def are_layers(heads: tuple[Child, ...]) -> bool:
    """What stands before the block of an `init`: layers, not the name of a definition."""
    plain = len(heads) == 1 and isinstance(heads[0], ast.Name)
    return len(heads) > 1 or (plain and (is_layer(heads[0].id) or heads[0].id in ("first", "last")))


def is_layer(name: str) -> bool:
    return re.fullmatch(r"layer\d+", name) is not None


def actions_of(items: tuple[Child, ...]) -> tuple[tuple[ast.Action, ...], tuple[ast.Setting, ...]]:
    """Lines such as `source = "..."`, `require = ...` and `evaluate at ...` say something about the rule and are no part
    of it."""
    settings = tuple(
        i if isinstance(i, ast.Setting) else ast.Setting(i.name, i.value, span=i.span)
        for i in items
        if _is_setting(i)
    )
    return tuple(i for i in items if not _is_setting(i)), settings


def _is_setting(item: Child) -> bool:
    return isinstance(item, ast.Setting) or (
        isinstance(item, ast.Equation)
        and not item.indices
        and (isinstance(item.value, ast.Text) or item.name == "require")
    )


def lines_of(children: Iterable[Child]) -> tuple[Any, ...]:
    """The lines of a layer or block, each equation by itself."""
    groups = (c.items if isinstance(c, Group) else (c,) for c in nodes_of(children))
    return tuple(item for group in groups for item in group)


def lines_and_settings(lines: Iterable[Child]) -> tuple[tuple[Any, ...], tuple[ast.Setting, ...]]:
    """Of a layer: `source = "..."`, `require = ...`, `images = flat` and `inferred = ...` say something about it."""
    lines = list(lines)
    settings = tuple(ast.Setting(i.name, i.value, span=i.span) for i in lines if _is_said(i))
    return tuple(i for i in lines if not _is_said(i)), settings


def _is_said(line: Child) -> bool:
    match line:
        case ast.Formula(name, (), value):
            return isinstance(value, ast.Text) or name in ("require", "images", "inferred")
    return False


def indices_of(subscripts: Child) -> tuple[ast.Expr, ...]:
    if subscripts is None:
        return ()
    return subscripts.items if isinstance(subscripts, Group) else (subscripts,)


def role_of(word: Child, what: ast.Name, span: Span) -> Role:
    if isinstance(word, Lexeme):  # as
        return Role(str(word), what.id, span=span)
    if word.id != "per":
        _fail(
            word.span,
            f"'{word.id}' is not expected here",
            "parameters are learnt 'as weights' or 'as biases'",
        )
    return Role(word.id, what.id, span=span)


def require_one_number(lines: Iterable[Any]) -> None:
    """Of an activation: what it learns has one index, that of the units, or none; its equations have none."""
    example = "as in: learn a[i] = 0.25, and below it: y = z if z > 0 else a[i]*z"
    for line in lines:
        match line:
            case ast.Learn(arrays):
                for array in (a for a in arrays if len(a.indices) > 1):
                    _fail(
                        array.span, "an activation learns one number for each unit, or one for all", example
                    )
            case ast.Formula(_, (_, *_)):
                _fail(line.span, "an activation is of one number: its equations have no index", example)
            case ast.Draws():
                _fail(
                    line.span,
                    "an activation draws nothing",
                    "what draws is a layer: layer noisy(sigma = 0.1):",
                )


def require_word(word: ast.Name, wanted: str, hint: str) -> None:
    if word.id != wanted:
        _fail(word.span, f"'{wanted}' is expected here, not '{word.id}'", hint)


def require_words(role: Role, word: str, what: str, hint: str) -> None:
    if (role.word, role.id) != (word, what):
        _fail(role.span, f"'{word} {what}' is expected here", hint)


MOST_TIMES = 1000
"""Repetitions of a stage: the deepest networks have some hundred."""


def times_of(word: ast.Name, count: ast.Number) -> int:
    """`x 3` behind a stage."""
    if word.id != "x" or not count.value.is_integer() or count.value < 1:
        _fail(word.span.to(count.span), "this is no number of repetitions", "as in (res) x 3")
    if count.value > MOST_TIMES:
        _fail(count.span, f"no more than {MOST_TIMES} repetitions", "as in (res) x 3")
    return int(count.value)


def head_of(head: Child) -> tuple[str, tuple[ast.Parameter, ...]]:
    """`name` or `name(a, b = 1)` of a definition."""
    if isinstance(head, ast.Call):
        return dotted(head.function), parameters_of(head.arguments)
    return dotted(head), ()


def dotted(name: Child) -> str:
    match name:
        case ast.Name(id):
            return id
        case ast.Member(base, member):
            return f"{dotted(base)}.{member}"
        case _:
            _fail(name.span, "a name is expected here", "for example: momentum.ema(eta = 0.1)")


def end_of(word: ast.Name) -> Literal["stop", "fail"]:
    """The word of `stop if ...` and `fail if ...`."""
    match word.id:
        case "stop" | "fail":
            return word.id
        case _:
            _fail(word.span, "'stop if' or 'fail if' is expected here", "a choice is x = a if c else b")


def gain_of(span: Span, before: Child, words: tuple[ast.Name, ast.Name], gain: ast.Gain) -> ast.Expr:
    """`no gain in F for N epochs`, alone or behind `or`: `before` is all that stands before the word `gain`."""
    no = before.right if isinstance(before, ast.Logic) and before.op == "or" else before
    if no != ast.Name("no") or tuple(word.id for word in words) != ("gain", "for"):
        example = "stop = no gain in loss(validation) for 20 epochs"
        _fail(
            span, "this is no condition", f"for example: {example}; another one stands before it, with 'or'"
        )
    whole = replace(gain, span=no.span.to(gain.span))
    return replace(before, right=whole, span=span) if before is not no else whole


def finder_of(
    span: Span, name: ast.Name, words: tuple[ast.Name, ...], numbers: tuple[Child, Child, Child]
) -> ast.Finder:
    """`finder eta from 1e-6 to 10 in 200 steps`"""
    if tuple(word.id for word in words) not in (("from", "to", "steps"), ("from", "to", "step")):
        _fail(span, f"this is no finder: the form is {FORMS['finder']}")
    low, high, steps = numbers
    return ast.Finder(name.id, low, high, steps, span=span)


def over_of(value: Child, word: ast.Name, axis: ast.Name) -> ast.Over:
    """`median(loss(test)) over eta`"""
    if word.id != "over":
        _fail(
            word.span, "a relation is expected here", "for example: expect median(loss(test)) over eta < 0.1"
        )
    return ast.Over(value, axis.id, span=value.span.to(axis.span))


def parameters_of(arguments: Iterable[ast.Argument]) -> tuple[ast.Parameter, ...]:
    parameters = []
    for argument in arguments:
        match argument:
            case ast.Argument(str(name), default):
                parameters.append(ast.Parameter(name, default, span=argument.span))
            case ast.Argument(None, ast.Name(name)):
                parameters.append(ast.Parameter(name, None, span=argument.span))
            case _:
                words = "a definition names its parameters: name, or name = default"
                _fail(argument.span, "this is no name for a parameter", words)
    return tuple(parameters)


def _fail(span: Span, message: str, *hints: str) -> NoReturn:
    raise SpecError([Diagnostic("E0006", message, span, hints=hints)])
