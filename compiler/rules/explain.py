"""What there is to say about an update rule: equations, symbols, cost, source. Runs nothing, compares nothing.

Pitfalls are found in `pitfalls.py`, equal rules in `equivalence.py`; this file puts facts into lines of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isnan
from textwrap import wrap as wrapped

from netc.compiler.calculus import ir
from netc.compiler.lower.rule import lower_rule
from netc.compiler.meaning.components import as_written
from netc.compiler.meaning.m_as_state import shown
from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.rule_body import equations
from netc.compiler.meaning.rule_equations import lines, with_numbers
from netc.compiler.meaning.spec import Optimizer, Piece, Schedule, Spec
from netc.compiler.rules.explain_modes import modes_of
from netc.dsl import ast, library
from netc.dsl.names import greek
from netc.dsl.printer import Printer, number, print_expr
from netc.dsl.record import record


@record
class Section:
    """A heading and the lines below it; without lines it is not printed."""

    title: str
    lines: tuple[str, ...]


def explain(spec: Spec, unicode: bool) -> list[Section]:
    """The facts about the rule of a checked file."""
    rule, definition = spec.optimizer, spec.optimizer.definition
    scheduled = {s.name for s in spec.schedules}
    values = {name: value for name, value in rule.arguments if name not in scheduled}
    written = lines(definition.body, unicode)
    runs = lines(with_numbers(definition.body, values), unicode)
    return [
        Section(title(spec, unicode), tuple(comment(definition.name))),
        Section("", tuple(map(as_written, written))),
        Section("measured", tuple(_measured(rule, unicode))),
        Section("where", tuple(line for s in rule.searches for line in _search(s, unicode))),
        Section("with these numbers", tuple(map(as_written, runs)) if runs != written else ()),
        Section("symbols", tuple(_columns(_symbols(spec, unicode)))),
        Section("cost", tuple(_cost(lower_rule(spec)))),
        Section("layers with two modes", tuple(wrap(modes_of(spec, lower_rule(spec))))),
    ]


def _measured(rule: Optimizer, unicode: bool) -> Iterator[str]:
    """Where, if not at theta."""
    if rule.point:
        name = greek(rule.point) if unicode else rule.point
        yield f"at {name}[n], of which all figures, what is kept and predictions are"


def _search(search: ast.Search, unicode: bool) -> Iterator[str]:
    """The definition of a search that the rule calls."""
    yield f"{Printer(unicode).definition(search.name, search.parameters)}:"
    yield from (f"    {line}" for line in lines(search.body, unicode))


def source(definition: ast.Optimizer) -> Section:
    texts = [s.value.value for s in definition.settings if isinstance(s.value, ast.Text)]
    return Section("source", tuple(part for text in texts for part in text.split("; ")))


def title(spec: Spec, unicode: bool) -> str:
    """`momentum.ema(eta = 0.1, beta1 = 0.1)`"""
    rule = spec.optimizer
    return call(rule.definition.name, rule.arguments, unicode, rule.switched)


def call(
    name: str,
    arguments: Iterable[tuple[str, float]],
    unicode: bool = False,
    switched: Iterable[tuple[str, str]] = (),
) -> str:
    words = [*((n, short(v)) for n, v in arguments), *switched]
    inside = ", ".join(f"{greek(n) if unicode else n} = {word}" for n, word in words)
    return as_written(f"{name}({inside})")


def short(value: float) -> str:
    """Twelve digits: 1 - 0.9 is 0.1."""
    if isnan(value):
        return "none"
    return number(float(f"{value:.12g}"))


def wrap(sentences: Iterable[str], width: int = 100) -> list[str]:
    """One paragraph a sentence, its further lines indented."""
    return [
        line for words in sentences for line in wrapped(as_written(words), width, subsequent_indent="    ")
    ]


def comment(name: str) -> list[str]:
    """The library's words on a rule of its own."""
    return library.comment("optimizer", name).splitlines() if name in library.names("optimizer") else []


# -- symbols -----------------------------------------------------------------------------------------

Row = tuple[str, ...]


def _symbols(spec: Spec, unicode: bool) -> Iterator[Row]:
    """Name, value, what it is."""
    name = greek if unicode else str
    defaults = {p.name: p.default for p in spec.optimizer.definition.parameters}
    schedules = {s.name: s for s in spec.schedules}
    for parameter, value in spec.optimizer.arguments:
        if parameter in schedules:
            yield name(parameter), "scheduled", schedule_text(schedules[parameter])
            continue
        default = defaults[parameter]
        usual = None if default is None else number_or_none(default, dict(spec.optimizer.arguments))
        note = "number, no default" if usual is None else "number"
        note += f", default {short(usual)}" if usual not in (None, value) and usual is not None else ""
        yield name(parameter), short(value), note
    for schedule in spec.layer_schedules:
        yield name(schedule.name), "scheduled", f"{schedule_text(schedule)}; a number of layers"
    kinds = dict(spec.optimizer.kinds)
    for state in spec.optimizer.body.states:
        what = "vector like theta" if kinds[state.name] == "theta" else "number"
        if state.name == "theta":
            yield name("theta"), "parameters", "starts as 'init' says"
        else:
            start = "0" if state.initial is None else print_expr(state.initial, unicode=unicode)
            yield name(shown(state.name)), "state", f"{what}, starts at {start}"
    states = {s.name for s in spec.optimizer.body.states}
    known = states | {v for v, _ in spec.optimizer.body.bases}
    known |= {local for local, _ in spec.optimizer.kinds} - {
        e.name for e in equations(spec.optimizer.definition.body)
    }  # those of searches
    for local, kind in spec.optimizer.kinds:
        if local not in known:
            what = "per batch" if local in spec.optimizer.body.memories else "local"
            yield name(shown(local)), what, "vector like theta" if kind == "theta" else "number"


