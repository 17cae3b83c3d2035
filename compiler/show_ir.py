"""The ir as text, for `netc show --stage ir`: equations as in a paper, one line each. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import ATOM, PRIMITIVES, SUM


def expr_text(expr: ir.Expr) -> str:
    """`c*(1 - a*a)`: every bracket that is needed, and no other."""
    return _spelled(expr)[0]


def _spelled(expr: ir.Expr) -> tuple[str, int]:
    """The text and how strongly it binds."""
    done: dict[int, tuple[str, int]] = {}
    for node in ir.postorder(expr):
        match node:
            case ir.Const(value):
                done[id(node)] = (number(value), SUM if value < 0 else ATOM)
            case ir.Var(name):
                done[id(node)] = (name, ATOM)
            case ir.Apply(op, args):
                row = PRIMITIVES[op]
                parts = (done[id(a)] for a in args)
                words = [
                    f"({t})" if level < need else t
                    for (t, level), need in zip(parts, row.needs, strict=False)
                ]
                done[id(node)] = (row.text.format(*words), row.level)
            case ir.Reduce(op, arg, per):
                done[id(node)] = (f"{op}({done[id(arg)][0]}{f', per = {per}' if per else ''})", ATOM)
            case _:
                assert_never(node)
    return done[id(expr)]


def number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")


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
    match problem:
        case ir.Network(ops=ops, head=head):
            lines = [f"network: {count(problem.inputs, 'input')}, {count(problem.parameters, 'parameter')}"]
            for op in ops:
                lines += _indented(_op(op))
            return [*lines, *_indented(_head(head))]
        case ir.Objective(variables, value, gradient):
            lines = [f"objective of {', '.join(variables)}", f"    value = {expr_text(value)}"]
            return lines + [f"    d/d{v} = {expr_text(g)}" for v, g in zip(variables, gradient, strict=True)]
        case _:
            assert_never(problem)


def _op(op: ir.Dense | ir.Map) -> list[str]:
    match op:
        case ir.Dense(name, inputs, outputs, bias, offset):
            weights = f"W = {_slice(offset, inputs * outputs)} ({outputs} x {inputs})"
            biases = f", b = {_slice(offset + inputs * outputs, outputs)}" if bias else ""
            return [f"{name}: z = W x{' + b' if bias else ''}, {weights}{biases}"]
        case ir.Map(name, units, value, vjp):
            return [
                f"{name} ({count(units, 'unit')}): a = {expr_text(value)}",
                f"    cotangent of z = {expr_text(vjp)}",
            ]
        case _:
            assert_never(op)


def _head(head: ir.Head) -> list[str]:
    return [
        f"head ({count(head.units, 'unit')}): u = {expr_text(head.output)}",
        f"    loss of a sample = {expr_text(head.loss)}",
        f"    cotangent of z = {expr_text(head.adjoint)}",
        f"    loss of a batch = {'mean' if head.mean else 'sum'} over its samples",
    ]


def _starts(starts: ir.Starts) -> list[str]:
    lines = [_fill(fill) for fill in starts.fills]
    if starts.file:
        lines.append(f"theta from {starts.file}")
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
    lines += _indented(
        [
            f"state {s.name}: {s.kind}{' per batch' if s.per_batch else ''}, starts at {expr_text(s.initial)}"
            for s in rule.states
        ]
    )
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


def _block(body: Sequence[ir.Stmt]) -> Iterator[str]:
    for stmt in body:
        match stmt:
            case ir.Assign(name, value):
                yield f"{name} = {expr_text(value)}"
            case ir.Evaluate():
                yield _evaluate(stmt)
            case ir.Fetch(name, memory, number_):
                yield f"{name} = {memory}[{expr_text(number_)}]"
            case ir.Keep(memory, number_, value):
                yield f"{memory}[{expr_text(number_)}] = {value}"
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
    return ", ".join(f"{name} = {what}" for name, what in wanted if name)


def _training(training: ir.Training) -> list[str]:
    batches = training.batches
    size = f"{count(batches.count, 'sample')} each"
    cut = {"full": "full", "size": size, "parts": count(batches.count, "part")}[batches.mode]
    bounds = ((training.epochs, "epoch"), (training.steps, "step"))
    ends = [count(n, what) for n, what in bounds if n >= 0]
    return [
        f"training: {', '.join(ends)}",
        f"    batches: {cut}, {'shuffled every epoch' if batches.shuffle else 'in the order of the data'}",
        f"    {training.precision}, {count(training.runs, 'run')}, seed {training.seed}, {training.target}",
    ]
