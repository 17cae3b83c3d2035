"""A rule that visits batches by their numbers, and the batches that the training makes."""

from __future__ import annotations

from netc.compiler.check.training.train import batches
from netc.compiler.meaning.findings import Report, counted
from netc.compiler.meaning.resolve import head
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
    numbers = [
        (int(b.value), b.span)
        for a in optimizer.body.actions
        for n in walk(a)
        if isinstance(b := _batch_of(n), ast.Number)
    ]
    for number, span in numbers:
        if number < 1:
            report.error("E0413", span, f"there is no batch {number}", hints=("batches are numbered from 1",))
            return
    if not numbers:
        return
    most, span = max(numbers, key=lambda pair: pair[0])
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
    for loop in (n for a in optimizer.body.actions for n in walk(a) if isinstance(n, ast.For)):
        names = [
            b for n in walk(loop) if (b := _batch_of(n)) == ast.Name(loop.name) or _kept_at(n, loop.name)
        ]
        match loop.values:
            case ast.Range(_, ast.Number(last)) if names and last > m:
                message = f"the loop visits batch {last:g}, the training has {counted(m, 'batch')}"
                report.error("E0413", loop.values.span, message, hints=("m is their number: 1..m",))
            case ast.Range(ast.Number(first), _) if names and first < 1:
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
