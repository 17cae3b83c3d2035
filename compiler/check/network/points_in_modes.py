"""Kinds of points of networks that have two modes: a Hessian is that of the test mode. A warning, for it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import has_modes
from netc.compiler.lower.flow import Flow
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.spec import KINDS, Network
from netc.dsl import ast
from netc.dsl.walks import walk


def of_two_modes(flow: Flow) -> tuple[str, ...]:
    """Layers that compute something else in training than in use, each by its own name."""
    lets = (let for let in ir.flat(flow.steps) if has_modes((let,)))
    return tuple(dict.fromkeys(flow.of[let.name.partition(".")[0]] for let in lets))


def check_kinds(network: Network | None, statements: Iterable[ast.Expect], report: Report) -> None:
    layers = " and ".join(network.two_modes) if network else ""
    for name in _kinds(statements) if layers else ():
        report.warning(
            "E0263",
            name.span,
            f"'{name.id}' is judged with {layers} in test mode: nothing is drawn, and statistics are those that were kept",
            "the loss that is trained is another one, whose gradient need not be 0 there",
        )


def _kinds(statements: Iterable[ast.Expect]) -> Iterator[ast.Name]:
    """The first one of each statement."""
    for statement in statements:
        names = (n for n in walk(statement.claim) if isinstance(n, ast.Name) and n.id in KINDS)
        yield from [*names][:1]
