"""Habits of other notations, recognised by the two tokens around the place where a statement breaks off."""

from __future__ import annotations

import re
from collections.abc import Set

from netc.dsl.tokens import STATEMENTS, Lexeme
from netc.dsl.words.slips_of_papers import of_a_paper
from netc.dsl.words.slips_of_statements import of_a_statement
from netc.dsl.words.vocabulary import in_rule, meant

CHOICE = "a choice is an expression: x if c else y"
INDEX = "an index stands in square brackets: theta[n+1]"
POWER = "a power is written x^2"
FUNCTIONS = (
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "tanh",
    "abs",
    "norm",
    "sum",
    "mean",
    "max",
    "min",
    "sign",
    "floor",
)
NO_FORMULA = {*STATEMENTS} - {"objective", "activation", "schedule", "loss"}
COMMENT = "a comment begins with '#'"
EVERY = re.compile(r"\b(?:every|each)\b(?!\s*=)[:\s]*(\d+\b(?!\.))?\s*([A-Za-z]+)?")


def certain(before: list[Lexeme], token: Lexeme, after: list[Lexeme], accepts: Set[str]) -> str:
    """What completes the first line: how the thing that was meant is written here. Empty where that is not certain."""
    last = before[-1] if before else None
    if last is None:
        return ""
    keyword, words = str(before[0]), [str(t) for t in before]
    if says := of_a_paper(before, token, accepts):
        return says
    if last == "grad" and "NAME" in accepts:
        return "the gradient of the loss is written grad R, its norm norm(grad R)"
    if (last, token) == ("/", "/"):
        return "a division without rest is floor(a/b)"
    if token.type == "RELATION" and any(t.type == "RELATION" for t in before):
        two = "two claims are two statements, expect a < x, expect x < b"
        return two if keyword == "expect" else "comparisons are joined, a < x and x < b"
    if keyword == "expect" and token == "not":
        return "an outcome that is not wanted is a share: expect diverged = 0% of runs"
    if keyword == "loss" and len(before) == 2 and token in ("+", "-", "*", "/"):
        return "what is made of losses is written out, loss L = mean((u - y)^2) + 0.01*sum(weights^2)"
    if keyword in ("train", "optimizer") and (says := of_a_statement(before[0], token)):
        return says
    if words[-3:] == ["=", "no", "gain"] and token == "for":
        return "say in which figure, stop = no gain in loss(validation) for 20 epochs"
    if keyword == "data" and "split" in words[-4:] and "," not in words[words.index("split") :]:
        return "the part that trains is given, the rest tests, split = 80%"
    if keyword == "monitor" and (often := _how_often(before[0])):
        return f"it is a setting, monitor loss, every = {often}"
    if last == "]" and token in ("+", "-", "*", "/") and after[:1] == ["="] and "=" not in words:
        return f"the value before stands in it, theta[n+1] = theta[n] {token} ..."
    if last.type == "NUMBER" and token == ".":
        return "a number has digits or its exponent behind the point, 1.0e-3 or 1e-3"
    if last.type == "NUMBER" and token.type == "NAME" and last.span.end == token.span.start:
        if re.fullmatch(r"(_\d+)+", token.span.text):
            return f"digits stand together, {last.span.text}{token.span.text.replace('_', '')}"
        if token.span.text in ("f", "F", "d", "L"):
            return f"a number ends with its digits, {last.span.text}"
    return _of_values(keyword, words, last, token, after, accepts)


def _how_often(keyword: Lexeme) -> str:
    """`monitor loss, every 10 epochs`, `each iteration`: 10 epochs, step."""
    line = keyword.span.source.text[keyword.span.start :].partition("\n")[0]
    if (found := EVERY.search(line)) is None:
        return ""
    count, unit = found.groups(default="")
    if counts := re.match("epoch|step|iteration", unit):
        one = counts[0].replace("iteration", "step")
        return f"{count} {one}s" if count else one
    return count or "10"


def _of_values(
    keyword: str, words: list[str], last: Lexeme, token: Lexeme, after: list[Lexeme], accepts: Set[str]
) -> str:
    """Lists, products without a sign, and calls without parentheses."""
    if token == "," and accepts == {"("} and words[:2] == ["monitor", "["]:
        return "figures stand one after the other, monitor loss, accuracy"
    if token == "," and accepts == {"("} and "[" in words and words[words.index("[") - 1] in ("in", "="):
        if keyword == "schedule":
            return "a list stands in parentheses, (30, 80), and steps are written out, 0.1 until 75, 0.01"
        return "a list of values stands in braces: {0.1, 0.01}"
    if (token == "|" and (last == "|" or "‖" in accepts)) or (token == "‖" and "|" in accepts):
        return "'||' begins a norm: of absolute values side by side one is written abs(x)"
    if (
        keyword in NO_FORMULA
        or "=" not in words
        or after[:1] == ["="]
        or not (token.type == "NAME" or token in ("grad", "(", "√", "‖"))
    ):
        return ""
    if last in (")", "]", "|", "‖") and token == "(" and "*" in accepts:
        return "a product is written (...)*(...)"
    if last.type == "NAME" and token != "(":
        if last in FUNCTIONS:
            return f"what a function is of stands in parentheses, {last.span.text}({token.span.text})"
        gradient = in_rule(last.span.text) if token.type == "NAME" else ""
        return gradient or _of_function(token) or _as_product(last, token)
    if last.type == "NUMBER":
        return _as_product(last, token)
    return ""


def _as_product(last: Lexeme, token: Lexeme) -> str:
    factor = {"grad": "grad R", "(": "(...)", "√": "√x", "‖": "‖x‖"}.get(str(token), token.span.text)
    if factor.endswith("_"):
        factor = f"{factor.rstrip('_')}[n]"
    return f"a product is written {last.span.text}*{factor}"


def _of_function(token: Lexeme) -> str:
    """`x mod 2`"""
    return "" if token == "grad" else meant(token.span.text, "function")


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
        tuples = before[0] in ("schedule", "optimizer")
        return (
            "a list stands in parentheses: (30, 80)"
            if tuples
            else "a list of values stands in braces: {0.1, 0.01}"
        )
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
    if last.type == "NAME" and token.type == "NUMBER" and before[0] != "expect":
        return f"is an '=' missing? {last.span.text} = {token.span.text}"
    if token.type == "NAME" and "," in accepts and after[:1] == ["="]:
        return f"a ',' is missing before '{token.span.text}'"
    if token == "=" and last.type == "NAME" and len(before) > 2 and before[-2].type in ("NUMBER", "NAME"):
        return f"a ',' is missing before '{last.span.text}'"
    return None