def schedule_text(schedule: Schedule) -> str:
    """`0.1 until epoch 75, 0.01 until epoch 125, then 0.001`"""
    if schedule.recursion is not None:
        return f"{call(schedule.recursion.definition.name, schedule.recursion.arguments)}, by results"
    *first, last = schedule.pieces
    parts = [f"{print_expr(p.value)} until {schedule.unit} {short(p.until)}" for p in first]
    unit = "" if first or not _moves(last) else f", by {schedule.unit}"
    return ", ".join([*parts, ("then " if parts else "") + print_expr(last.value)]) + unit


def _moves(piece: Piece) -> bool:
    return number_or_none(piece.value) is None


def _columns(rows: Iterable[Row]) -> Iterator[str]:
    table = [tuple(map(as_written, row)) for row in rows]
    widths = [max(len(row[i]) for row in table) for i in range(3)] if table else []
    for row in table:
        yield "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()


# -- cost --------------------------------------------------------------------------------------------


def _cost(rule: ir.Rule) -> Iterator[str]:
    states = [s for s in rule.states if s.name != "theta"]
    vectors = [shown(s.name) for s in states if s.axes and not s.per_batch]
    numbers = [shown(s.name) for s in states if not s.axes and not s.per_batch]
    more = f", and {_counted(len(numbers), 'number')} in all ({', '.join(numbers)})" if numbers else ""
    names = f" ({', '.join(vectors)})" if vectors else ""
    yield f"memory  {_counted(len(vectors), 'number')} per parameter{names} besides theta itself{more}"
    kept = [(s.name, s.axes) for s in states if s.per_batch]
    for axes, what in ((ir.THETA, "a number per parameter"), (ir.SCALAR, "a number")):
        if found := [name for name, k in kept if k == axes]:
            yield f"        and {what} for each batch ({', '.join(found)})"
    span = "each epoch" if rule.visits_batches else "each step"
    loss, gradient = evaluations(rule.body, "loss"), evaluations(rule.body, "gradient")
    yield f"{span}  {loss.text('loss', 'losses')}, {gradient.text('gradient', 'gradients')}"


@record
class Count:
    """Of evaluations in one iteration: at least and at most, and how many more for every batch."""

    least: int
    most: int
    per_batch: int

    def text(self, one: str, many: str) -> str:
        if self.per_batch and not self.most:
            return f"{self.per_batch} {one if self.per_batch == 1 else many} per batch"
        often = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
        more = f" and {self.per_batch} per batch" if self.per_batch else ""
        return f"{often} {one if self.most == 1 else many}{more}"


def evaluations(stmts: tuple[ir.Stmt, ...], what: str) -> Count:
    """How often the loss or the gradient is evaluated; a search does one to `bound` rounds."""
    least = most = per_batch = 0
    for stmt in stmts:
        match stmt:
            case ir.Evaluate():
                wanted = int(
                    bool(stmt.loss and stmt.counts[0] if what == "loss" else stmt.gradient and stmt.counts[1])
                )
                least, most = least + wanted, most + wanted
            case ir.Repeat(body, bound):
                inner = evaluations(body, what)
                least += evaluations(_until_left(body), what).least
                most += bound * inner.most
            case ir.If(_, then, otherwise):
                branches = [evaluations(then, what), evaluations(otherwise, what)]
                least += min(b.least for b in branches)
                most += max(b.most for b in branches)
                per_batch += max(b.per_batch for b in branches)
            case ir.For(first=ir.Const(first), last=ir.Const(last), body=body):
                inner, rounds = evaluations(body, what), max(0, round(last - first) + 1)
                least, most = least + rounds * inner.least, most + rounds * inner.most
            case ir.For(body=body):
                per_batch += evaluations(body, what).most
    return Count(least, most, per_batch)


def _until_left(body: tuple[ir.Stmt, ...]) -> tuple[ir.Stmt, ...]:
    """What is done of a round at whose first `until` the search ends."""
    ends = [i for i, stmt in enumerate(body) if isinstance(stmt, ir.Until)]
    return body[: ends[0]] if ends else body


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
