"""What differs in meaning between two files: data, network, start, loss, rule, schedule, training.

Two files that are spelled differently and mean the same have no difference here. What only concerns reports
and verdicts (`monitor`, `expect`) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.lower.init import lower_init
from netc.compiler.lower.network import LOSSES, lower_problem
from netc.compiler.lower.rule import lower_rule
from netc.compiler.meaning.components import as_written
from netc.compiler.meaning.rule_equations import lines
from netc.compiler.meaning.spec import Spec
from netc.compiler.meaning.spec_text import spec_program
from netc.compiler.rules.diff_rules import rule_notes
from netc.compiler.rules.diff_schedules import compare_schedules
from netc.compiler.rules.explain import call, wrap
from netc.compiler.rules.rule_text import first_values, standalone
from netc.compiler.rules.sides import Side, side
from netc.dsl import ast
from netc.dsl.format import format_program
from netc.dsl.printer import print_expr
from netc.dsl.record import record
from netc.dsl.source import Source
from netc.dsl.walks import names_in


@record
class Difference:
    """One topic: what A and B say of it, and what that means."""

    topic: str
    a: tuple[str, ...]
    b: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        sides = [f"  {mark}  {line}" for mark, side in (("A", self.a), ("B", self.b)) for line in side]
        return [self.topic, *sides, *(f"  {line}" for line in wrap(self.notes, 98))]


def differences(a: Spec, b: Spec) -> list[Difference]:
    x, y = lower_problem(a), lower_problem(b)
    return [
        *_data(a, b),
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
        case ast.Init():
            return replace(statement, settings=tuple(_helpers(statement)))
        case ast.Activation() | ast.Loss() | ast.Schedule():
            kept = tuple(s for s in statement.settings if s.name != "source")
            return replace(statement, settings=kept)
    return statement


def _helpers(init: ast.Init) -> Iterator[ast.Setting]:
    """Those that the laws read, directly or by way of others."""
    read = {name for law in init.laws for name in names_in(law)}
    for _ in init.settings:
        read |= {n for s in init.settings if s.name in read for n in names_in(s.value)}
    yield from (s for s in init.settings if s.name in read)


def _said(a: Spec, b: Spec, topic: str, *kinds: type[ast.Statement]) -> Iterator[Difference]:
    said = _statements(a, *kinds), _statements(b, *kinds)
    if said[0] != said[1]:
        yield Difference(topic, *(s or ("none",) for s in said))


def _data(a: Spec, b: Spec) -> Iterator[Difference]:
    """The sources if they differ, else only the settings that do; generated data by their numbers."""
    if a.data == b.data or _same_rows(a, b):
        return
    one, other = (
        next((s for s in spec_program(spec).statements if isinstance(s, ast.Data)), None) for spec in (a, b)
    )
    if one is None or other is None or replace(one, settings=()) != replace(other, settings=()):
        yield from _said(a, b, "data", ast.Data)
        return
    changed = (words for name, words in _TREATMENT.items() if _setting(one, name) != _setting(other, name))
    notes = tuple(dict.fromkeys(changed))
    yield from (replace(d, notes=notes) for d in _settings("data", one.settings, other.settings))


def _same_rows(a: Spec, b: Spec) -> bool:
    if replace(a.data, rows=()) != replace(b.data, rows=()) or len(a.data.rows) != len(b.data.rows):
        return False
    rows = [[number for row in spec.data.rows for part in row for number in part] for spec in (a, b)]
    return len(rows[0]) == len(rows[1]) > 0 and np.allclose(rows[0], rows[1], rtol=1e-14, atol=0)


_OTHER_SAMPLES = (
    "split", "validation", "folds", "fold", "seed", "stratify", "only", "each", "order", "limit", "missing",
)  # fmt: skip
_TREATMENT = {
    **dict.fromkeys(("scale", "inputs", "window"), "the networks see other inputs"),
    **dict.fromkeys(("target", "classes", "label_noise"), "the networks learn other targets"),
    "scale_target": "losses are those of other targets: they do not compare",
    "weights": "samples weigh otherwise: losses do not compare",
    **dict.fromkeys(_OTHER_SAMPLES, "other samples train"),
}


def _setting(data: ast.Data, name: str) -> ast.Expr | None:
    return next((s.value for s in data.settings if s.name == name), None)


def _settings(topic: str, a: tuple[ast.Setting, ...], b: tuple[ast.Setting, ...]) -> Iterator[Difference]:
    """Only those that are not the same."""
    said = [[f"{s.name} = {print_expr(s.value)}" for s in settings] for settings in (a, b)]
    only = [tuple(line for line in said[i] if line not in said[1 - i]) for i in (0, 1)]
    if only[0] or only[1]:
        yield Difference(topic, *(lines or ("has no such setting",) for lines in only))


def _training(a: Spec, b: Spec) -> Iterator[Difference]:
    """Threads change no bit; an epoch of full batches is a step."""
    settings = [tuple(s for t in spec_program(spec).statements if isinstance(t, ast.Train) for s in t.settings)
                for spec in (a, b)]  # fmt: skip
    if a.training.batch == b.training.batch == "full":
        bounds = [sorted(n for n in (s.training.epochs, s.training.steps) if n > 0)[:1] for s in (a, b)]
        if bounds[0] == bounds[1]:
            settings = [tuple(s for s in these if s.name not in ("epochs", "steps")) for these in settings]
    kept = [tuple(s for s in these if s.name != "threads") for these in settings]
    yield from _settings("training", *kept)


# -- by meaning --------------------------------------------------------------------------------------


def _problem(a: Spec, b: Spec, x: ir.Problem, y: ir.Problem) -> Iterator[Difference]:
    if x == y:
        return
    if not (x.sampled and y.sampled):
        yield from _said(a, b, "objective", ast.Objective, ast.Network, ast.Loss)
        return
    if not _same_network(x, y):
        yield from _said(
            a, b, "network", ast.Network, ast.Activation, ast.LearntActivation, ast.Layer, ast.Block
        )
    elif _losses(x) != _losses(y):
        notes = tuple(_loss_notes(x, y))
        if notes:
            notes += tuple(_undone(side(standalone(a))))
            yield Difference("loss", _statements(a, ast.Loss), _statements(b, ast.Loss), notes)


def _losses(x: ir.Problem) -> tuple[ir.Expr, bool]:
    """The loss of a sample, and whether that of a batch is their mean."""
    return x.lets[LOSSES].value, x.mean


def _same_network(x: ir.Problem, y: ir.Problem) -> bool:
    """The same tensors and starts of states, and in both modes all that leads to the outputs by its values."""
    if x.tensors != y.tensors or x.updates != y.updates:
        return False
    return _same_lets(x, y) and _same_lets(x.tested, y.tested)


def _same_lets(x: ir.Problem, y: ir.Problem) -> bool:
    mine, theirs = ([let for let in ir.flat(p.forward) if let.name not in (LOSSES, p.loss)] for p in (x, y))
    return len(mine) == len(theirs) and all(_equal(p, q) for p, q in zip(mine, theirs, strict=True))


def _samples(*exprs: ir.Expr) -> dict[str, np.ndarray]:
    """Numbers for every variable of the expressions: targets like probabilities, all others around 0."""
    draw = np.random.default_rng(0)
    found = {node.name: node for e in exprs for node in ir.postorder(e) if isinstance(node, ir.Var)}
    shapes = {name: tuple(a.size or 40 for a in v.axes) for name, v in sorted(found.items())}
    return {
        n: draw.uniform(0.1, 0.9, size) if n == "y" else draw.normal(size=size) for n, size in shapes.items()
    }


def _equal(p: ir.Let, q: ir.Let) -> bool:
    """What is drawn is the same by the same law alone."""
    x, y = p.value, q.value
    if p.axes != q.axes or _drawn(x) != _drawn(y):
        return False
    at = _samples(x, y) | {d.purpose: np.zeros([a.size or 40 for a in d.axes]) for d in _drawn(x)}
    return x == y or bool(np.allclose(evaluate(x, at), evaluate(y, at), rtol=1e-12, atol=1e-14))


def _drawn(e: ir.Expr) -> set[ir.Draw]:
    return {node for node in ir.postorder(e) if isinstance(node, ir.Draw)}


def _loss_notes(x: ir.Problem, y: ir.Problem) -> Iterator[str]:
    """How the gradients of the two losses are related."""
    if x.mean != y.mean:
        first, second = ("averages", "sums") if x.mean else ("sums", "averages")
        yield f"A {first} over the samples of a batch, B {second}: gradients differ by their number"
    slopes = [next(ir.flat(p.backward)) for p in (x, y)]  # by what the loss of a sample reads
    at = _samples(*(let.value for let in slopes))
    g, h = (np.broadcast_to(evaluate(let.value, at), [a.size or 40 for a in let.axes]) for let in slopes)
    factors = h[np.abs(g) > 1e-12] / g[np.abs(g) > 1e-12]
    if np.allclose(factors, factors[0], rtol=1e-10):
        if abs(factors[0] - 1) > 1e-10:
            yield f"B is {factors[0]:.6g} times A: the same minima, gradients {factors[0]:.6g} times as large"
    else:
        yield "these losses have other gradients"


def _undone(rule: Side) -> Iterator[str]:
    """What a factor of the loss does to steps."""
    match rule.character:
        case (True, *_):
            yield "steps grow with the gradient here: the rate divided by that factor would undo it"
        case (_, True, *_):
            yield "the length of steps hangs on the gradient through epsilon only: it changes little"


def _start(a: Spec, b: Spec, x: ir.Problem, y: ir.Problem) -> Iterator[Difference]:
    if x.parameters != y.parameters or lower_init(a, x) != lower_init(b, y):
        yield from _said(a, b, "start", ast.Init)


def _rule(a: Spec, b: Spec) -> Iterator[Difference]:
    if lower_rule(a) == lower_rule(b):
        return
    notes = tuple(rule_notes(a, b))
    if not notes:
        return
    said = [
        (_title(s), *(f"    {as_written(e)}" for e in lines(s.optimizer.definition.body))) for s in (a, b)
    ]
    yield Difference("rule", said[0], said[1], notes)


def _title(spec: Spec) -> str:
    rule = spec.optimizer
    numbers = dict(rule.arguments) | first_values(spec)
    return call(rule.definition.name, numbers.items(), switched=rule.switched)


def _schedules(a: Spec, b: Spec) -> Iterator[Difference]:
    found = compare_schedules(a, b)
    if found is not None:
        first, second = (_statements(spec, ast.Schedule) or ("none",) for spec in (a, b))
        yield Difference("schedule", first, second, found)
