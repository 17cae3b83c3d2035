"""`netc export RUN FILE`: the trained network for other tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netc.command_line import DONE
from netc.commands.predict import EXISTING, model_of, write

if TYPE_CHECKING:
    from netc.compiler.export.model import Exported
    from netc.model import Model


@click.command("export")
@click.argument("run", type=EXISTING)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--prefix", default="netc", show_default=True, metavar="NAME", help="In front of names in C and Fortran."
)
@click.option(
    "--derivative", is_flag=True, help="C and Fortran: also the derivatives of all outputs by all inputs."
)
@click.option(
    "--number", type=click.IntRange(min=0), default=0, show_default=True, help="Which of several runs."
)
def command(run: Path, file: Path, prefix: str, derivative: bool, number: int) -> int:
    """Write the trained network of the run's folder RUN to FILE; its ending says for whom.

    \b
    .c            one C99 file: void netc_predict(const double *inputs, double *outputs)
    .f90          one Fortran 2008 module: netc_model with predict(inputs, outputs)
    .onnx         an ONNX model with the scaling inside
    .safetensors  PyTorch's state dict; the nn.Sequential that takes it is printed
    .pt           the same as torch.save writes it

    RUN may be a file that `model.save` has written. Scaling is part of what is written: inputs and outputs are in the
    units of the data.
    """
    writer = WRITERS.get(file.suffix)
    if writer is None:
        known = ", ".join(WRITERS)
        raise click.UsageError(f"'{file.name}' ends in no format that netc writes: {known}")
    if derivative and file.suffix not in (".c", ".f90"):
        raise click.UsageError("--derivative is for C and Fortran: other tools derive for themselves")
    model = model_of(run, number)
    try:
        writer(model, file, prefix, derivative)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    click.echo(str(file), err=True)
    return DONE


def _source(model: Model, file: Path, prefix: str, derivative: bool) -> None:
    from netc.compiler.export.c import c_source, valid_prefix
    from netc.compiler.export.fortran import fortran_source

    if not valid_prefix(prefix):
        raise click.UsageError(
            f"--prefix {prefix}: a name of C and Fortran has letters, digits and _, and begins with a letter"
        )
    made = c_source if file.suffix == ".c" else fortran_source
    write(file, made(_content(model), prefix, derivative).encode())


def _onnx(model: Model, file: Path, prefix: str, derivative: bool) -> None:
    from netc.runtime.export_onnx import onnx_bytes

    write(file, onnx_bytes(_content(model)))


def _pytorch(model: Model, file: Path, prefix: str, derivative: bool) -> None:
    from netc.runtime.export_torch import safetensors_bytes, sequential, state_dict, torch_bytes

    content, spec = _content(model), model._session.spec
    text = sequential(content, spec, file.name)
    made = torch_bytes if file.suffix == ".pt" else safetensors_bytes
    write(file, made(state_dict(content, spec)))
    click.echo(text, nl=False)


def _content(model: Model) -> Exported:
    from netc.runtime.export_model import exported

    return exported(model._session, model.theta, model._states)


WRITERS: dict[str, Callable[[Model, Path, str, bool], None]] = {
    ".c": _source,
    ".f90": _source,
    ".onnx": _onnx,
    ".safetensors": _pytorch,
    ".pt": _pytorch,
}
