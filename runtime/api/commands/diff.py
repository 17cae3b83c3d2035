"""`netc diff A B`: are two update rules, or two layers, the same? What differs between two files?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netc.command_line import DONE
from netc.commands.explain import checked, is_file

if TYPE_CHECKING:
    from netc.compiler.rules.witness import Witness


@click.command("diff")
@click.argument("a")
@click.argument("b")
@click.option("--why", is_flag=True, help="The argument in full, or what was tried, instead of the summary.")
@click.option("--witness", type=click.Path(dir_okay=False, path_type=Path), help="Write the gradients on which two "
              "rules part, as JSON, for `UpdateRule.trajectory`.")  # fmt: skip
def command(a: str, b: str, why: bool, witness: Path | None) -> int:
    """Compare two update rules, such as "torch.SGD(lr=0.1, momentum=0.9)", two layers, such as "torch.LSTM(8)", or two
    files by what they mean.

    Says whether they are the same, with which parameters, what breaks that, or the first difference. The exit
    status is 0 either way: a difference is an answer.
    """
    if is_file(a) != is_file(b):
        raise click.UsageError("A and B are both files or both rules")
    if is_file(a) and (why or witness):
        raise click.UsageError("--why and --witness are for two rules, not for files")
    if is_file(a):
        from netc.compiler.rules.diff import diff_text

        specs = checked(a), checked(b)
        if swept := next((what for what, spec in zip((a, b), specs, strict=True) if spec.sweep), None):
            raise click.UsageError(
                f"'{swept}' is many trainings, one for each point of its sweep: compare single ones"
            )
        click.echo(diff_text(*specs))
    elif _are_layers(a, b):
        from netc.compiler.rules.layer_verdict import diff_layers

        if why or witness:
            raise click.UsageError("--why and --witness are for two rules, not for layers")
        click.echo(diff_layers(a, b))
    else:
        from netc.compiler.rules.equivalence import equivalent

        verdict = equivalent(a, b)
        click.echo(verdict.why if why else verdict.text)
        if witness is not None:
            _write(
                verdict.witness,
                witness,
                "what they ask for tells" if not verdict.same else "no gradients tell",
            )
    return DONE


def _are_layers(a: str, b: str) -> bool:
    from netc.compiler.rules.layer_sides import is_layer

    one, other = is_layer(a), is_layer(b)
    if one != other:
        raise click.UsageError(f"'{a if one else b}' is a layer, '{b if one else a}' is none")
    return one


def _write(found: Witness | None, file: Path, why: str) -> None:
    from netc.runtime.atomic import write_text

    if found is None:
        click.echo(f"netc: no witness is written: {why} these rules apart", err=True)
        return
    try:
        write_text(file, json.dumps(found.plain, indent=1) + "\n")
    except OSError as error:
        raise click.UsageError(f"'{file}' cannot be written: {error.strerror}") from None
