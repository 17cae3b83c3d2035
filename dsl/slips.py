"""Habits of other notations, recognised by the two tokens around the place where a statement breaks off."""

from __future__ import annotations

from collections.abc import Set

from netc.dsl.tokens import Lexeme

CHOICE = "a choice is an expression: x if c else y"
INDEX = "an index stands in square brackets: theta[n+1]"
POWER = "a power is written x^2"
COMMENT = "a comment begins with '#'"


def habit(before: list[Lexeme], token: Lexeme, after: list[Lexeme], accepts: Set[str]) -> str | None:
    """The hint for what was likely meant, if it is one of the usual slips; `before` is the line so far."""
    last = str(before[-1]) if before else ""
    match last, str(token):
        case "", "/" | "%" | "-":
            return COMMENT
        case "*", "*":
            return POWER
        case "=", "<" | ">":
            return f"the sign is written '{token}='"
        case (("+" | "-" | "*" | "/"), "="):
            return "an equation has one '=': x = x + y"
        case "grad", "(":
            return "the gradient at a point p is written: grad R(p)"
        case "(", ";" if after and len(before) > 1:
            return f"a call's arguments begin behind its '(': {before[-2]}({after[0]} = ...)"
        case _, "‖":
            return "the logical words are 'and', 'or', 'not'"
        case (("in" | "="), "["):
            return "a list of values stands in braces: {0.1, 0.01}"
        case _:
            return _missing_sign(before, token, after, accepts)


def _missing_sign(before: list[Lexeme], token: Lexeme, after: list[Lexeme], accepts: Set[str]) -> str | None:
    last = before[-1] if before else None
    if last is None:
        return None
    if accepts == {"=", "[", "if"} and len(before) == 1:
        if token in ("+", "-", "*", "/"):
            return "an equation has one '=': x = x + y"
        return INDEX if token in ("(", "{") else None
    words = [str(t) for t in before]
    if token == "," and "[" in words and words[words.index("[") - 1] in ("in", "="):
        return "a list of values stands in braces: {0.1, 0.01}"
    if token == "<" and after[:1] == ["-"]:
        return "an equation is written with '='"
    if accepts == {"in"} and before[0] == "for":
        return "a loop is written: for i in 1..m:"
    if before[0] == "expect" and token in ("and", "or", "not"):
        return "one claim a statement; joined ones stand in 'all': expect all(loss < 1 and steps > 3)"
    if before[0] in ("network", "block") and token == ",":
        return "layers follow one another without commas: [13(tanh)15(lin)1]"
    if before[0] in ("network", "block") and token == "*":
        return "a shape is written with x: 28x28x1"
    if last.type == "NAME" and token.type == "NUMBER":
        return f"is an '=' missing? {last.span.text} = {token.span.text}"
    if token.type == "NAME" and "," in accepts and after[:1] == ["="]:
        return f"a ',' is missing before '{token.span.text}'"
    if token == "=" and last.type == "NAME" and len(before) > 2 and before[-2].type in ("NUMBER", "NAME"):
        return f"a ',' is missing before '{last.span.text}'"
    return None
