"""The command `netc`: which commands there are, what each exit status means, and what is said when all fails.

Every command lives in a module of its own and is imported when it is called, so that `netc --help` is quick.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import click

from netc.dsl.visible import visible

if TYPE_CHECKING:
    from netc.dsl.diagnostics import SpecError
    from netc.runtime.interrupt import Unlost

DONE, WRONG_FILE, WRONG_USE, WRONG_DATA, BROKEN_OFF, NOT_AS_EXPECTED = range(6)
INTERRUPTED = 130
COMPLETING = "_NETC_COMPLETE"
"""Set by the shell that asks for completions."""
UNFIT_FOR_A_MODEL = {"E0720", "E0721", "E0722", "E0723"}
"""Tables that `netc predict` cannot read."""
DEFECT = 70
"""Of netc itself (EX_SOFTWARE of sysexits.h)."""

COMMANDS = {
    "run": ("netc.commands.run", "Train what a file says."),
    "check": ("netc.commands.check", "Find the errors in files; run nothing."),
    "reproduce": ("netc.commands.reproduce", "Run files and judge what they expect."),
    "replay": ("netc.commands.replay", "Run again what a run's folder holds; are the bits the same?"),
    "predict": ("netc.commands.predict", "Predict a table with the model of a run."),
    "judge": ("netc.commands.judge", "How good is the model of a run, and on which samples?"),
    "export": ("netc.commands.export", "Write the network of a run for other tools: C, Fortran, ..."),
    "bench": ("netc.commands.bench", "What an iteration takes; beside PyTorch and JAX."),
    "plot": ("netc.commands.plot", "Draw pictures of runs."),
    "report": ("netc.commands.report", "One HTML file that tells of runs to somebody else."),
    "play": ("netc.commands.play", "Training as it happens: a local page with sliders."),
    "show": ("netc.commands.show", "Print a stage on the way from text to machine code."),
    "fmt": ("netc.commands.fmt", "Bring files into canonical layout."),
    "list": ("netc.commands.list", "What netc knows: activations, losses, rules, data sets, ..."),
    "explain": ("netc.commands.explain", "What an update rule does; the story behind an error's code."),
    "diff": ("netc.commands.diff", "Are two update rules, or two files, the same?"),
    "examples": ("netc.commands.examples", "Copy the examples beside you."),
    "lsp": ("netc.commands.lsp", "The language server, for editors."),
    "data": ("netc.commands.data", "Data sets: list them, fetch them."),
    "cache": ("netc.commands.cache", "The compiled kernels on disk."),
    "completion": ("netc.commands.completion", "Completion of commands in your shell."),
}


class _Lazy(click.Group):
    """Knows the names and one-line helps of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            if not close:
                raise
            message = f"There is no command '{args[0]}'. Did you mean '{close[0]}'?"
            raise click.UsageError(message, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


def _print_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from netc import __version__

        click.echo(f"netc {__version__}")
        ctx.exit()


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version,
              help="Print the version and exit.")  # fmt: skip
def cli() -> None:
    """Small neural networks and their optimizers, from a file that reads like the paper.

    Start with `netc examples`, then `netc run examples/boston.net`. Results go to standard output, messages to standard
    error.

    Exit status: 0 done; 1 the file has an error; 2 wrong usage; 3 data missing or unfit; 4 every run
    diverged or met what it cannot go on with; 5 an expectation failed; 130 interrupted, with a checkpoint written.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line (by default that of the process) and returns its exit status."""
    import signal

    from netc.runtime.interrupt import Unlost, handled_by, raise_interrupt

    _prepare_streams()
    before = handled_by(raise_interrupt)
    try:
        with Unlost() as interrupt:
            return _run(arguments, interrupt)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(arguments: Sequence[str] | None, interrupt: Unlost) -> int:
    from netc.dsl.diagnostics import SpecError

    try:
        if COMPLETING in os.environ:
            cli.main(prog_name="netc", complete_var=COMPLETING)
        given = list(sys.argv[1:] if arguments is None else arguments)
        # Not cli.main: that takes a closed pipe for an error with status 1.
        with cli.make_context("netc", given) as context:
            status = cli.invoke(context)
        sys.stdout.flush()
        return status if isinstance(status, int) else DONE
    except click.exceptions.Exit as exit:
        return exit.exit_code
    except click.ClickException as error:
        _show(error)
        return error.exit_code
    except SpecError as error:
        click.echo(str(error), err=True)
        return status_of(error)
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except BrokenPipeError:
        _close_output()  # the reader (head, less) has seen enough
        return DONE
    except MemoryError as error:
        click.echo(f"netc: the memory of this machine is too small for that: {error}", err=True)
        return WRONG_FILE
    except Exception as error:
        if interrupt.met:
            return _interrupted()
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            _close_output()
            where = error.filename or "the output"
            click.echo(f"netc: cannot write {where}: {error.strerror}", err=True)
            return WRONG_USE
        return defect(error)


def _show(error: click.ClickException) -> None:
    """As click does; names of files may hold anything."""
    shown, stream = io.StringIO(), sys.stderr
    error.show(shown)
    click.echo("\n".join(map(visible, shown.getvalue().rstrip().splitlines())), file=stream)


def _interrupted() -> int:
    with suppress(OSError):  # the terminal may be gone
        click.echo("netc: interrupted", err=True)
    return INTERRUPTED


def _prepare_streams() -> None:
    """A closed stream takes everything; a Greek letter on a terminal without one is no reason to fail."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        with suppress(AttributeError):
            getattr(sys, name).reconfigure(errors="replace")


def _close_output() -> None:
    """What Python still wants to flush goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def status_of(error: SpecError) -> int:
    """Data are to blame if nothing else is."""
    of_data = all(d.code.startswith("E06") or d.code in UNFIT_FOR_A_MODEL for d in error.diagnostics)
    return WRONG_DATA if of_data else WRONG_FILE


def defect(error: Exception) -> int:
    if os.environ.get("NETC_DEBUG"):
        import traceback

        traceback.print_exception(error)
    from netc import __version__

    what = f"netc: this is a defect of netc {__version__}: {type(error).__name__}: {error}"
    asked = "Please report it with the file and the command; NETC_DEBUG=1 shows where it happened."
    click.echo(f"{what}\n{asked}", err=True)
    return DEFECT
