"""The folds of a sweep's best point that answer together, read back from the folder of the sweep. Trains nothing."""

from __future__ import annotations

from pathlib import Path

from netc.compiler.check.several.ensemble import check_fold_ensemble
from netc.compiler.check.several.sweep import read_sweep
from netc.compiler.check.several.sweep_point import with_folds
from netc.compiler.meaning.findings import Report
from netc.dsl.diagnostics import SpecError
from netc.dsl.printer import print_expr
from netc.dsl.reading import read_text
from netc.runtime import saved
from netc.runtime.fold_ensemble import Folds
from netc.runtime.program_file import read_text as parsed
from netc.runtime.results.folder_reader import Unreadable
from netc.runtime.sweep import points_of


def read(path: Path, number: int) -> tuple[saved.Saved, Folds]:
    """The first of the folds, and all of them, of the run with this number. Raises OSError, Unreadable."""
    best = saved.best_point(path)
    if best is None:
        raise Unreadable(f"'{path}' is the folder of a sweep that has not ended: netc run --resume {path}")
    try:
        program = with_folds(parsed(read_text(path / "spec.net"), str(path / "spec.net"), path).program)
        report = Report()
        sweep = read_sweep(program, {}, report)
        spec = check_fold_ensemble(program, sweep, report) if sweep else None
        report.finish()
    except SpecError as error:
        raise Unreadable(f"'{path}' is damaged: {str(error).splitlines()[0]}") from None
    if sweep is None or spec is None:
        raise Unreadable(f"the file of '{path}' has no 'ensemble folds'")
    others = [place for place, axis in enumerate(sweep.axes) if axis.name != "fold"]
    values = {
        at: [print_expr(point[place]) for place in others]
        for at, point in enumerate(points_of(sweep), start=1)
    }
    members = [
        saved.read(path / "points" / f"{at:05d}") for at, these in values.items() if these == values[best]
    ]
    if not 0 <= number < len(members[0].theta):
        raise Unreadable(f"there is no run {number}: '{path}' has {len(members[0].theta)}, counted from 0")
    ends = [(member.theta[number], member.states[number]) for member in members]
    return members[0], Folds(spec, [member.session for member in members], ends)
