"""All definitions that a file may use: its own, those of the files it uses, those of the library."""

from __future__ import annotations

import os
from pathlib import Path

from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import Definitions, head, is_definition
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.reading import read_text
from netc.dsl.source import Source


def gather(program: ast.Program, folder: Path, report: Report) -> Definitions:
    """The program's own definitions over those of the files it uses, over the library's."""
    found = Definitions()
    for statement in program.statements:
        if isinstance(statement, ast.Use):
            _take(statement, folder, (Path(os.path.realpath(folder)),), found, report)
    for statement in program.statements:
        found.add(statement, report)
    return found


def _take(use: ast.Use, folder: Path, above: tuple[Path, ...], found: Definitions, report: Report) -> None:
    """Takes in the definitions of another file; `above`: the first file's folder, and the files that led here."""
    path = Path(os.path.realpath(folder / use.file.value))  # Path.resolve raises where links go round
    if path in above:
        way = "" if above[-1] == path else f", by way of {above[-1].name}"
        report.error("E0106", use.span, f"'{use.file.value}' uses itself{way}")
        return
    try:
        program = parse(Source(use.file.value, read_text(path, use.file.value)))
    except OSError as error:
        why = () if isinstance(error, FileNotFoundError) else (error.strerror or str(error),)
        notes = (f"looked for {path.name} in the folder of the file that uses it", *why)
        report.error("E0105", use.file.span, f"there is no readable file '{use.file.value}'", notes=notes)
        return
    except SpecError as error:
        if path.suffix == ".net" and path.is_relative_to(above[0]):
            report.diagnostics.extend(error.diagnostics)
        else:
            # Its lines are not shown: it may be anything, a file of passwords too.
            report.error("E0105", use.file.span, f"'{use.file.value}' is no file of definitions",
                         hints=(f"its errors: netc check {path}",) if path.suffix == ".net" else ())  # fmt: skip
        return
    for statement in program.statements:
        if isinstance(statement, ast.Use):
            _take(statement, path.parent, (*above, path), found, report)
        elif is_definition(statement):
            found.add(statement, report)
        else:
            report.error(
                "E0107",
                head(statement),
                "a file that is used may hold definitions only",
                related=((use.span, "used here"),),
            )
