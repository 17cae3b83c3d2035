"""The body of an update rule in plain names: what `resolve_rule.py` makes of it, and whether its searches can end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.source import Span
from netc.dsl.walks import names_in, walk

COUNTED = 2.0**53
"""Bounds of loops are smaller: from here on not every whole number is a float64."""


@record
class Memory:
    """A state: kept from iteration to iteration. `initial` is None: it starts at 0 (theta: as init says)."""

    name: str
    next: str
    """The variable that holds its next value."""
    initial: ast.Expr | None
    span: Span


@record
class Body:
    """What a rule does in one iteration, in plain names."""

    actions: tuple[ast.Action, ...]
    states: tuple[Memory, ...]
    bases: tuple[tuple[str, str], ...]
    """(variable, state): the variables that are moments of one state share its kind."""
    memories: tuple[str, ...] = ()
    """Names with a value for each batch: they keep their index, `L[i]`, and start at 0."""


def equations(actions: Iterable[ast.Action]) -> Iterator[ast.Equation]:
    """All equations, those inside loops too."""
    return (node for action in actions for node in walk(action) if isinstance(node, ast.Equation))


def loops(actions: Iterable[ast.Action]) -> Iterator[ast.For]:
    """All `for`, those inside others too."""
    return (node for action in actions for node in walk(action) if isinstance(node, ast.For))


def can_end(body: tuple[ast.Action, ...]) -> bool:
    """Does what `until` reads change from round to round? It is made of something that is read before it is set."""
    written = list(equations(body))
    names = {e.name for e in written}
    reads: dict[str, set[str]] = {}
    carried: set[str] = {loop.name for loop in loops(body)}
    for equation in written:
        read = names_in(equation.value)
        carried |= {n for n in read & names if n not in reads}
        reads.setdefault(equation.name, set()).update(read)
    wanted = {n for a in body if isinstance(a, ast.Until) for n in names_in(a.condition)}
    carried |= {n for n in wanted & names if n not in reads}
    before = set[str]()
    while wanted != before:
        before = set(wanted)
        wanted |= {n for name in before for n in reads.get(name, ())}
    return bool(wanted & carried)
