"""Lets -> places in the work space: a buffer is taken when its let is computed and given back after its last reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import reads


def places(
    steps: Sequence[ir.Step], size: Callable[[ir.Let], int], kept: frozenset[str], start: int
) -> tuple[dict[str, int], int]:
    """Where each let lies, from `start` on, and the end of it all; those `kept` are never given back."""
    last = {name: i for i, step in enumerate(steps) for let in ir.flat((step,)) for name in _touched(let)}
    found: dict[str, int] = {}
    free: list[tuple[int, int]] = []
    """(size, place)"""
    top = start
    for i, step in enumerate(steps):
        lets = list(ir.flat((step,)))
        for let in lets:
            need = size(let)
            fitting = [f for f in free if f[0] >= need and let.name not in kept]
            if fitting:
                length, found[let.name] = min(fitting)
                free.remove((length, found[let.name]))
                free += [(length - need, found[let.name] + need)] if length > need else []
            else:
                found[let.name], top = top, top + need
        gone = [n for n in found if last[n] == i and n not in kept]
        free += [
            (size(let), found[let.name]) for s in steps[: i + 1] for let in ir.flat((s,)) if let.name in gone
        ]
    return found, top


def _touched(let: ir.Let) -> list[str]:
    return [let.name, *(v.name for v in reads(let))]
