"""The components of a parameter that is a tuple, as they stand in the text: `betas[1]`, not `betas_1`. Text -> text.

Inside the compiler each component is a parameter of its own (`bind_arguments.py`). Only the names that a rule of the
library has for a tuple are known here.
"""

from __future__ import annotations

import re
from functools import cache

from netc.dsl import library

_TUPLE = re.compile(r"[(,]\s*(\w+s) = \([-\d.]")


def as_written(text: str) -> str:
    """`betas_1 = 0.9, betas_2 = 0.999` is betas = (0.9, 0.999), and `betas_1` alone is betas[1]."""
    for name in _tuples():
        if name in text:
            value = r"((?:[^(),]|\([^()]*\))+)"
            several = rf"\b{name}_1 = {value}" + "".join(rf",(\s+){name}_{i} = {value}" for i in (2, 3))
            text = re.sub(several, rf"{name} = (\1,\2\3,\4\5)", text)
            text = re.sub(rf"\b{name}_1 = {value},(\s+){name}_2 = {value}", rf"{name} = (\1,\2\3)", text)
            text = re.sub(rf"\b{name}_(\d)\b", rf"{name}[\1]", text)
    return text


@cache
def _tuples() -> tuple[str, ...]:
    return tuple(sorted({name for source in library.sources() for name in _TUPLE.findall(source.text)}))
