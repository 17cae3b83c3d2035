"""Equations of a layer that read what stands below them: which belong together, and which way they go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netc.compiler.lower.layer_faults import fault
from netc.compiler.lower.reads import name_of, reads, subscripts
from netc.compiler.lower.subscripts import linear
from netc.dsl import ast
from netc.dsl.walks import walk


def end_of_recurrence(formulas: Sequence[ast.Formula], start: int, given: Iterable[str]) -> int:
    """The last equation of the group that begins here, in which some are read before they are given; -1: none."""
    at, end, known = start, -1, set(given)
    while at <= max(end, start):
        ahead = {r.base.id for r in reads(formulas[at].value) if isinstance(r.base, ast.Name)}
        later = [k for k, f in enumerate(formulas) if k >= at and f.name in ahead - known]
        end = max([end, *later])
        known.add(formulas[at].name)
        at += 1
    return end


def direction(group: Sequence[ast.Formula]) -> tuple[str, bool]:
    """The index along which it goes, and whether from its end."""
    names = {f.name for f in group}
    steps: dict[str, set[int]] = {}
    first = group[0]
    given: set[str] = set()
    for formula in group:
        left = [name_of(i) for i in formula.indices]
        for read in reads(formula.value):
            assert isinstance(read.base, ast.Name)
            if read.base.id not in names:
                continue
            shifts = [(n, s) for n, s in map(_shift, subscripts(read.index)) if s and n in left]
            for n, s in shifts:
                steps.setdefault(n, set()).add(s)
            if not shifts and read.base.id not in given:
                raise fault("E0229", read.span, f"'{read.base.id}' is read before it is given",
                            "a recurrence reads an earlier place: h[t-1, k]")  # fmt: skip
        given.add(formula.name)
    if len(steps) != 1 or len({s > 0 for found in steps.values() for s in found}) != 1:
        raise fault("E0229", first.span, "a recurrence goes along one index, in one direction: h[t-1, k]")
    ((name, found),) = steps.items()
    for formula in group:
        if name not in map(name_of, formula.indices):
            raise fault(
                "E0229",
                formula.span,
                f"'{formula.name}' stands in a recurrence along '{name}' without that index",
            )
    return name, max(found) > 0


def _shift(subscript: ast.Expr) -> tuple[str, int]:
    """`t - 1` -> (t, -1)."""
    names = {n.id for n in walk(subscript) if isinstance(n, ast.Name)}
    place = linear(subscript, names)
    if place is None or len(place.terms) != 1 or place.terms[0][1] != 1:
        return "", 0
    part = place.terms[0][0]
    return (part, int(place.offset)) if isinstance(part, str) else ("", 0)
