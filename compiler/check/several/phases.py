"""`phase`: parts of a training, one after the other, each the file with some of its settings replaced.

What a phase may replace is what a sweep may (`sweep_point.py`), and the data; what cannot change is what the phases hand
on: the network, the number of runs, the precision. Trains nothing (`runtime/phases.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from netc.compiler.check.data.data import SETTINGS as DATA
from netc.compiler.check.parts.settings import Unfit, name_span, truth, whole
from netc.compiler.check.parts.statements import Statements
from netc.compiler.check.several.ensemble import check_ensemble
from netc.compiler.check.several.phase_arrays import frozen_in, require_same, tensors_of
from netc.compiler.check.several.sweep_axes import kind_of
from netc.compiler.check.several.sweep_point import Changed, data_of, with_name, with_use
from netc.compiler.check.several.sweep_values import is_of_rule, tells_of
from netc.compiler.check.training.expect import check_expectations
from netc.compiler.check.training.overrides import FROM_OUTSIDE, Overrides, apply_overrides, unknown
from netc.compiler.check.training.train import SETTINGS as TRAIN
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.resolve_values import NotANumber
from netc.compiler.meaning.spec import PARTS, Phase, Spec
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.names import did_you_mean
from netc.dsl.words.vocabulary import setting_meant

OWN = ("data", "freeze", "restart", "times")
"""Settings that only a phase has."""
SHARED = ("precision", "seed", "runs", "threads", "target", "slow", "init")
"""What is the same in all phases."""
HINTS = {
    "init": "a start is that of the first phase",
    "target": "the column is said in 'data', the processor in 'train': target = ...",
}
"""Of those of them that are not said in `train`."""
ENDS = ("epochs", "steps")
NO_PARAMETER = "what a file calls by a name is no parameter of the rule"
MOST = 1000
"""Phases of a training."""
At = Callable[[ast.Program, Changed, bool], Spec]


def check_phases(program: ast.Program, overrides: Overrides, at: At) -> Spec:
    """The spec of the last phase, with all of them.

    `at` checks a phase: its program, what is set in its rule, and whether it has the data of the last. Raises SpecError.
    """
    report = Report()
    program = with_overrides(program, overrides, report)
    phases = read_phases(program, report)
    report.finish()
    phases = tuple(_placed(phase, program, at, report) for phase in phases)
    report.finish()
    last = data_of(at_phase(program, phases[-1])[0])
    specs = [_checked(program, phase, last, at, report) for phase in phases]
    report.finish()
    found = [spec for spec in specs if spec is not None]
    for phase, spec in zip(phases, found, strict=True):
        require_same(phase, tensors_of(spec), phases[0], tensors_of(found[0]), report)
    frozen = tuple(frozen_in(phase, spec, report) for phase, spec in zip(phases, found, strict=True))
    expectations = check_expectations(program, report)
    names = [phase.name for phase in phases]
    ensemble = check_ensemble(program, found[-1].training.runs, names, report)
    report.finish()
    warnings = tuple(dict.fromkeys(w for spec in found for w in spec.warnings))
    return replace(
        found[-1],
        program=program,
        ensemble=ensemble,
        phases=frozen,
        expectations=expectations,
        warnings=warnings,
    )


def at_its_phase(error: SpecError, settings: tuple[ast.Setting, ...], name: str) -> SpecError:
    """What is wrong with the data of a phase of these settings: beside a place in the statement `data` it says so."""
    places = [s.span for s in settings if s.name == "data" or s.name in DATA]

    def told(found: Diagnostic) -> Diagnostic:
        near = [found.span, *(span for span, _ in found.related)]
        there = any(p.start <= at.start < p.end for p in places for at in near)
        if there or not places or not found.code.startswith("E06"):
            return found
        return replace(found, related=(*found.related, (places[0], f"the data of the phase '{name}'")))

    return type(error)(told(d) for d in error.diagnostics)


def last_phase(program: ast.Program) -> ast.Program:
    """The file in its last phase; as it is where there are none, or wrong ones."""
    report = Report()
    phases = read_phases(program, report)
    return at_phase(program, phases[-1])[0] if phases and not report.errors else program


def with_overrides(program: ast.Program, overrides: Overrides, report: Report) -> ast.Program:
    """What is set from outside holds in every phase, also where the phase says something else."""
    train = [s for s in program.statements if isinstance(s, ast.Train)]
    if not train:
        first = next(s for s in program.statements if isinstance(s, ast.Phase))
        program = replace(program, statements=(*program.statements, ast.Train((), span=first.span)))
    program, of_rule = apply_overrides(program, overrides, report)
    gone = {*overrides} | ({*ENDS} if {*ENDS} & {*overrides} else set())

    trained = (s for t in program.statements if isinstance(t, ast.Train) for s in t.settings)
    outside = tuple(s for s in trained if s.name in overrides)

    def phase(statement: ast.Statement) -> ast.Statement:
        if not isinstance(statement, ast.Phase):
            return statement
        kept = [s for s in statement.settings if s.name not in gone]
        # A phase says at least what is set from outside: without a setting it would have no text.
        return replace(statement, settings=(*kept, *of_rule.values()) if kept or of_rule else outside)

    return replace(program, statements=tuple(map(phase, program.statements)))


# -- the statement -----------------------------------------------------------------------------------


def read_phases(program: ast.Program, report: Report) -> tuple[Phase, ...]:
    statements = [s for s in program.statements if isinstance(s, ast.Phase)]
    train = next((s for s in program.statements if isinstance(s, ast.Train)), ast.Train(()))
    bounded = any(s.name in ENDS for s in train.settings)
    phases = [phase for s in statements for phase in _read(s, program, bounded, report)]
    seen: dict[str, Phase] = {}
    for phase in phases:
        if phase.name in seen:
            related = ((seen[phase.name].span, "first here"),)
            report.error("E0449", phase.span, f"there are two phases '{phase.name}'", related=related)
        seen.setdefault(phase.name, phase)
    if len(phases) > MOST:
        report.error("E0449", phases[0].span, f"{len(phases)} phases; a training has at most {MOST}")
    return tuple(phases)


def _read(statement: ast.Phase, program: ast.Program, bounded: bool, report: Report) -> Iterator[Phase]:
    """One, or as many as `times` says, named by their numbers."""
    given = {s.name: s for s in statement.settings}
    span = head(statement)
    if statement.name in (*PARTS, "ensemble"):
        message = f"no phase can be called '{statement.name}': in an 'expect' that has another meaning"
        report.error("E0449", span, message, hints=("phase fine: epochs = 20",))
    for setting in statement.settings:
        _require_changeable(setting, given[setting.name], program, report)
    if not bounded and not {*ENDS} & {*given}:
        message = f"the phase '{statement.name}' has no end: neither it nor 'train' says how long it lasts"
        near = [hint for s in statement.settings for hint in did_you_mean(s.name, ENDS)]
        report.error("E0511", span, message, hints=(*near, "add 'epochs = 20'"))
    times, restart = _number(given, "times", report), _truth(given, "restart", report)
    settings = tuple(s for s in statement.settings if s.name not in ("times", "restart"))
    if "times" not in given:
        yield Phase(statement.name, settings, restart, span=span)
        return
    for number in range(1, min(times, MOST + 1) + 1):
        yield Phase(f"{statement.name}{number}", settings, restart, span=span)


def _require_changeable(
    setting: ast.Setting, last: ast.Setting, program: ast.Program, report: Report
) -> None:
    name, where = setting.name, name_span(setting)
    if setting is not last:
        report.error("E0506", where, f"'{name}' is set twice")
    if name in SHARED:
        message = f"'{name}' is the same in all phases"
        hint = HINTS.get(name, f"say it in 'train': {name} = ...")
        report.error("E0447", where, message, hints=(hint,))
    elif name in DATA and data_of(program) is None:
        report.error("E0447", where, f"'{name}' is about data, and the file has no 'data'")
    elif name == "data" and not isinstance(data_of(program), ast.Data):
        report.error("E0447", where, "the file has no 'data' whose samples could be replaced")


def _number(given: dict[str, ast.Setting], name: str, report: Report) -> int:
    if name not in given:
        return 1
    value = given[name].value
    try:
        return whole(1)(value)
    except (Unfit, NotANumber):
        report.error("E0447", value.span, "'times' is how often the phase is gone through: a whole number")
    return 1


def _truth(given: dict[str, ast.Setting], name: str, report: Report) -> bool:
    if name not in given:
        return False
    try:
        return truth(given[name].value)
    except Unfit as error:
        report.error("E0447", given[name].value.span, f"'{name}': {error.wanted}")
    return False


# -- a phase -----------------------------------------------------------------------------------------


def at_phase(program: ast.Program, phase: Phase) -> tuple[ast.Program, Changed]:
    """The file in this phase, and what is set in its rule. It claims nothing: what the file expects is about the end."""
    statements: list[ast.Statement] = [
        s for s in program.statements if not isinstance(s, ast.Phase | ast.Ensemble | ast.Expect)
    ]
    if not any(isinstance(s, ast.Train) for s in statements):
        statements.append(ast.Train((), span=phase.span))
    changed: Changed = {}
    for setting in phase.settings:
        name, value = setting.name, setting.value
        if name in OWN:
            statements = [_with_data(s, value) if name == "data" else s for s in statements]
        elif name in TRAIN:
            gone = ENDS if name in ENDS and not {*ENDS} <= {s.name for s in phase.settings} else (name,)
            statements = [_with_setting(s, ast.Train, setting, gone) for s in statements]
        elif name in DATA:
            statements = [_with_setting(s, ast.Data, setting, (name,)) for s in statements]
        elif (kind := kind_of(name, program)) == "statement":
            statements = with_use(statements, name, value)
        elif kind == "name" and name not in phase.of_rule:
            statements = [with_name(s, name, value) for s in statements]
        else:
            changed[name] = value
    return ast.Program(tuple(statements), span=program.span), changed


def _placed(phase: Phase, program: ast.Program, at: At, report: Report) -> Phase:
    """A name that is a parameter of the rule is that, also where a schedule or a criterion reads it."""
    scheduled = Statements(program, report).scheduled
    for setting in phase.settings:
        name, where = setting.name, name_span(setting)
        if name in (*OWN, *TRAIN, *DATA) or kind_of(name, program) != "name":
            continue
        tried = replace(phase, of_rule=(*phase.of_rule, name))
        if is_of_rule(name, where, program, at_phase(program, tried), at, report):
            phase = tried
        elif where.source.name == FROM_OUTSIDE:
            message, hints = unknown(name, [], scheduled)
            found = Diagnostic("E0512", message, setting.span, hints=hints or (NO_PARAMETER,))
            report.diagnostics += [found] if found not in report.diagnostics else []
        elif name in scheduled:
            message = f"'{name}' is a number of layers that follows a schedule, and phases go on with it"
            report.error("E0447", where, message, hints=(f"schedule {name} = 0.5 until 10, 0.2",))
    return phase


def _with_data(statement: ast.Statement, value: ast.Expr) -> ast.Statement:
    """Another source, read as the one in the file is."""
    if not isinstance(statement, ast.Data):
        return statement
    sources = value.items if isinstance(value, ast.Tuple) else (value,)
    return replace(statement, sources=sources, outputs=None, rows=(), span=value.span)


def _with_setting(
    statement: ast.Statement, kind: type[ast.Train | ast.Data], setting: ast.Setting, gone: tuple[str, ...]
) -> ast.Statement:
    if not isinstance(statement, kind):
        return statement
    kept = tuple(s for s in statement.settings if s.name not in gone)
    return replace(statement, settings=(*kept, setting))


def _checked(
    program: ast.Program, phase: Phase, last: ast.Data | None, at: At, report: Report
) -> Spec | None:
    point, changed = at_phase(program, phase)
    try:
        return at(point, changed, data_of(point) == last)
    except SpecError as error:
        for found in error.diagnostics:
            named = [s for s in phase.settings if tells_of(found, s.name)]
            if named and named[0].span.source.name == FROM_OUTSIDE:
                found = replace(found, span=named[0].span)
            elif named:
                name = named[0].name
                says = found.message.partition(": ")[2] or setting_meant(name, "phase")
                says = says or "no parameter of the rule, no name in the file is called so"
                message = f"'phase' has no setting '{name}': {says}"
                hints = did_you_mean(name, [*TRAIN, *DATA, *OWN]) or (f"its own settings: {', '.join(OWN)}",)
                found = replace(found, code="E0501", message=message, span=name_span(named[0]), hints=hints)
            found = _at_its_data(found, phase)
            if found.severity == "error" and found not in report.diagnostics:
                report.diagnostics.append(found)
    return None


def _at_its_data(found: Diagnostic, phase: Phase) -> Diagnostic:
    """Data of a phase that do not fit the network: the network is that of all phases, so its size stays."""
    given = next((s.value.span for s in phase.settings if s.name == "data"), None)
    if found.code != "E0201" or given not in [span for span, _ in found.related]:
        return found
    hints = ("phases hand on one network: the data of all have the same inputs",)
    return replace(found, span=given, label="", related=((found.span, "the network"),), hints=hints)
