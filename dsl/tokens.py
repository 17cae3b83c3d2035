"""The words and signs of the language, and the one expression that cuts a text into them."""

from __future__ import annotations

import re

from lark import Token

from netc.dsl.names import FRACTIONS, SUPERSCRIPTS
from netc.dsl.source import Source, Span

STATEMENTS = (
    "network",
    "block",
    "layer",
    "activation",
    "clip",
    "loss",
    "objective",
    "data",
    "init",
    "optimizer",
    "search",
    "attack",
    "schedule",
    "train",
    "augment",
    "phase",
    "ensemble",
    "sweep",
    "finder",
    "monitor",
    "expect",
    "points",
    "use",
)
ACTIONS = ("for", "repeat", "until", "evaluate")
RESERVED = ("if", "else", "and", "or", "not", "in", "of", "until", "within", "grad", "grad_x", "as")
AFTER = {"inline": ("data",), "from": ("init", ":"), "at": ("repeat", "evaluate"), "most": ("at",)}
"""Words that are keywords only right after one of these."""

CLOSERS = {"(": ")", "[": "]", "{": "}"}
DEEPEST = 60
"""Brackets within brackets: beyond this no one reads it, and tree walks would run out of stack."""

_SUPER = "".join(SUPERSCRIPTS)
_NOT_LETTERS = _SUPER + "".join(FRACTIONS)  # \w matches these as well
TOKEN = re.compile(
    rf"""(?P<newline>\r\n|\n|\r)
    | (?P<blank>[ \t\f\u00a0\u2009\u202f\ufeff]+)
    | (?P<comment>\#[^\r\n]*)
    | (?P<shape>\d+(?:[x×]\d+)+(?!\w))
    | (?P<number>(?:\d+\.\d+|\d+\.(?![.\w])|\.\d+|\d+)(?:[eE][+\-−]?\d+)?)
    | (?P<word_sign>[Σ∑∞])
    | (?P<fraction>[½¼¾])
    | (?P<name>(?![\d{_NOT_LETTERS}])\w(?:(?![{_NOT_LETTERS}])\w)*)
    | (?P<text>"(?:[^"\r\n]|"")*")
    | (?P<quoted>'[^'\r\n]*'|[“„][^“”\r\n]*[“”])
    | (?P<power>[{_SUPER}]+)
    | (?P<sign>->|\.\.\.?|<=|>=|!=|==|\|\||[·⋅×∗÷−≤≥≠∈→∼…∇]|[-+*/^=<>~,;:.%|‖√()\[\]{{}}])
    | (?P<stray>&&|.)""",
    re.VERBOSE | re.DOTALL,
)


LAYOUT = ("_NL", "_INDENT", "_DEDENT")
"""Ends of lines and bounds of blocks."""


class Lexeme(Token):
    """A token of the grammar: its text in ASCII, its kind, and the span of what was typed."""

    __slots__ = ("span",)
    span: Span

    @classmethod
    def make(cls, kind: str, text: str, span: Span) -> Lexeme:
        token = cls(kind, text, span.start)
        token.end_pos = span.end
        token.span = span
        return token


def comments(source: Source) -> list[Span]:
    """The comments of a text, each from its `#` to the end of its line."""
    found = TOKEN.finditer(source.text)
    return [Span(source, m.start(), m.end()) for m in found if m.lastgroup == "comment"]
