"""What notes in kernels say of steps: their names, and the words of the file that they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L


def names_of(step: ir.Step) -> str:
    return ", ".join(let.name for let in ir.flat((step,)))


def noted(step: ir.Step, name: str = "") -> str:
    """`layer1.z: conv 3x3 same`"""
    return ": ".join(filter(None, (name or names_of(step), _quoted(step))))


def by_words(steps: Iterable[ir.Step], made: Callable[[ir.Step], L.Stmt]) -> Iterator[L.Stmt]:
    """What is made of the steps, those of the same words of the file below these."""
    before = ""
    for step in steps:
        words = _quoted(step) or names_of(step)
        if words != before:
            yield L.Note(words)
        yield made(step)
        before = words


def _quoted(step: ir.Step) -> str:
    return next(iter(ir.flat((step,)))).span.quoted
