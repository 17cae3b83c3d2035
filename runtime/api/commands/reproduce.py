"""`netc reproduce FILE-or-FOLDER...`: runs what has an `expect`, and says whether it holds."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netc.command_line import DONE, INTERRUPTED, NOT_AS_EXPECTED, WRONG_DATA, WRONG_FILE, status_of
from netc.commands.options import FOLDER, lanes, overrides, training_options
from netc.dsl.visible import visible
from netc.terminal import counted, paint
from netc.verdicts import COLOURS, Table

if TYPE_CHECKING:
    from netc.runtime.finder import FinderResult
    from netc.runtime.program_file import File
    from netc.runtime.results.result import Result
    from netc.runtime.results.sweep_result import SweepResult
    from netc.runtime.results.verdict import Verdict

FETCHED = "E0606"
PACKAGED = "E0605"
NOTES = {"error": "has an error", "data": "has unfit data"}
"""What is said of a file with this status, where that is not the status itself."""


@click.command("reproduce")
@click.argument("paths", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
@training_options
@click.option("--slow", is_flag=True, help="Also files whose train statement says `slow = true`.")
@click.option("--out", type=FOLDER, help="Keep the folder of each run here; by default none is kept.")
def command(
    paths: tuple[Path, ...], slow: bool, out: Path | None, as_json: bool, quiet: bool, **options: Any
) -> int:
    """Run the files and judge each `expect` in them.

    Of a folder, all .net files in it and below. For each figure: what the paper says, what came out here, and
    whether it is reproduced, differs from the paper as the file states, or FAILED, which gives the exit status 5.

    Files whose data are not on this machine, and slow ones, are no failures: they are listed with the command that
    runs them. Ctrl-C ends with what was judged so far.
    """
    changed, width = overrides(options), lanes(options)
    judged: list[_Judged] = []
    show = Table() if not as_json else None
    for file in _files(paths):
        if not quiet:
            click.echo(paint(visible(str(file)), dim=True), err=True)
        try:
            judged.append(_judge(file, changed, slow, out, width))
        except KeyboardInterrupt:
            judged.append(_Judged(file, "interrupted"))
        if show and judged[-1].status != "no expect":
            click.echo("\n".join(show.block(_heading(judged[-1]), judged[-1].verdicts)))
            sys.stdout.flush()  # a verdict that is there outlives all that comes
        if judged[-1].status == "interrupted":
            break
    if as_json:
        click.echo(json.dumps({"files": [one.plain() for one in judged], "holds": _status(judged) == DONE}))
    else:
        click.echo("\n".join(_sums(judged)))
    return _status(judged)


@dataclass(frozen=True)
class _Judged:
    """A file and what came of it.

    status   judged | no expect | slow | needs data | error | data | interrupted
    """

    file: Path
    status: str
    verdicts: tuple[Verdict, ...] = ()
    words: str = ""

    def plain(self) -> dict[str, Any]:
        expect = [v.plain for v in self.verdicts]
        content = {"file": str(self.file), "status": self.status, "expect": expect, "note": self.words}
        return {key: value for key, value in content.items() if value}


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob("*.net"))
        else:
            yield path


def _judge(file: Path, changed: dict[str, str | float], slow: bool, out: Path | None, lanes: int) -> _Judged:
    from netc.commands.run import read
    from netc.dsl import ast
    from netc.dsl.diagnostics import SpecError

    try:
        parsed = read(file)
        if not any(isinstance(s, ast.Expect) for s in parsed.program.statements):
            return _Judged(file, "no expect")
        if _is_slow(parsed.program) and not slow:
            return _Judged(file, "slow", words="run with --slow")
        result = _trained(parsed, changed, out, lanes)
    except SpecError as error:
        codes = {d.code for d in error.diagnostics}
        if codes <= {FETCHED, PACKAGED}:
            return _Judged(file, "needs data", words="; ".join(h for d in error.diagnostics for h in d.hints))
        click.echo(f"{error}\n", err=True)
        return _Judged(file, "error" if status_of(error) == WRONG_FILE else "data")
    if result.interrupted:
        return _Judged(file, "interrupted")
    return _Judged(file, "judged", result.expect)


def _is_slow(program: Any) -> bool:
    from netc.dsl import ast

    settings = [s for t in program.statements if isinstance(t, ast.Train) for s in t.settings]
    return any(s.name == "slow" and s.value == ast.Name("true") for s in settings)


def _trained(
    file: File, changed: dict[str, str | float], out: Path | None, lanes: int
) -> Result | SweepResult | FinderResult:
    from netc.kept_run import keep
    from netc.runtime.opening import open_session
    from netc.runtime.training.task import Watcher

    session = open_session(file, changed, lanes=lanes)
    if session.spec.finder is not None:
        from netc.runtime import finder

        return finder.run(session)
    if session.spec.sweep is not None:
        from netc import sweep_run
        from netc.runtime import sweep

        return (
            sweep.run(session, changed)
            if out is None
            else sweep_run.run(sweep_run.begin(session, changed, out, quiet=True))
        )
    _, result = session.train(Watcher())
    result = replace(result, file=file.source.name, expect=session.verdicts(result))
    if out is not None:
        keep(session, changed, out, result)
    return result


def _sums(judged: list[_Judged]) -> Iterator[str]:
    """What was left out, and how many figures there are of each kind."""
    yield ""
    words: list[str] = [v.words for one in judged for v in one.verdicts]
    parts = ", ".join(f"{count} {word}" for word in COLOURS if (count := words.count(word)))
    parts = f": {parts}".replace(" differs ", " differ ") if parts else ""
    yield f"{counted(len(words), 'figure')}{parts}"
    for status in ("slow", "needs data", "error", "data", "interrupted"):
        if count := sum(one.status == status for one in judged):
            yield f"{counted(count, 'file')}: {NOTES.get(status, status)}"


def _heading(one: _Judged) -> str:
    note = {"judged": ""}.get(one.status, NOTES.get(one.status, one.status))
    note = ": ".join(part for part in (note, one.words) if part)
    return f"{paint(visible(str(one.file)), bold=True)}  {note}".rstrip()


def _status(judged: list[_Judged]) -> int:
    kinds = {one.status for one in judged}
    for kind, status in (("interrupted", INTERRUPTED), ("error", WRONG_FILE), ("data", WRONG_DATA)):
        if kind in kinds:
            return status
    return DONE if all(v.holds for one in judged for v in one.verdicts) else NOT_AS_EXPECTED
