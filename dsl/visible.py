"""Text for a terminal: what would move its cursor, change its colours or the order of letters is shown as a sign."""

from __future__ import annotations

import unicodedata

DELETE = 0x7F


def visible(text: str) -> str:
    """`\\x1b[31m` -> `␛[31m`: one sign for each character, so that columns stay where they are. Tabs stay."""
    return text if text.isascii() and text.isprintable() else "".join(map(_sign, text))


def _sign(character: str) -> str:
    code = ord(character)
    if code < 0x20 and character != "\t":
        return chr(0x2400 + code)
    if code == DELETE:
        return "\u2421"
    hidden = character != "\t" and unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")
    return "\ufffd" if hidden else character
