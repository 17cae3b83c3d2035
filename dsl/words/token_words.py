"""Tokens in plain words: what is there, and what the grammar would have taken instead."""

from __future__ import annotations

from collections.abc import Set

from netc.dsl.tokens import LAYOUT, Lexeme

VALUE = {"NAME", "NUMBER", "TEXT", "("}
"""Where all of these may stand, an expression may."""
_OPERATORS = frozenset(["+", "-", "*", "/", "^", "%", ".", "and", "or", "if", "..", "RELATION", "=="])
_WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "SHAPE": "a shape",
    "TEXT": "a text in quotes",
    "_NL": "the end of the line",
    "_INDENT": "an indented block",
    "_DEDENT": "the end of the block",
}


def expected(accepts: Set[str]) -> str:
    """In plain words, the likeliest first; operators only where nothing else could stand."""
    left = set(accepts)
    words = []
    if left >= VALUE:
        words.append("an expression")
        left -= VALUE | {"SHAPE", "{", "[", "|", "‖", "√", "grad", "grad_x", "not", "+", "-"}
    elif left >= {"NAME", "NUMBER", "SHAPE"}:
        words.append("a size")
        left -= {"NAME", "NUMBER", "SHAPE"}
    if left - _OPERATORS - {"(", "["}:
        left -= _OPERATORS | ({"(", "["} if "*" in left or "." in left else set())
    if "," in left:
        left -= {":", "in"}  # settings in a block, and `no gain in`, are hardly meant
    words += sorted(_WORDS[t] for t in left if t in _WORDS and t not in LAYOUT)
    words += sorted(f"'{t}'" for t in left if t not in _WORDS and t != "RELATION")
    words += sorted(_WORDS[t] for t in left if t in LAYOUT)
    if not words:
        words = ["an operator"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def found_there(token: Lexeme) -> str:
    match token.type:
        case "_NL":
            return "the end of the line"
        case "_INDENT" | "_DEDENT":
            return str(token)
        case "TEXT":
            return f"the text {token.span.text}"
        case "NUMBER":
            return f"the number {token.span.text}"
        case _:
            return f"'{token.span.text}'"
