"""What is said of a character that no token begins with."""

from __future__ import annotations

import unicodedata

from netc.dsl.words.slips_of_papers import sign_meant
from netc.dsl.words.vocabulary import joined


def of_stray(text: str, rest: str, before: str) -> tuple[str, tuple[str, ...]]:
    """Message and hints. `rest` is the line from it on, `before` the kind of what stands before it."""
    message = f"'{text}' has no meaning here"
    if says := sign_meant(text, rest, before):
        return joined(message, says), ()
    if text in "'“”„‘’`":
        return message, ('texts stand between straight double quotes: "boston.csv"',)
    if text in "≈≅≃":
        return message, ("'=' with 'within' says how near: expect theta = 2 within 1e-6",)
    if text in ("&&", "&", "!"):
        return message, ("the logical words are 'and', 'or', 'not'",)
    if (plain := unicodedata.normalize("NFKC", text)) != text and plain.isascii():
        return message, (f"the sign of the language is '{plain}'",)
    if not text.isprintable():
        message = f"the character U+{ord(text):04X} has no meaning here"
    return message, ()
