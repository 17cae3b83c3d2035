"""A Pygments lexer for `.net` files, made from the language's own words and its own tokens; Pygments finds it by itself.

Colours only: what is wrong in a text is for `netc check` to say. Pygments comes with rich.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pygments.lexer import Lexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    Whitespace,
)

from netc.dsl.names import canonical
from netc.dsl.tokens import ACTIONS, AFTER, RESERVED, STATEMENTS, TOKEN

KINDS: dict[str, Any] = {
    "newline": Whitespace, "blank": Whitespace, "comment": Comment.Single, "shape": Number.Integer,
    "number": Number.Float, "word_sign": Name.Builtin, "fraction": Number.Float, "text": String.Double,
    "quoted": String.Single, "power": Number.Integer, "sign": Operator, "stray": Error,
}  # fmt: skip
BRACKETS = frozenset("()[]{},;:")
FUNCTIONS = frozenset(
    (
        "exp",
        "log",
        "sqrt",
        "abs",
        "min",
        "max",
        "sum",
        "mean",
        "norm",
        "sin",
        "cos",
        "tan",
        "tanh",
        "sigmoid",
        "sign",
        "floor",
    )
)
SETTING = re.compile(r"[ \t]*=(?!=)")


class NetcLexer(Lexer):  # type: ignore[misc]
    """`pygmentize -l netc house.net`"""

    name = "netc"
    aliases = ("netc", "net")
    filenames = ("*.net",)

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        first, before = True, ""
        for match in TOKEN.finditer(text):
            kind, word = str(match.lastgroup), match[0]
            yield match.start(), self._token(kind, word, text, match.end(), first, before), word
            if kind == "newline":
                first, before = True, ""
            elif kind not in ("blank", "comment"):
                first, before = False, word

    def _token(self, kind: str, word: str, text: str, end: int, first: bool, before: str) -> Any:
        if kind == "name":
            return _of_name(word, text, end, first, before)
        return Punctuation if kind == "sign" and word in BRACKETS else KINDS.get(kind, Text)


def _of_name(word: str, text: str, end: int, first: bool, before: str) -> Any:
    plain = canonical(word)
    if first and plain in STATEMENTS:
        return Keyword.Declaration
    if plain in RESERVED or (first and plain in ACTIONS) or before in AFTER.get(plain, ()):
        return Keyword
    if plain in ("true", "false", "none", "inf"):
        return Keyword.Constant
    if plain in FUNCTIONS and text[end : end + 1] == "(":
        return Name.Function
    if before in STATEMENTS and not SETTING.match(text, end):
        return Name.Class  # momentum of momentum.ema, softmax, half_mse
    return Name.Attribute if SETTING.match(text, end) else Name.Variable
