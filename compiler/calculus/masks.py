"""Where masks of rules are 1: `weights`, `biases`, `gains`, `layer1`, `layer1.weights`, `layer1.gamma`.

Biases are all that is learnt and no weight, gains too. Checks nothing: a layer that is not there has no places.
"""

from __future__ import annotations

from collections.abc import Iterator

from netc.compiler.calculus import ir


def holds(mask: str, t: ir.Tensor) -> bool:
    """Whether it is 1 on this tensor."""
    layer, _, word = mask.partition(".")
    if layer.startswith("layer"):
        own, _, array = t.name.partition(".")
        return own == layer and (not word or word == array or _of_role(word, t))
    return _of_role(mask, t)


def _of_role(word: str, t: ir.Tensor) -> bool:
    match word:
        case "weights":
            return t.role == "weight"
        case "biases":
            return t.role != "weight"
        case "gains":
            return t.role == "gain"
    return False


def stretches(problem: ir.Problem, mask: str) -> Iterator[tuple[int, int, bool]]:
    """(start, stop, whether it is 1 there), all of theta in order."""
    start, before = 0, None
    for t in problem.weights:
        here = holds(mask, t)
        if before is not None and here != before:
            yield start, t.offset, before
            start = t.offset
        before = here
    if before is not None:
        yield start, problem.parameters, before
