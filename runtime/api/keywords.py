"""Keywords of Python calls that are no settings: who gives them means something else, or something that netc has not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

ELSEWHERE = {
    "validation": "a validation part is given as validation_data=(X, y)",
    "validation_split": "write `validation = 20%` into the file's `data` statement",
    "class_weight": "classes have their weights in the file: loss cross_entropy, weight = y[1] + 5*y[2], divide = samples",
    "callbacks": "give one function as callback=",
    "init": "a start is given as theta=, an array (P,) or tensors by name",
    "weights": "a start is given as theta=, an array (P,) or tensors by name",
    "initial_theta": "a start is given as theta=",
    "initial_epoch": "where a training ended is given as resume=, from result.checkpoint",
}
"""Words of other libraries, and what is meant here."""


def require_plain(call: str, overrides: Mapping[str, Any]) -> None:
    """What stands in the place of a file's setting is a number or a text. TypeError names what is neither, with the
    likely fix; names that no file knows are left to the check of the file."""
    for name, value in overrides.items():
        if name in ELSEWHERE:
            raise TypeError(f"{call}() takes no '{name}': {ELSEWHERE[name]}")
        if not isinstance(value, str | int | float | np.integer | np.floating | np.bool_):
            kind = type(value).__name__
            raise TypeError(
                f"{call}({name}=...): a hyper-parameter or setting is a number or a text, not {kind}"
            )
