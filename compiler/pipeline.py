"""The compiler, one line a stage: text -> ast -> spec -> ir -> loops -> kernels as text. Runs nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from netc.compiler import show_ir
from netc.compiler.calculus import ir
from netc.compiler.calculus.norms import written_out
from netc.compiler.check import program as check
from netc.compiler.kernels import emit, loops
from netc.compiler.kernels.cpu.target import Cpu
from netc.compiler.kernels.cuda.plan import Card
from netc.compiler.kernels.cuda.target import Cuda
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.target import Target
from netc.compiler.lower import program as lower
from netc.compiler.meaning import spec
from netc.compiler.meaning.spec_text import spec_text
from netc.compiler.rules import warnings_of_rules as warn
from netc.compiler.show import show_tree
from netc.dsl import ast
from netc.dsl.parser import parse
from netc.dsl.source import Source

STAGES = ("ast", "spec", "ir", "loops", "cpu", "cuda")
"""What `netc show` can print without running anything, in order."""


def to_ast(source: Source) -> ast.Program:
    return parse(source)


def to_data_spec(program: ast.Program, folder: Path) -> spec.DataSpec:
    return check.data_spec(program, folder)


def to_spec(
    program: ast.Program, facts: spec.Facts | None, folder: Path, overrides: check.Overrides | None = None
) -> spec.Spec:
    checked = check.check(program, facts, folder, overrides)
    return replace(checked, warnings=checked.warnings + warn.warnings(checked))


def to_ir(checked: spec.Spec) -> ir.Program:
    return lower.lower(checked)


def to_loops(program: ir.Program, target: Target, samples: int) -> loops.Module:
    return target.schedule(written_out(program), samples)


def to_text(module: loops.Module, target: Target) -> str:
    return emit.emit(module, target.spelling(module))


def show(source: Source, stage: str, facts: spec.Facts | None, folder: Path, machine: Machine) -> str:
    """A stage as text, for `netc show`."""
    program = to_ast(source)
    if stage == "ast":
        return show_tree(program)
    checked = to_spec(program, facts, folder)
    if stage == "spec":
        return spec_text(checked)
    lowered = to_ir(checked)
    if stage == "ir":
        return show_ir.show(lowered)
    samples = facts.samples if facts else 1
    target: Target = Cuda(Card()) if stage == "cuda" else Cpu(machine)
    module = to_loops(lowered, target, samples)
    return emit.emit(module, emit.PLAIN) if stage == "loops" else to_text(module, target)
