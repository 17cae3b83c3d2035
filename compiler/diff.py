"""What differs in meaning between two files: data, network, start, loss, rule, schedule, training.

Two files that are spelled differently and mean the same have no difference here. What only concerns reports
and verdicts (`monitor`, `expect`) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from netc.compiler import ir
from netc.compiler.compare_rules import side
from netc.compiler.equivalence import Verdict, compare
from netc.compiler.explain import call
from netc.compiler.explain_equations import lines
from netc.compiler.interpret import evaluate
from netc.compiler.lower_init import lower_init
from netc.compiler.lower_network import lower_problem
from netc.compiler.lower_rule import lower_rule
from netc.compiler.pitfalls import changes
from netc.compiler.resolve_values import number_or_none
from netc.compiler.rule_text import first_values, standalone
from netc.compiler.spec import Schedule, Spec
from netc.compiler.spec_text import spec_program
from netc.dsl import ast
from netc.dsl.format import format_program
from netc.dsl.printer import print_expr
from netc.dsl.source import Source


@dataclass(frozen=True)
class Difference:
    """One topic: what A and B say of it, and what that means."""

    topic: str
    a: tuple[str, ...]
    b: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        sides = [f"  {mark}  {line}" for mark, side in (("A", self.a), ("B", self.b)) for line in side]
        return [self.topic, *sides, *(f"  {note}" for note in self.notes)]


def differences(a: Spec, b: Spec) -> list[Difference]:
    x, y = lower_problem(a), lower_problem(b)
    return [
        *_said(a, b, "data", ast.Data),
        *_problem(a, b, x, y),
        *_start(a, b, x, y),
        *_rule(a, b),
        *_schedules(a, b),
        *_training(a, b),
    ]


def diff_text(a: Spec, b: Spec) -> str:
    found = differences(a, b)
    if not found:
        return "The two files mean the same."
    return "\n\n".join("\n".join(d.lines) for d in found)


# -- as written --------------------------------------------------------------------------------------


def _statements(spec: Spec, *kinds: type[ast.Statement]) -> tuple[str, ...]:
    """In canonical form, every default written out, without sources."""
    chosen = tuple(_unsourced(s) for s in spec_program(spec).statements if isinstance(s, kinds))
    text = format_program(ast.Program(chosen), Source("", ""))
    return tuple(line for line in text.splitlines() if line.strip())


def _unsourced(statement: ast.Statement) -> ast.Statement:
    match statement:
        case ast.Activation() | ast.Loss() | ast.Init() | ast.Schedule():
            kept = tuple(s for s in statement.settings if s.name != "source")
            return replace(statement, settings=kept)
    return statement


def _said(a: Spec, b: Spec, topic: str, *kinds: type[ast.Statement]) -> Iterator[Difference]:
    said = _statements(a, *kinds), _statements(b, *kinds)
    if said[0] != said[1]:
        yield Difference(topic, *(s or ("none",) for s in said))


def _training(a: Spec, b: Spec) -> Iterator[Difference]:
    """Only the settings that are not the same."""
    said = [
        [f"{s.name} = {print_expr(s.value)}" for t in spec_program(spec).statements if isinstance(t, ast.Train)
         for s in t.settings]
        for spec in (a, b)
    ]  # fmt: skip
    only = [tuple(line for line in said[i] if line not in said[1 - i]) for i in (0, 1)]
    if only[0] or only[1]:
        yield Difference("training", *(lines or ("has no such setting",) for lines in only))


# -- by meaning --------------------------------------------------------------------------------------


def _problem(a: Spec, b: Spec, x: ir.Problem, y: ir.Problem) -> Iterator[Difference]:
    if x == y:
        return
    if not (isinstance(x, ir.Network) and isinstance(y, ir.Network)):
        yield from _said(a, b, "objective", ast.Objective, ast.Network, ast.Loss)
        return
    if x.ops != y.ops or x.inputs != y.inputs or not _equal(x.head.output, y.head.output, x.head.units):
        yield from _said(a, b, "network", ast.Network, ast.Activation)
    elif x.head != y.head:
        notes = tuple(_loss_notes(x.head, y.head))
        if notes:
            yield Difference("loss", _statements(a, ast.Loss), _statements(b, ast.Loss), notes)


def _samples(units: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {"z": draw.normal(size=(40, units)), "y": draw.uniform(0.1, 0.9, size=(40, units))}


def _equal(x: ir.Expr, y: ir.Expr, units: int) -> bool:
    at = _samples(units)
    return x == y or bool(np.allclose(evaluate(x, at), evaluate(y, at), rtol=1e-12, atol=1e-14))


def _loss_notes(x: ir.Head, y: ir.Head) -> Iterator[str]:
    """How the gradients of the two losses are related."""
    if x.mean != y.mean:
        first, second = ("averages", "sums") if x.mean else ("sums", "averages")
        yield f"A {first} over the samples of a batch, B {second}: gradients differ by their number"
    at = _samples(x.units)
    g, h = (np.broadcast_to(evaluate(head.adjoint, at), at["z"].shape) for head in (x, y))
    factors = h[np.abs(g) > 1e-12] / g[np.abs(g) > 1e-12]
    if np.allclose(factors, factors[0], rtol=1e-10):
        if abs(factors[0] - 1) > 1e-10:
            yield f"B is {factors[0]:.6g} times A: the same minima, gradients {factors[0]:.6g} times as large"
    else:
        yield "these losses have other gradients"


def _start(a: Spec, b: Spec, x: ir.Problem, y: ir.Problem) -> Iterator[Difference]:
    if x.parameters != y.parameters or lower_init(a, x) != lower_init(b, y):
        yield from _said(a, b, "start", ast.Init)


def _rule(a: Spec, b: Spec) -> Iterator[Difference]:
    if lower_rule(a) == lower_rule(b):
        return
    verdict = compare(side(standalone(a)), side(standalone(b)))
    notes = tuple(_rule_notes(a, b, verdict))
    if not notes:
        return
    said = [(_title(s), *(f"    {e}" for e in lines(s.optimizer.definition.body))) for s in (a, b)]
    yield Difference("rule", said[0], said[1], notes)


def _title(spec: Spec) -> str:
    return call(spec.optimizer.definition.name, (dict(spec.optimizer.arguments) | first_values(spec)).items())


def _rule_notes(a: Spec, b: Spec, verdict: Verdict) -> Iterator[str]:
    """What a schedule breaks counts if there is one."""
    scheduled = [s for spec in (a, b) for s in spec.schedules]
    if not verdict.same:
        yield from (line for line in verdict.text.splitlines()[2:] if line)
        return
    for words in verdict.breaks_under:
        if words.startswith("a schedule") and scheduled:
            yield f"the same until the rate changes ({changes(scheduled[0])}): breaks under {words}"
        if words.startswith("a look"):
            yield f"the same but for {words}"


def _schedules(a: Spec, b: Spec) -> Iterator[Difference]:
    for found in _said(a, b, "schedule", ast.Schedule):
        ratio = _ratio(a.schedules, b.schedules)
        notes = () if ratio is None else (f"in proportion: B's is {ratio:.6g} times A's throughout",)
        yield replace(found, notes=notes)


def _ratio(a: tuple[Schedule, ...], b: tuple[Schedule, ...]) -> float | None:
    """Of two tables that change at the same times."""
    if len(a) != 1 or len(b) != 1 or a[0].unit != b[0].unit:
        return None
    if [p.until for p in a[0].pieces] != [p.until for p in b[0].pieces]:
        return None
    pairs = [
        (number_or_none(p.value), number_or_none(q.value))
        for p, q in zip(a[0].pieces, b[0].pieces, strict=True)
    ]
    ratios = [y / x for x, y in pairs if x and y is not None]
    same = len(ratios) == len(pairs) > 0 and np.allclose(ratios, ratios[0], rtol=1e-12)
    return ratios[0] if same else None
