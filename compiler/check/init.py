"""Where training starts: laws of weights and biases, explicit starts, grids, or a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from netc.compiler.check.expressions import Kinds
from netc.compiler.check.starts import check_start
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.kinds import SCALAR, Scope
from netc.compiler.meaning.resolve import Definitions, bind, head, lookup
from netc.compiler.meaning.resolve_laws import LAWS, PLACE, Fans, law_numbers
from netc.compiler.meaning.resolve_tree import dotted
from netc.compiler.meaning.resolve_values import NotANumber
from netc.compiler.meaning.spec import Init, Law, Values
from netc.dsl import ast
from netc.dsl.names import did_you_mean

TARGETS = ("weights", "biases", "theta")
Places = tuple[Fans, ...]
NONE = Init((), "")


def check_init(
    statements: list[ast.Init],
    size: int,
    network: bool,
    layers: Places,
    folder: Path,
    definitions: Definitions,
    report: Report,
) -> Init:
    """The start of a problem with `size` parameters; `layers` are fan_in, fan_out and the number of each layer."""
    uses = [s for s in statements if s.name is None]
    for statement in statements:
        if statement.name is not None:
            _laws(statement, (), definitions, report)
    files = [s for s in uses if s.file is not None]
    if files:
        if len(uses) > 1:
            report.error(
                "E0505",
                head(uses[1]),
                "one 'init' is too many: all parameters come from a file",
                related=((head(files[0]), "this one"),),
            )
        return Init((), str((folder / files[0].file.value).resolve()) if files[0].file else "")
    laws = _chosen(uses, definitions, report)
    _targets(laws, uses, network, report)
    for law in [] if report.errors else laws:
        if law.target == "theta" and not law.drawn:
            check_start(law, size, report)
        else:
            _check_numbers(law, layers, report)
    return Init(tuple(laws), "")


def _check_numbers(law: Law, layers: Places, report: Report) -> None:
    """Has the law numbers in every layer?"""
    for fans in layers if law.target != "theta" else ((0, 0, 0),):
        try:
            name, values = law_numbers(law, None if law.target == "theta" else fans)
        except NotANumber as error:
            where = f"for {fans[0]} inputs and {fans[1]} outputs " if law.target != "theta" else ""
            report.error("E0514", error.span, f"the start has no value: {where}{error.reason}")
            return
        if (name == "normal" and values[1] < 0) or (name == "uniform" and values[0] > values[1]):
            what = (
                "the deviation is below 0" if name == "normal" else "the lower bound is above the upper one"
            )
            report.error("E0514", law.law.span, f"{what}: {name}({', '.join(f'{v:g}' for v in values)})")
            return


def _chosen(uses: list[ast.Init], definitions: Definitions, report: Report) -> list[Law]:
    """Laws of the definition that is used, then those written out, which replace them."""
    named = [s for s in uses if s.use is not None]
    if len(named) > 1:
        report.error(
            "E0505",
            head(named[1]),
            "two initialisations are used, one can be",
            related=((head(named[0]), "the other one"),),
        )
    laws: dict[str, Law] = {}
    if named:
        use = named[0].use
        function, arguments = (use.function, use.arguments) if isinstance(use, ast.Call) else (use, ())
        assert function is not None
        definition = lookup(definitions.inits, dotted(function) or "", function.span, "init", report)
        if definition is not None:
            bound = bind(definition.parameters, arguments, function.span, f"'{definition.name}'", report)
            laws = {law.target: law for law in _laws(definition, bound, definitions, report)}
    written: dict[str, ast.Init] = {}
    for statement in (s for s in uses if s.use is None):
        for law in _laws(statement, (), definitions, report):
            if law.target in written:
                report.error(
                    "E0505",
                    head(statement),
                    f"'{law.target}' is initialised twice",
                    related=((head(written[law.target]), "first here"),),
                )
            written[law.target] = statement
            laws[law.target] = law
    return list(laws.values())


def _targets(laws: list[Law], uses: list[ast.Init], network: bool, report: Report) -> None:
    """Has every parameter a start?"""
    found = {law.target for law in laws}
    if report.errors or not uses:
        return
    if "theta" in found:
        # theta are all parameters: what else is said of a start would be ignored.
        partial = [s for s in uses if s.use is not None or not _says_theta(s)]
        if partial:
            whole = next(s for s in uses if s not in partial)
            message = "one 'init' is too many: 'theta' are all parameters"
            report.error("E0505", head(partial[0]), message, related=((head(whole), "this one"),))
        return
    if not network:
        report.error(
            "E0514",
            head(uses[0]),
            "an objective has no weights and biases, only theta",
            hints=("as in 'init theta = (-1.5, 0.7)' or 'init theta ~ uniform(-3, 3)'",),
        )
        return
    for missing in [t for t in ("weights", "biases") if t not in found]:
        hint = "init biases = 0" if missing == "biases" else "init glorot_uniform"
        report.error("E0508", head(uses[0]), f"the {missing} have no start", hints=(f"add '{hint}'",))


def _says_theta(statement: ast.Init) -> bool:
    theta = ast.Name("theta")
    return any(
        (isinstance(law, ast.Drawn) and law.name == theta)
        or (isinstance(law, ast.Compare) and law.left == theta)
        for law in statement.laws
    )


def _laws(statement: ast.Init, bound: Values, definitions: Definitions, report: Report) -> Iterable[Law]:
    helpers = tuple((s.name, s.value) for s in statement.settings if s.name != "source")
    names = dict.fromkeys([*PLACE, *(p.name for p in statement.parameters)], SCALAR)
    for name, value in helpers:
        Kinds(Scope("an init", names), report).number(value, f"'{name}'")
        names[name] = SCALAR
    walker = Kinds(Scope("an init", names), report)
    found = []
    for expr in statement.laws:
        match expr:
            case ast.Drawn(ast.Name(target), law) if target in TARGETS:
                if _drawn(law, walker, definitions, report):
                    found.append(Law(target, law, True, helpers, bound))  # type: ignore[arg-type]
            case ast.Compare("=", ast.Name("theta"), law):
                found.append(Law("theta", law, False, helpers, bound))
            case ast.Compare("=", ast.Name(target), law) if target in TARGETS:
                walker.number(law, f"the value of the {target}")
                found.append(Law(target, law, False, helpers, bound))  # type: ignore[arg-type]
            case ast.Drawn(part) | ast.Compare(left=part):
                word = part.id if isinstance(part, ast.Name) else part.span.text
                report.error(
                    "E0514",
                    part.span,
                    f"'{word}' is no part of the parameters",
                    hints=did_you_mean(word, TARGETS) or ("parts: weights, biases, theta (all)",),
                )
    return found


def _drawn(law: ast.Expr, walker: Kinds, definitions: Definitions, report: Report) -> bool:
    name = law.function.id if isinstance(law, ast.Call) and isinstance(law.function, ast.Name) else ""
    if not isinstance(law, ast.Call) or name not in LAWS:
        start = dotted(law.function if isinstance(law, ast.Call) else law) or ""
        laws = "laws: uniform(low, high), normal(mean, deviation), orthogonal(gain)"
        hints = did_you_mean(name, LAWS) or (laws,)
        if start in definitions.inits:
            hints = (f"'{start}' is a start of its own: init {start}", laws)
        report.error("E0514", law.span, "a law to draw from is needed after '~'", hints=hints)
        return False
    parameters = LAWS[name]
    for argument in law.arguments:
        walker.number(argument.value, "an argument of a law")
        if argument.name is not None and argument.name not in parameters:
            report.error(
                "E0108",
                argument.span,
                f"'{name}' has no parameter '{argument.name}'",
                hints=did_you_mean(argument.name, parameters)
                or (f"its parameters: {', '.join(parameters)}",),
            )
            return False
    if len(law.arguments) != len(parameters):
        report.error("E0109", law.span, f"'{name}' takes {', '.join(parameters)}: {len(law.arguments)} given")
        return False
    return True
