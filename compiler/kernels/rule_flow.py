"""What an update rule reads and sets, and where: straight runs of assignments, names needed in memory, commits.

Facts about the ir that every target needs before it chooses loops. Changes nothing but `separate_commits`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.kernels.fuse import names


def separate_commits(rule: ir.Rule) -> ir.Rule:
    """A state that takes the old value of another one (`prev[n+1] = theta[n]`) takes a copy: commits are simultaneous."""
    axes = {s.name: s.axes for s in rule.states}

    def separate(
        body: tuple[ir.Stmt, ...], commits: tuple[ir.Commit, ...]
    ) -> tuple[tuple[ir.Stmt, ...], tuple[ir.Commit, ...]]:
        stmts, out = list(body), []
        for c in commits:
            if c.value in axes and c.value != c.state:
                copy = f"{c.state}_from_{c.value}"
                stmts.append(ir.Assign(copy, ir.Var(c.value, axes[c.value])))
                c = ir.Commit(c.state, copy)
            if c.value != c.state:
                out.append(c)
        return tuple(stmts), tuple(out)

    body, commits = separate(rule.body, rule.commits)
    epoch_end, epoch_commits = separate(rule.epoch_end, rule.epoch_commits)
    return replace(rule, body=body, commits=commits, epoch_end=epoch_end, epoch_commits=epoch_commits)


def runs(body: Iterable[ir.Stmt]) -> Iterator[list[ir.Assign] | ir.Stmt]:
    """Straight runs of assignments, and the other statements between them."""
    run: list[ir.Assign] = []
    for s in body:
        if isinstance(s, ir.Assign):
            run.append(s)
            continue
        if run:
            yield run
            run = []
        yield s
    if run:
        yield run


def reads(body: Iterable[ir.Stmt]) -> Iterator[str]:
    """Names that are read before the run that reads them has set them: these must be in memory."""
    for part in runs(body):
        match part:
            case list():
                own: set[str] = set()
                for a in part:
                    yield from names(a.value) - own
                    own.add(a.name)
            case ir.Evaluate(point, batch):
                yield point
                if not isinstance(batch, str):
                    yield from names(batch)
            case ir.Fetch(index=index):
                yield from names(index)
            case ir.Store(_, index, value):
                yield value
                yield from names(index)
            case ir.Tell(_, value):
                yield from names(value)
            case ir.For(_, low, high, inner):
                yield from names(low) | names(high)
                yield from reads(inner)
            case ir.Repeat(inner):
                yield from reads(inner)
            case ir.If(condition, then, otherwise):
                yield from names(condition)
                yield from reads(then)
                yield from reads(otherwise)
            case ir.Until(condition) | ir.Stop(condition):
                yield from names(condition)
            case ir.Assign():
                raise AssertionError("assignments come in runs")
            case _:
                assert_never(part)


def flat(body: Iterable[ir.Stmt]) -> Iterator[ir.Stmt]:
    for s in body:
        yield s
        if isinstance(s, ir.For | ir.Repeat):
            # Twice: what stands in a loop is assigned more than once.
            yield from flat(s.body)
            yield from flat(s.body)
        elif isinstance(s, ir.If):
            # Twice as well: what is set in a branch may be left unset.
            yield from flat((*s.body, *s.otherwise))
            yield from flat((*s.body, *s.otherwise))
