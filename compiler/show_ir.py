"""The ir as text, for `netc show --stage ir`: equations as in a paper, one line each. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.calculus.expr_text import expr_text, number

ORDERS = {
    "": "in the order of the data",
    "shuffle": "shuffled every epoch",
    "resample": "drawn with replacement",
}


def count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def show(program: ir.Program) -> str:
    sections = (
        _problem(program.problem),
        _starts(program.starts),
        _rule(program.rule),
        _training(program.training),
    )
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _indented(lines: Sequence[str] | Iterator[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _slice(offset: int, size: int) -> str:
    return f"theta[{offset}:{offset + size}]"


def _problem(problem: ir.Problem) -> list[str]:
    """Tensors with their places, then the lets: forward, and what is derived."""
    what = f"network: {count(problem.inputs, 'input')}, " if problem.sampled else "objective: "
    lines = [f"{what}{count(problem.parameters, 'parameter')}"]
    for t in problem.tensors:
        place = f" = {_slice(t.offset, t.size)}" if t.role in ir.PARAMETERS else ""
        lines += _indented([f"{t.role} {_with_axes(t.name, t.axes)}{place}{_extents(t)}"])
    lines += _indented(f"{u.state} starts at {number(u.initial)}" for u in problem.updates)
    lists = [("forward", problem.forward), ("derived", problem.backward)]
    if problem.test:
        lists += [
            ("forward in test mode", problem.test.forward),
            ("derived in test mode", problem.test.backward),
        ]
    for title, steps in lists:
        lines += ["", title, *_indented(line for step in steps for line in _step(step))]
    if problem.updates:
        lines += ["", *(f"{u.state}[n+1] <- {u.value}" for u in problem.updates)]
    last = f"loss of a batch = {problem.loss}{' over the number of its samples' if problem.mean else ''}"
    return [*lines, "", last]


def _with_axes(name: str, axes: ir.Axes) -> str:
    return f"{name}[{', '.join(a.name for a in axes)}]" if axes else name


def _extents(t: ir.Tensor) -> str:
    return f" ({' x '.join(str(n) for n in t.shape)})" if t.shape else ""


def _step(step: ir.Step) -> list[str]:
    match step:
        case ir.Let(name, axes, value, text):
            return [f"{_with_axes(name, axes)} = {expr_text(value)}{f'    ({text})' if text else ''}"]
        case ir.Scan(axis, lets, backward):
            way = f"{axis.name} = {axis.size}..1" if backward else f"{axis.name} = 1..{axis.size}"
            return [f"for {way}:", *_indented([line for let in lets for line in _step(let)])]
        case _:
            assert_never(step)


def _starts(starts: ir.Starts) -> list[str]:
    lines = [_fill(fill) for fill in starts.fills]
    if starts.file:
        lines.append(f"theta from {starts.file}")
    for held in starts.held:
        lines.append(f"{', '.join(layer for layer, _ in held.layers)} from {held.path}")
    if starts.table:
        lines.append(f"theta from a table of {len(starts.table)} points")
    if starts.axes:
        lines.append(f"theta from a grid of {' x '.join(str(len(axis)) for axis in starts.axes)} points")
    return ["start", *_indented(lines)]


def _fill(fill: ir.Fill) -> str:
    place = _slice(fill.offset, fill.size)
    arguments = ", ".join(number(a) for a in fill.arguments)
    match fill.law:
        case "values":
            return f"{place} = ({arguments})"
        case "constant":
            return f"{place} = {arguments}"
        case law:
            return f"{place} ~ {law}({arguments}), shape {' x '.join(str(n) for n in fill.shape)}"


def _rule(rule: ir.Rule) -> list[str]:
    lines = ["rule" + (" (visits the batches itself)" if rule.visits_batches else "")]
    lines += _indented([f"hyper {h.name} = {number(h.value)}" for h in rule.hypers])
    lines += _indented([_state(s) for s in rule.states])
    sections = [
        ("at the start of an epoch", rule.test, ()),
        ("each iteration", rule.body, rule.commits),
        ("at the end of an epoch", rule.epoch_end, rule.epoch_commits),
    ]
    for title, body, commits in sections:
        if body or commits:
            commit = [f"{c.state}[n+1] <- {c.value}" for c in commits]
            lines += [f"    {title}", *_indented(_indented([*_block(body), *commit]))]
    return lines


def _state(s: ir.State) -> str:
    what = f"{'vector' if s.axes else 'number'}{' per batch' if s.per_batch else ''}"
    return f"state {s.name}: {what}, starts at {expr_text(s.initial)}"


def _block(body: Sequence[ir.Stmt]) -> Iterator[str]:
    for stmt in body:
        match stmt:
            case ir.Assign(name, value):
                yield f"{name} = {expr_text(value)}"
            case ir.Evaluate():
                yield _evaluate(stmt)
            case ir.Fetch(name, memory, number_):
                yield f"{name} = {memory}[{expr_text(number_)}]"
            case ir.Store(memory, number_, value):
                yield f"{memory}[{expr_text(number_)}] = {value}"
            case ir.Tell(state, value):
                yield f"{state} = {expr_text(value)}"
            case ir.For(index, first, last, inner):
                yield f"for {index} in {expr_text(first)}..{expr_text(last)}:"
                yield from _indented(_block(inner))
            case ir.Repeat(inner, bound):
                yield f"repeat (at most {bound} times):"
                yield from _indented(_block(inner))
            case ir.Until(condition):
                yield f"until {expr_text(condition)}"
            case ir.If(condition, then, otherwise):
                yield f"if {expr_text(condition)}:"
                yield from _indented(_block(then))
                if otherwise:
                    yield "else:"
                    yield from _indented(_block(otherwise))
            case ir.Stop(condition, ending):
                yield f"stop ({ending}) if {expr_text(condition)}"
            case _:
                assert_never(stmt)


def _evaluate(stmt: ir.Evaluate) -> str:
    match stmt.batch:
        case "current":
            loss = "R"
        case "full":
            loss = "R_all"
        case batch:
            loss = f"R[{expr_text(batch)}]"
    wanted = [(stmt.loss, f"{loss}({stmt.point})"), (stmt.gradient, f"grad {loss}({stmt.point})")]
    mode = " in test mode" if stmt.tested else ""
    return ", ".join(f"{name} = {what}" for name, what in wanted if name) + mode


def _training(training: ir.Training) -> list[str]:
    batches = training.batches
    size = f"{count(batches.count, 'sample')} each"
    cut = {"full": "full", "size": size, "parts": count(batches.count, "part")}[batches.mode]
    bounds = ((training.epochs, "epoch"), (training.steps, "step"))
    ends = [count(n, what) for n, what in bounds if n >= 0]
    return [
        f"training: {', '.join(ends)}",
        f"    batches: {cut}, {ORDERS[batches.order]}",
        f"    {training.precision}, {count(training.runs, 'run')}, seed {training.seed}, {training.target}",
    ]
