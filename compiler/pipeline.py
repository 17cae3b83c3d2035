"""The compiler, one line a stage: text -> ast -> spec -> ir -> loops -> kernels as text. Runs nothing.

A stage is imported where it is asked for: a check needs no kernels, and one that asks for no warnings no comparison of
rules.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from netc.compiler.check import program as check
from netc.dsl.parser import parse

if TYPE_CHECKING:
    from netc.compiler.calculus import ir
    from netc.compiler.check.training.overrides import Overrides
    from netc.compiler.kernels import loops
    from netc.compiler.kernels.machine import Machine
    from netc.compiler.kernels.target import Target
    from netc.compiler.meaning import spec
    from netc.dsl import ast
    from netc.dsl.diagnostics import Diagnostic
    from netc.dsl.source import Source

STAGES = ("ast", "spec", "ir", "loops", "cpu", "cuda")
"""What `netc show` can print without running anything, in order."""


def to_ast(source: Source) -> ast.Program:
    return parse(source)


def to_data_spec(program: ast.Program, folder: Path) -> spec.DataSpec:
    return check.data_spec(program, folder)


def to_spec(
    program: ast.Program, facts: spec.Facts | None, folder: Path, overrides: Overrides | None = None
) -> spec.Spec:
    return check.check(program, facts, folder, overrides)


def to_warnings(checked: spec.Spec) -> tuple[Diagnostic, ...]:
    """What the check found that is no error, and what is unlikely to be meant in the rule."""
    from netc.compiler.rules import warnings_of_rules as warn

    return checked.warnings + warn.warnings(checked)


def to_ir(checked: spec.Spec) -> ir.Program:
    from netc.compiler.lower import program as lower

    return lower.lower(checked)


def to_loops(program: ir.Program, target: Target, samples: int) -> loops.Module:
    from netc.compiler.calculus.norms import written_out

    return target.schedule(written_out(program), samples)


def to_text(module: loops.Module, target: Target) -> str:
    from netc.compiler.kernels import emit

    return emit.emit(module, target.spelling(module))


def show(source: Source, stage: str, facts: spec.Facts | None, folder: Path, machine: Machine) -> str:
    """A stage as text, for `netc show`."""
    from netc.compiler import show_ir
    from netc.compiler.explain_layers import as_comment
    from netc.compiler.kernels import emit
    from netc.compiler.kernels.cuda.plan import Card
    from netc.compiler.meaning.spec_text import spec_text
    from netc.compiler.show import show_tree

    program = to_ast(source)
    if stage == "ast":
        return show_tree(program)
    checked = to_spec(program, facts, folder)
    if stage == "spec":
        return spec_text(checked) + (as_comment(checked) if checked.network else "")
    lowered = to_ir(checked)
    if stage == "ir":
        return show_ir.show(lowered)
    from netc.compiler.kernels.cpu.target import Cpu
    from netc.compiler.kernels.cuda.target import Cuda

    samples = facts.samples if facts else 1
    target: Target = Cuda(Card()) if stage == "cuda" else Cpu(machine)
    module = to_loops(lowered, target, samples)
    return emit.emit(module, emit.PLAIN) if stage == "loops" else to_text(module, target)
