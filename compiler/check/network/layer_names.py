"""Names of layers and blocks: nothing ambiguous runs. The message shows those that bear the name, and where they differ."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from netc.compiler.meaning.findings import Report, listed
from netc.compiler.meaning.layer_families import bearers, differing, head, kind_of, named, refused
from netc.compiler.meaning.layer_parameters import NONE, Definition, inferred
from netc.dsl import ast, library
from netc.dsl.source import Span


def tell_ambiguous(name: str, span: Span, told: set[str], report: Report) -> bool:
    """Whether several layers or blocks bear the name; it is an error then, and is `told` once with all of them."""
    found = bearers(name, named())
    if len(found) < 2:
        return False
    shown = () if name in told else ("lines that are equal in all of them are not shown", *differing(found))
    told.add(name)
    says = listed(found[:4])
    what = "layer" if any(kind_of(n) == "layer" for n in found) else "block"
    message = f"'{name}' names more than one {what}: say which one, {says}"
    report.error("E0103", span, message, notes=shown, hints=(f"'netc explain {name}' compares them",))
    return True


def require_said(
    definition: Definition,
    bound: Sequence[tuple[str, float]],
    given: Sequence[ast.Argument],
    span: Span,
    report: Report,
) -> None:
    """A parameter whose default is `none` has to be said, and is a number, as all others."""
    spans = {a.name: a.span for a in given}
    unsaid = {p.name for p in definition.parameters if p.default == NONE}
    for name, value in bound:
        if not math.isnan(value):
            continue
        others = [n for n in bearers(definition.name, library.names("layer")) if n != definition.name]
        if name in spans or name not in unsaid:
            report.error("E0305", spans.get(name, span), f"'{name}' must be a number, not none")
        elif "." in definition.name or not others:
            report.error(
                "E0109", span, f"'{definition.name}' needs '{name}'", hints=(f"give it: {name} = ...",)
            )
        else:
            usual = "1e-6" if name == "eps" else "0.25"
            hint = (
                f"say it, ({definition.name} {name} {usual}) for one, or a library's own, ({listed(others)})"
            )
            report.error(
                "E0103", span, f"'{definition.name}' does not say {name}, on which libraries do not agree",
                notes=tuple(map(head, others)), hints=(hint,),
            )  # fmt: skip


def without_refused(
    definition: Definition, arguments: Sequence[ast.Argument], report: Report
) -> tuple[ast.Argument, ...]:
    """The arguments without those of a library's settings of which the definition says that they are not there."""
    names = {p.name for p in definition.parameters}
    kept = []
    for a in arguments:
        why = ""
        if a.name is not None and re.sub(r"_\d$", "", a.name) not in names:
            why = refused(definition.name, a.name)
        if why:
            report.error(
                "E0108", a.span, f"'{definition.name}' has no parameter '{a.name}' here", notes=(why,)
            )
        else:
            kept.append(a)
    return tuple(kept)


def require_inferred(
    definition: ast.Layer, bound: Sequence[tuple[str, float]], last: float, span: Span, report: Report
) -> None:
    """What a library is told of its input is what comes in."""
    for name, value in bound:
        if name in inferred(definition) and value != last:
            message = f"'{definition.name}' is told {name} = {value:g}, and its input has {last:g} there"
            report.error("E0221", span, message, hints=(f"{name} may be left out",))
