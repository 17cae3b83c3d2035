"""A rule that visits batches by their numbers, and the batches that the training makes."""

from __future__ import annotations

from math import isnan

from netc.compiler.check.rule.loops import bounds
from netc.compiler.check.training.train import batches
from netc.compiler.meaning.findings import Report, counted
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.resolve_values import is_whole, number_or_nan, number_or_none
from netc.compiler.meaning.rule_body import loops
from netc.compiler.meaning.spec import Optimizer, Training
from netc.dsl import ast
from netc.dsl.walks import walk


def check_batches(
    optimizer: Optimizer, training: Training, samples: int | None, statement: ast.Train, report: Report
) -> None:
    """A rule that names batches 1 and 2 needs exactly two."""
    if training.batch == "size" and samples is None:
        return
    m = batches(training, samples or 1)
    _check_memories(optimizer, training, statement, report)
    _check_loops(optimizer, m, report)
    known = dict(optimizer.arguments)
    visited = [b for a in optimizer.body.actions for n in walk(a) if (b := _batch_of(n)) is not None]
    numbers = [(number, b.span) for b in visited if (number := number_or_nan(b, known)) is not None]
    for number, span in numbers:
        if not is_whole(number) or number < 1:
            what = "this is no batch" if isnan(number) else f"there is no batch {number:g}"
            report.error("E0413", span, what, hints=("batches are numbered from 1",))
            return
    if not numbers:
        return
    highest, span = max(numbers, key=lambda pair: pair[0])
    most = int(highest)
    if most != m:
        report.error(
            "E0413",
            span,
            f"the rule visits {counted(most, 'batch')}, the training has {counted(m, 'batch')}",
            related=((head(statement), "the training"),),
            hints=(f"write 'batch = {most} parts'",),
        )


def _check_memories(optimizer: Optimizer, training: Training, statement: ast.Train, report: Report) -> None:
    """What is kept per batch is of the same samples in every epoch, and of more than one batch."""
    visited = [n for a in optimizer.body.actions for n in walk(a) if _batch_of(n) is not None]
    if visited and training.batch == "full":
        report.error(
            "E0413",
            head(statement),
            f"'{optimizer.definition.name}' visits batch after batch, and there is one batch of all samples",
            hints=("say how the samples are cut: batch = 4 parts, or batch = 32",),
        )
    elif optimizer.body.memories and training.shuffle:
        name = optimizer.body.memories[0]
        report.error(
            "E0413",
            head(statement),
            f"the rule keeps '{name}' for each batch, and the batches are made anew in every epoch",
            hints=("keep the order of the data: shuffle = false, without 'sampling'",)
            if training.replacement
            else ("keep the order of the data: shuffle = false",),
        )


def _check_loops(optimizer: Optimizer, m: int, report: Report) -> None:
    """`for i in 1..3` with R[i], of two batches."""
    known = dict(optimizer.arguments)
    for loop in loops(optimizer.body.actions):
        names = [
            b for n in walk(loop) if (b := _batch_of(n)) == ast.Name(loop.name) or _kept_at(n, loop.name)
        ]
        first, last = (number_or_none(bound, known) for bound in bounds(loop))
        if names and last is not None and last > m:
            message = f"the loop visits batch {last:g}, the training has {counted(m, 'batch')}"
            report.error("E0413", loop.values.span, message, hints=("m is their number: 1..m",))
        elif names and first is not None and first < 1:
            message = f"the loop visits batch {first:g}, batches are numbered from 1"
            report.error("E0413", loop.values.span, message, hints=("write 1..m",))


def _kept_at(node: ast.Node, name: str) -> bool:
    return isinstance(node, ast.Equation) and node.indices == (ast.Name(name),)


def _batch_of(node: ast.Node) -> ast.Expr | None:
    match node:
        case ast.Gradient(batch=batch):
            return batch
        case ast.Call(ast.Index(_, batch)):
            return batch
    return None
