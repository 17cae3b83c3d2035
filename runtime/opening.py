"""From a file to a session: everything that can be checked before training."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from netc.compiler.meaning.inside import FISHER, LAWS, NO_LAW, parts_of
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.walks import walk
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.validation import require_judged
from netc.runtime.program_file import File, Overrides, check, read_data
from netc.runtime.session import Session


def open_session(file: File, overrides: Overrides, data: Dataset | None = None, lanes: int = 0) -> Session:
    """Checks everything that can be checked before training, with the file's data or the given ones."""
    data = data or read_data(file)
    session = Session(file, check(file, data, overrides), data, lanes=lanes)
    _check_weights(session)
    if any(f.figure in FISHER for shown in session.spec.monitor.shown for f in parts_of(shown.inside)):
        _require_law(session)
    if session.data is None and session.spec.objective is None:
        return session
    if any(shown.attacked for shown in session.spec.monitor.shown):
        from netc.runtime.attacks import monitored

        monitored(session)  # are they there?
    if session.data is not None:
        warnings = session.require_fit()
        session = replace(session, spec=replace(session.spec, warnings=(*session.spec.warnings, *warnings)))
    _require_metric(session)
    session = _with_phases_checked(session) if session.spec.phases else _with_judges_checked(session)
    if session.spec.ensemble is not None:
        _require_voters(session)
    if session.spec.sweep is not None:
        from netc.runtime import sweep

        _, warnings = sweep.figure_of(session)
        session = replace(session, spec=replace(session.spec, warnings=(*session.spec.warnings, *warnings)))
    return _with_expectations_checked(session, overrides) if session.spec.expectations else session


def _require_metric(session: Session) -> None:
    """SpecError where `monitor` asks for an accuracy of numbers, or for r2 of classes: no report has it."""
    has = session.metric.kind if session.metric else ""
    asked = (f for s in session.statements if isinstance(s, ast.Monitor) for f in s.figures)
    for figure in asked:
        if isinstance(figure, ast.Name) and figure.id in ("accuracy", "r2") and figure.id != has:
            message = f"'monitor' asks for {figure.id}, and this training has none: monitor {has or 'loss'}"
            raise SpecError([Diagnostic("E0905", message, figure.span)])


def _require_voters(session: Session) -> None:
    """SpecError where members of an ensemble would vote for numbers, or folds have no common part to be judged on."""
    if session.spec.ensemble and session.spec.ensemble.folds and "test" not in session.parts:
        span = next(s.span for s in session.statements if isinstance(s, ast.Ensemble))
        message = (
            "an ensemble of folds is judged on samples that no fold has trained on, and there is no test part"
        )
        raise SpecError([Diagnostic("E0477", message, span, hints=("data ..., split = 80%, folds = 5",))])
    kind = session.metric.kind if session.metric else "accuracy"
    if session.spec.ensemble and session.spec.ensemble.by == "vote" and kind != "accuracy":
        span = next(s.span for s in session.statements if isinstance(s, ast.Ensemble))
        message = "votes are for classes, and the target is a number"
        raise SpecError([Diagnostic("E0452", message, span, hints=("by = mean",))])


def _require_law(session: Session) -> None:
    """SpecError where `monitor` asks for Fisher information that there is not."""
    if not session.has_law():
        calls = [node for s in session.statements if isinstance(s, ast.Monitor) for node in walk(s)]
        asked = next(c for c in calls if isinstance(c, ast.Call) and getattr(c.function, "id", "") in FISHER)
        raise SpecError([Diagnostic("E0466", NO_LAW, asked.span, hints=LAWS)])


def _with_phases_checked(session: Session) -> Session:
    """Each is checked with its own data; what is scaled is scaled as in the first one."""
    from netc.runtime.phase_plan import legs_of

    first, warnings = session.phases[0], [w for s in session.phases for w in s.spec.warnings]
    spec = replace(session.spec, warnings=tuple(dict.fromkeys((*session.spec.warnings, *warnings))))
    phases, session = session.phases, replace(session, spec=spec)
    if first.data is not session.data and first.known is not None:
        session = session.scaled_as(first.known)
    vars(session)["phases"] = phases
    legs_of(session)
    return session


def _with_judges_checked(session: Session) -> Session:
    """SpecError where `keep` or `stop` judge by what is not there; with a warning where they choose by the test part."""
    kind = session.metric.kind if session.metric else ""
    warnings = require_judged(session.spec.training, session.parts, kind, session.statements)
    if not warnings:
        return session
    return replace(session, spec=replace(session.spec, warnings=(*session.spec.warnings, *warnings)))


def _with_expectations_checked(session: Session, overrides: Overrides) -> Session:
    from netc.runtime.results.expect import judge
    from netc.runtime.results.expect_names import blank_scope

    if session.spec.finder is not None:
        from netc.runtime import finder

        finder.blank(session)
        return session
    if session.spec.sweep is not None:
        from netc.runtime import sweep

        judge(session.spec.expectations, sweep.blank_scope(session))
        return session

    if "runs" in overrides:
        session = _without_figures_of_one_run(session)
    judge(session.spec.expectations, blank_scope(session))
    return session


def _without_figures_of_one_run(session: Session) -> Session:
    """A number of runs from outside the file: an `expect` about one run is set aside, with a warning."""
    from netc.runtime.results.expect import judge
    from netc.runtime.results.expect_names import blank_scope

    kept, warnings = [], list(session.spec.warnings)
    for expectation in session.spec.expectations:
        try:
            judge([expectation], blank_scope(session))
        except SpecError as error:
            if all(d.code == "E0701" for d in error.diagnostics):
                warnings += [replace(d, severity="warning") for d in error.diagnostics]
                continue
        kept.append(expectation)
    return replace(session, spec=replace(session.spec, expectations=tuple(kept), warnings=tuple(warnings)))


def _check_weights(session: Session) -> None:
    """Of `init from "weights.safetensors"`: they must be there and fit."""
    if not session.spec.init.file and not session.spec.init.files:
        return
    from netc.runtime.training.weights_file import held_in, weights_of

    problem, starts = session.program.problem, session.program.starts
    texts = [s.file for s in session.file.program.statements if isinstance(s, ast.Init) and s.file]
    for text in texts:
        path = os.path.realpath(session.file.folder / text.value)
        try:
            if starts.file:
                weights_of(problem, starts.file)
            for held in (h for h in starts.held if h.path == path):
                held_in(problem, held)
        except ValueError as error:
            message = f"training cannot start from '{Path(path).name}': {error}"
            raise SpecError([Diagnostic("E0690", message, text.span)]) from None
