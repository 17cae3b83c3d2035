"""Vectors of 0 and 1 over the parameters that rules know by name, besides `weights`, `biases` and `ones`.

gains            what is learnt from a value of its own on
layer1           of one layer, as `netc explain --layers` calls it
layer1.weights   of these the weights; likewise `biases` (the rest), `gains`, and any array by its own name

A name that a rule has itself is none of these.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

from netc.dsl import ast
from netc.dsl.walks import walk

GAINS = "gains"
_OF_LAYER = re.compile(r"layer\d+(\.\w+)?")


def is_mask(name: str) -> bool:
    return name == GAINS or _OF_LAYER.fullmatch(name) is not None


def masks_in(nodes: Iterable[ast.Node], own: Container[str]) -> dict[str, ast.Name]:
    """Those that are read, and where first; `own` names of the rule are none."""
    found: dict[str, ast.Name] = {}
    for node in nodes:
        for n in walk(node):
            if isinstance(n, ast.Name) and is_mask(n.id) and n.id not in own:
                found.setdefault(n.id, n)
    return found
