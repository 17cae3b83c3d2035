"""`netc show FILE --stage NAME`: a program on its way from text to machine code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from netc.command_line import DONE
from netc.commands.options import NET_FILE

TEXT_STAGES = ("ast", "spec", "ir", "loops", "cpu", "cuda")
MACHINE_STAGES = ("llvm", "asm", "ptx")
STAGES = TEXT_STAGES + MACHINE_STAGES
FUNCTIONS = ("advance", "gradient", "loss", "predict")


@click.command("show")
@click.argument("file", type=NET_FILE)
@click.option("--stage", type=click.Choice(STAGES), default="cpu", show_default=True,
              help="The text, its meaning, the computation, loops, Python for CPU and GPU, LLVM, machine code.")  # fmt: skip
@click.option("--function", type=click.Choice(FUNCTIONS), default="advance", show_default=True,
              help="Of the kernels, for llvm and asm.")  # fmt: skip
def command(file: Path, stage: str, function: str) -> int:
    """Print a stage of FILE."""
    if stage == "ptx":
        click.echo(_ptx(file))
    else:
        click.echo(_machine_code(file, stage, function) if stage in MACHINE_STAGES else _text(file, stage))
    return DONE


def _ptx(file: Path) -> str:
    """Needs the toolkit parts of the extra, no GPU."""
    from netc.commands.run import read
    from netc.runtime import opening
    from netc.runtime.devices import cuda_types
    from netc.runtime.devices.cuda_missing import EXTRA, installed

    if not installed():
        raise click.UsageError(f"--stage ptx needs the Python package numba-cuda: {EXTRA}")
    module = opening.open_session(read(file), {}).cuda_module()
    return cuda_types.ptx(module, cuda_types.CAPABILITIES[-1]).rstrip("\n")


def _text(file: Path, stage: str) -> str:
    from netc.commands.run import read
    from netc.compiler import pipeline
    from netc.compiler.kernels.machine import Machine
    from netc.runtime import host, program_file
    from netc.runtime.data.dataset import facts

    parsed = read(file)
    data = None if stage == "ast" else program_file.read_data(parsed)
    machine = host.machine() if stage in ("loops", "cpu", "cuda") else Machine()
    known = facts(data) if data else None
    return pipeline.show(parsed.source, stage, known, parsed.folder, machine).rstrip("\n")


def _machine_code(file: Path, stage: str, function: str) -> str:
    from netc.commands.run import read
    from netc.runtime import opening
    from netc.runtime.session import compiled_without_cache

    session = opening.open_session(read(file), {})
    kernel: Any = getattr(compiled_without_cache(session), function, None)
    if kernel is None:
        raise click.UsageError(f"'{file}' is an objective: it has no '{function}'")
    own: Any = getattr(kernel, "kept", kernel)  # of a function that is called by its name
    found = own.inspect_llvm() if stage == "llvm" else own.inspect_asm()
    if not found:
        raise click.UsageError(f"training '{file}' does not call '{function}', so it has no machine code")
    return "\n".join(found.values()).rstrip("\n")
