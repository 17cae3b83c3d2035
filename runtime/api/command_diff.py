"""`netc diff A B`: are two update rules the same? What differs between two files?"""

from __future__ import annotations

import click

from netc.command_explain import checked, is_file
from netc.commands import DONE


@click.command("diff")
@click.argument("a")
@click.argument("b")
def command(a: str, b: str) -> int:
    """Compare two update rules, such as "torch.SGD(lr=0.1, momentum=0.9)", or two files by what they mean.

    Says whether they are the same, with which parameters, what breaks that, or the first difference. The exit
    status is 0 either way: a difference is an answer.
    """
    if is_file(a) != is_file(b):
        raise click.UsageError("A and B are both files or both rules")
    if is_file(a):
        from netc.compiler.rules.diff import diff_text

        click.echo(diff_text(checked(a), checked(b)))
    else:
        from netc.compiler.rules.equivalence import equivalent

        click.echo(equivalent(a, b).text)
    return DONE
