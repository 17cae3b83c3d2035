"""The parameters of a layer or block bound to their numbers, those of shapes number by number."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from netc.compiler.check.network.layer_names import require_said
from netc.compiler.check.network.layer_schedules import Arguments, Scheduled
from netc.compiler.check.network.place import Numbers
from netc.compiler.meaning.arguments import bind
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.layer_parameters import Definition, shapes_apart
from netc.compiler.meaning.resolve_values import NONE, number
from netc.dsl import ast
from netc.dsl.source import Span

WHICH = ("l", "L")
"""The number of a repetition, and of all."""


def bound_arguments(
    operation: ast.Operation,
    definition: Definition,
    given: Arguments,
    scheduled: Scheduled,
    numbers: Numbers,
    report: Report,
) -> tuple[tuple[str, float], ...] | None:
    """The values of all parameters; `NONE` where a schedule gives them."""
    written = (*definition.parameters, *_which(definition, given))
    parameters = shapes_apart(written)
    what = f"'{definition.name}'"
    bound = bind(parameters, given, operation.span, what, report, lambda e: number(e, numbers), "of a layer")
    fixed = tuple((n, v) for n, v in bound if n not in dict(scheduled))
    require_said(definition, fixed, given, operation.span, report)
    bound = tuple((n, NONE if n in dict(scheduled) else v) for n, v in bound)
    _require_whole(written, bound, given, operation.span, report)
    if len(written) > len(definition.parameters):
        _require_number({**numbers, **dict(bound)}, operation.span, report)
    return bound if len(bound) == len(parameters) else None


def _require_number(numbers: Numbers, span: Span, report: Report) -> None:
    """Of a block that is told which of a repetition it is."""
    l, L = (numbers[n] for n in WHICH)  # noqa: E741
    if not 1 <= l <= L:
        message = f"the block cannot be number {l:g} of {L:g}: l runs from 1 to L"
        report.error("E0305", span, message, hints=("as in (res(l = 2, L = 3))",))


def _require_whole(
    written: Sequence[ast.Parameter],
    bound: tuple[tuple[str, float], ...],
    given: Sequence[ast.Argument],
    span: Span,
    report: Report,
) -> None:
    """The numbers of shapes, and sizes."""
    plain = {p.name for p in written if p.default is not None}
    spans = {a.name: a.span for a in given}
    for name, value in bound:
        if name not in plain and not (0 <= value < inf and value == int(value)):
            what = next(p.name for p in written if name == p.name or name.startswith(f"{p.name}_"))
            report.error(
                "E0305",
                spans.get(name, span),
                f"'{what}' is made of whole numbers from 0 on, not {value:g}",
            )


def _which(definition: Definition, given: Sequence[ast.Argument]) -> tuple[ast.Parameter, ...]:
    """`(res(l = 2, L = 3))`: a block is told which of a repetition it is, as if by parameters of its own."""
    own = {p.name for p in definition.parameters}
    told = {a.name for a in given} - own if isinstance(definition, ast.Block) else set()
    return tuple(ast.Parameter(n, None) for n in WHICH if n in told)
