"""The TextMate grammar of `.net` files, from the language's own words: `python -m netc.editors.textmate` prints it.

Colours only, as `highlight.py` for Pygments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from netc.dsl.names import FRACTIONS, SUBSCRIPTS, SUPERSCRIPTS, TO_GREEK
from netc.dsl.tokens import ACTIONS, AFTER, RESERVED, STATEMENTS
from netc.editors.highlight import FUNCTIONS

TEN = r"([eE][+−-]?\d+)?"


def grammar() -> dict[str, Any]:
    letters = "".join(TO_GREEK.values())
    raised = "".join(SUPERSCRIPTS)
    word = rf"[A-Za-z_{letters}](?:(?![{raised}])[\w{letters}{''.join(SUBSCRIPTS)}.])*"
    patterns = [
        ("comment.line.number-sign.netc", "#.*$"),
        ("string.quoted.double.netc", '"[^"\\n]*"'),
        ("keyword.declaration.netc", rf"^({_words(STATEMENTS)})\b"),
        ("keyword.control.netc", rf"\b({_words((*RESERVED, *ACTIONS))})\b"),
        ("constant.language.netc", r"\b(true|false|none|inf)\b"),
        (
            "constant.numeric.netc",
            rf"(?<!\w)(?<!\w\.)(\d+(([x×]\d+)+|(\.\d+)?{TEN}%?)|\.\d+{TEN})(?![A-Za-z])",
        ),
        ("constant.numeric.netc", f"[{''.join(FRACTIONS)}]|[{raised}]+"),
        ("support.function.netc", rf"\b({_words(FUNCTIONS)})(?=\()"),
        ("variable.parameter.netc", rf"{word}(?=\s*=[^=])"),
        ("keyword.operator.netc", "->|[-+*/^=<>~·∇√≤≥∈|‖]"),
        ("variable.other.netc", word),
    ]
    return {
        "name": "netc",
        "scopeName": "source.netc",
        "fileTypes": ["net"],
        "patterns": [*_behind(), *({"name": name, "match": match} for name, match in patterns)],
    }


def _behind() -> Iterator[dict[str, Any]]:
    """Words that are keywords behind another one: `data inline`, `repeat at most`."""
    for word, before in AFTER.items():
        more = _words(other for other, heads in AFTER.items() if word in heads)
        for first in (first for first in before if first not in AFTER):
            begins = f"^({first})" if first in STATEMENTS else f"({re.escape(first)})"
            kind = "keyword.declaration" if first in STATEMENTS else "keyword.control"
            names = (
                f"{kind if first.isalpha() else 'punctuation'}.netc",
                *["keyword.control.netc"] * (2 if more else 1),
            )
            captures = {str(i): {"name": name} for i, name in enumerate(names, start=1)}
            yield {
                "match": rf"{begins}\s+({word})\b" + (rf"(?:\s+({more})\b)?" if more else ""),
                "captures": captures,
            }


def _words(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, {*words})))


def text() -> str:
    return json.dumps(grammar(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
