"""The text of the kernels of every rule of the library, for both targets: each name in it is defined."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest

from netc.compiler import pipeline
from netc.compiler.kernels.cpu.target import Cpu
from netc.compiler.kernels.cuda.plan import Card
from netc.compiler.kernels.cuda.target import Cuda
from netc.compiler.kernels.machine import Machine
from netc.dsl import library
from netc.dsl.diagnostics import SpecError
from netc.runtime import opening, program_file
from netc.runtime.session import Session

NETWORK = """data inline:
    0, 1 -> 1
    1, 1 -> 0
    2, -1 -> 1
network [2(tanh)3(lin)1]
init glorot_uniform
loss half_mse
"""
OBJECTIVE = "objective R(x, y) = (1 - x)^2 + 5*(y - x^2)^2\ninit theta ~ normal(0, 1)\n"
VALUES = ("", "(0.1)", "(eta = 0.1)", "(lr = 0.1)", "(learning_rate = 0.1)")
"""Arguments to try where a rule has no default."""


pytestmark = pytest.mark.slow


def unknown(text: str) -> set[str]:
    """Names that a module reads and nothing defines: no import, no assignment in the function, no builtin."""
    tree = ast.parse(text)
    outside = {name for node in tree.body for name in defined(node)} | set(dir(builtins))
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            inside = {a.arg for a in node.args.args} | {
                n.id for n in names(node) if isinstance(n.ctx, ast.Store)
            }
            found |= {n.id for n in names(node) if isinstance(n.ctx, ast.Load)} - inside - outside
    return found


def names(node: ast.AST) -> list[ast.Name]:
    return [n for n in ast.walk(node) if isinstance(n, ast.Name)]


def defined(node: ast.stmt) -> set[str]:
    match node:
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return {a.asname or a.name for a in aliases}
        case ast.FunctionDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {name.id for target in targets for name in names(target)}
        case _:
            return set()


def session_of(problem: str, rule: str) -> Session | None:
    """None where the rule does not suit the problem."""
    for arguments in VALUES:
        text = f"{problem}optimizer {rule}{arguments}\ntrain epochs = 3\n"
        try:
            return opening.open_session(program_file.read_text(text, "rule.net", Path.cwd()), {})
        except SpecError:
            continue
    return None


def texts(session: Session) -> list[str]:
    program, samples = session.program, session.samples
    machine = Machine()
    targets = (Cpu(machine), Cuda(Card()))
    return [pipeline.to_text(pipeline.to_loops(program, target, samples), target) for target in targets]


@pytest.mark.parametrize("problem", [NETWORK, OBJECTIVE], ids=["network", "objective"])
def test_no_kernel_reads_a_name_that_nothing_defines(problem: str) -> None:
    rules = library.names("optimizer")
    tried = 0
    for rule in rules:
        if session := session_of(problem, rule):
            tried += 1
            for text in texts(session):
                assert not unknown(text), (rule, unknown(text))
    assert tried > 0.8 * len(rules)


def test_an_unknown_name_is_seen() -> None:
    assert unknown("from math import inf\n\ndef f(x):\n    y = x + inf\n    return y + sgn(x)\n") == {"sgn"}
