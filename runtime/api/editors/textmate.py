"""The TextMate grammar of `.net` files, from the language's own words: `python -m netc.editors.textmate` prints it.

Colours only, as `highlight.py` for Pygments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from netc.dsl.names import TO_GREEK
from netc.dsl.tokens import ACTIONS, RESERVED, STATEMENTS
from netc.editors.highlight import FUNCTIONS


def grammar() -> dict[str, Any]:
    letters = "".join(TO_GREEK.values())
    word = rf"[A-Za-z_{letters}][\w{letters}.]*"
    patterns = [
        ("comment.line.number-sign.netc", "#.*$"),
        ("string.quoted.double.netc", '"[^"\\n]*"'),
        ("keyword.declaration.netc", rf"^({_words(STATEMENTS)})\b"),
        ("keyword.control.netc", rf"\b({_words((*RESERVED, *ACTIONS))})\b"),
        ("constant.language.netc", r"\b(true|false|none|inf)\b"),
        ("constant.numeric.netc", r"(?<![\w.])\d+(\.\d+)?([eE][+-]?\d+)?%?"),
        ("support.function.netc", rf"\b({_words(FUNCTIONS)})(?=\()"),
        ("variable.parameter.netc", rf"{word}(?=\s*=[^=])"),
        ("keyword.operator.netc", "->|[-+*/^=<>~·∇√≤≥∈|‖]"),
        ("variable.other.netc", word),
    ]
    return {
        "name": "netc",
        "scopeName": "source.netc",
        "fileTypes": ["net"],
        "patterns": [{"name": name, "match": match} for name, match in patterns],
    }


def _words(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, {*words})))


def text() -> str:
    return json.dumps(grammar(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
