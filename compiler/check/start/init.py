"""Where training starts: laws of weights and biases, of all layers or of some, explicit starts, grids, or a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from netc.compiler.check.parts.definitions import check_helpers
from netc.compiler.check.parts.files import absolute
from netc.compiler.check.start.init_laws import TARGETS, check_numbers, laws_of
from netc.compiler.check.start.init_layers import (
    closeness,
    from_file,
    layers_of,
    of_arrays,
    require_no_layer,
    without_start,
)
from netc.compiler.check.start.starts import check_start
from netc.compiler.meaning.arguments import bind
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import Definitions, head, lookup
from netc.compiler.meaning.spec import FromFile, Init, Law, Learns
from netc.dsl import ast
from netc.dsl.walks import dotted

NONE = Init((), "")


def check_init(
    statements: list[ast.Init],
    size: int,
    network: bool,
    layers: Sequence[Learns],
    folder: Path,
    definitions: Definitions,
    report: Report,
) -> Init:
    """The start of a problem with `size` parameters; `layers` are those of the network that learn."""
    uses = [s for s in statements if s.name is None]
    for statement in statements:
        if statement.name is not None:
            laws_of(statement, (), definitions, report)
            require_no_layer(statement, layers, report)
    files = [s for s in uses if s.file is not None and not s.layers]
    if files:
        if len(uses) > 1:
            report.error(
                "E0505",
                head(uses[1] if uses[1] is not files[0] else uses[0]),
                "one 'init' is too many: all parameters come from a file",
                related=((head(files[0]), "this one"),),
                hints=("a file for some layers says which: init layer1, layer2: from ...",),
            )
        return Init((), absolute(files[0].file, folder, report) if files[0].file else "")
    laws = _chosen([s for s in uses if not s.layers], definitions, report)
    parts = _Parts(layers, folder, definitions, report)
    for statement in uses:
        if statement.layers and (network or not layers):
            parts.add(statement)
    laws += parts.laws
    _targets(laws, uses, network, layers, parts.files, report)
    for law in [] if report.errors else laws:
        if law.target == "theta" and not law.drawn:
            check_start(law, size, report)
        else:
            check_numbers(law, layers, report)
    return Init(tuple(laws), "", tuple(parts.files))


class _Parts:
    """What is said of some layers: of one array by one statement, or by one that means it more closely."""

    def __init__(
        self, known: Sequence[Learns], folder: Path, definitions: Definitions, report: Report
    ) -> None:
        self.known, self.folder, self.definitions, self.report = known, folder, definitions, report
        self.ranked: list[tuple[int, Law]] = []
        self.files: list[FromFile] = []
        self.said: dict[tuple[str, str], list[tuple[int, ast.Init]]] = {}

    @property
    def laws(self) -> list[Law]:
        """Of each array the closest one."""
        ranked = sorted(self.ranked, key=lambda pair: (pair[0], pair[1].target not in TARGETS))
        return list({(law.layers, law.target): law for _, law in ranked}.values())

    def add(self, statement: ast.Init) -> None:
        meant = [(name, layers_of(name, self.known, self.report)) for name in statement.layers]
        every = tuple(dict.fromkeys(layer for _, layers in meant for layer in layers))
        laws = self._laws(statement, every)
        targets = TARGETS[:3] if statement.file is not None else tuple(law.target for law in laws)
        for name, layers in meant:
            rank = closeness(name, layers)
            for layer in layers:
                self.ranked += [(rank, replace(law, layers=(layer,))) for law in laws]
                for target in targets:
                    self._once(statement, layer, target, rank)
        if statement.file is not None:
            path = absolute(statement.file, self.folder, self.report)
            found = from_file(statement, every, path, self.report)
            self.files += [found] if found else []

    def _laws(self, statement: ast.Init, layers: tuple[str, ...]) -> list[Law]:
        if statement.file is not None:
            return []
        arrays = {name for x in self.known if x.name in layers for name, _, _ in x.arrays}
        named = of_arrays(statement, arrays)
        check_helpers(named, self.report)
        laws = _chosen([named], self.definitions, self.report, (*TARGETS, *sorted(arrays)))
        for law in [x for x in laws if x.target == "theta"]:
            hint = "of a layer: weights, biases, gains"
            self.report.error("E0514", law.law.span, "'theta' are all parameters", hints=(hint,))
        return laws

    def _once(self, statement: ast.Init, layer: str, target: str, rank: int) -> None:
        before = self.said.setdefault((layer, target), [])
        for other_rank, other in before:
            if other is not statement and (rank == other_rank or statement.file or other.file):
                message = f"the {target} of {layer} are initialised twice"
                self.report.error("E0505", head(statement), message, related=((head(other), "first here"),))
                break
        before.append((rank, statement))


def _chosen(
    uses: list[ast.Init], definitions: Definitions, report: Report, targets: Sequence[str] = TARGETS
) -> list[Law]:
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
            what = f"'{definition.name}'"
            bound = bind(definition.parameters, arguments, function.span, what, report, place="of a start")
            laws = {law.target: law for law in laws_of(definition, bound, definitions, report)}
    written: dict[str, ast.Init] = {}
    for statement in (s for s in uses if s.use is None):
        for law in laws_of(statement, (), definitions, report, targets):
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


def _targets(
    laws: list[Law],
    uses: list[ast.Init],
    network: bool,
    layers: Sequence[Learns],
    files: Sequence[FromFile],
    report: Report,
) -> None:
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
    some = any(s.layers for s in uses)
    of_all = {law.target for law in laws if not law.layers}
    left = [p for p in without_start(layers, laws, files) if p[1] not in of_all]
    for missing in [t for t in ("weights", "biases") if t not in of_all]:
        hint = "init biases = 0" if missing == "biases" else "init glorot_uniform"
        where = [layer for layer, target in left if target == missing]
        if where or not some:
            of = f" of {', '.join(where)}" if some else ""
            message = f"the {missing}{of} have no start: add '{hint}'"
            report.error("E0508", head(uses[0]), message)


def _says_theta(statement: ast.Init) -> bool:
    theta = ast.Name("theta")
    return any(
        (isinstance(law, ast.Drawn) and law.name == theta)
        or (isinstance(law, ast.Compare) and law.left == theta)
        for law in statement.laws
    )
