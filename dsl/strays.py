"""What is said of a character that no token begins with."""

from __future__ import annotations

import unicodedata


def of_stray(text: str, behind_name: bool) -> tuple[str, tuple[str, ...]]:
    """Message and hints. `behind_name`: it follows a name at once or after blanks, as the stroke in `f'(x)` does."""
    message = f"'{text}' has no meaning here"
    if text == "'" and behind_name:
        return message, ("a derivative is written grad R(theta[n]), the next value of a state v[n+1]",)
    if text in "'“”„‘’`":
        return message, ('texts stand between straight double quotes: "boston.csv"',)
    if text in "≈≅≃":
        return message, ("'=' with 'within' says how near: expect theta = 2 within 1e-6",)
    if text == "?":
        return message, ("a choice is an expression: x if c else y",)
    if text in ("&&", "&", "!"):
        return message, ("the logical words are 'and', 'or', 'not'",)
    if (plain := unicodedata.normalize("NFKC", text)) != text and plain.isascii():
        return message, (f"the sign of the language is '{plain}'",)
    if not text.isprintable():
        message = f"the character U+{ord(text):04X} has no meaning here"
    return message, ()
