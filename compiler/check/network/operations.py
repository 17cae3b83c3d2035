"""The operations of a network: which layer, activation or block each is, with its parameters bound; and their shapes.

    (tanh) 15               (dense, tanh) 15: a size without a layer is that of a dense layer
    conv 5x5 same nobias    words fill parameters: a shape the first shape, a word a truth value, `no...` its opposite
    (conv, batchnorm) 16    the size behind the parentheses is that of the one layer that needs one

What a name means is found in `operation_names.py`, the parameters in `operation_arguments.py`. Shapes are found by
lowering each operation on what comes before it, so that a fault is told where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod

from netc.compiler.check.network.blocks import block_of
from netc.compiler.check.network.layer_arguments import arguments_of
from netc.compiler.check.network.layer_names import require_inferred, without_refused
from netc.compiler.check.network.layer_schedules import reads_schedules, scheduled_apart
from netc.compiler.check.network.named_stages import call_stage, join_stage, require_all_read
from netc.compiler.check.network.operation_arguments import WHICH, bound_arguments
from netc.compiler.check.network.operation_names import Meaning, is_join, meaning_in_library, meaning_of
from netc.compiler.check.network.place import Numbers, Place
from netc.compiler.check.parts.values import check_required
from netc.compiler.lower.flow import Flow, shape_of
from netc.compiler.lower.layer_faults import LayerFault
from netc.compiler.meaning.arguments import bind
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.layer_parameters import (
    NONE,
    Definition,
    open_sizes,
    unsaid,
    with_shapes_apart,
)
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.spec import Activation, Operation, Use
from netc.dsl import ast
from netc.dsl.source import Span
from netc.dsl.words.vocabulary import joined, same_parameter

LARGEST = 10**9
"""Units of a layer."""
MOST = 5000
"""Stages of a network: ResNet-1001 has about 2000."""
DENSE = "dense"


class Operations:
    def __init__(
        self, definitions: Definitions, report: Report, scheduled: frozenset[str] = frozenset()
    ) -> None:
        self.definitions = definitions
        self.report = report
        self.scheduled = scheduled
        """Names of schedules."""
        self.flow = Flow(definitions.activations)
        self.complete = True
        self.stages = 0
        """That have been seen, each repetition for itself."""
        self.span: Span | None = None
        """Of the last size."""
        self.told: set[str] = set()
        """Names of which it has been said what they may mean."""
        self.open: list[str] = []
        """Blocks inside which this stands."""
        self.of_library = False
        """The innermost of them is one of the library."""

    def chain(self, stages: Sequence[ast.Stage], place: Place, numbers: Numbers) -> None:
        for stage in stages:
            for which in range(1, stage.times + 1):
                if self.too_many(stage):
                    return
                own = {"l": float(which), "L": float(stage.times)}
                if self.complete or which == 1:  # inside of a block that is repeated, its number
                    self._stage(stage, place, {**own, **numbers} if stage.times == 1 else {**numbers, **own})
            if stage.called and self.complete:
                call_stage(self, stage, place)
        if self.complete:
            require_all_read(self, place)

    def too_many(self, stage: ast.Stage) -> bool:
        self.stages += 1
        if self.stages == MOST + 1:
            self.error(
                stage.span, f"a network has no more than {MOST} stages, those inside of blocks counted"
            )
        return self.stages > MOST

    # -- one stage ---------------------------------------------------------------------------------

    def _stage(self, stage: ast.Stage, place: Place, numbers: Numbers) -> None:
        first, *rest = stage.operations
        if is_join(first, self.definitions):
            if self.complete:
                join_stage(self, first, place)
            if not rest and stage.size is None:
                return
            stage = replace(stage, operations=tuple(rest))
        found = [(o, self._meaning(o)) for o in stage.operations]
        size = None if stage.size is None else self.size(stage.size, numbers)
        owner = self._owner(stage, found)
        if stage.size is not None:
            self.span = stage.size.span
            if size is None:
                return
        if stage.size is not None and all(_activates(d) for _, d in found):
            if any(d is None for _, d in found):
                return
            dense = ast.Operation(DENSE, (), (), span=stage.span)
            self._put(dense, self.definitions.layers[DENSE], size, place, numbers)
        for operation, definition in found:
            match definition:
                case ast.Activation():
                    self._activation(operation, definition, place)
                case ast.Layer() | ast.Block():
                    own = size if owner is operation else None
                    if (
                        own is None
                        and isinstance(definition, ast.Layer)
                        and open_sizes(operation, definition)
                    ):
                        continue  # told already
                    if own is None and stage.size is None:
                        self.span = operation.span
                    self._put(operation, definition, own, place, numbers)

    def _owner(
        self, stage: ast.Stage, found: list[tuple[ast.Operation, Meaning | None]]
    ) -> ast.Operation | None:
        """The operation whose size stands behind the parentheses."""
        layers = [(o, d) for o, d in found if isinstance(d, ast.Layer | ast.Block)]
        needy = [(o, d) for o, d in layers if open_sizes(o, d)]
        if stage.size is None:
            for o, d in needy:
                if isinstance(d, ast.Layer):
                    says = f"it stands behind the parentheses, ({o.name}) 15"
                    for name in (a.name for a in o.arguments if a.name):
                        if here := same_parameter(name, open_sizes(o, d)):
                            says = (
                                f"'{name}' is '{here}' here, or stands behind the parentheses, ({o.name}) 15"
                            )
                    self.error(stage.span, joined(f"the {o.name} operation has no size", says))
            return None
        for o, _ in needy[1:]:
            what = needy[0][0].name
            self.error(
                o.span, f"two {what} operations share one size" if what == o.name else f"{what} and {o.name} share one size",
                f"give each its own: ({what}) 30 ({o.name}, tanh) 15",
            )  # fmt: skip
        sized = any(not _activates(d) for _, d in found)
        if layers and not needy and sized and all(d is not None for _, d in found):
            names = ", ".join(o.name for o, _ in layers)
            self.error(
                stage.size.span, f"nothing in these parentheses takes a size: {names}",
                f"a dense layer has parentheses of its own: ({names}) (dense) {stage.size.span.text}",
            )  # fmt: skip
        return needy[0][0] if needy else None

    def _meaning(self, operation: ast.Operation) -> Meaning | None:
        if self.of_library:
            found = meaning_in_library(operation, self.definitions, self.open[-1], self.report)
        else:
            found = meaning_of(operation, self.definitions, self.told, self.report)
        self.complete &= found is not None
        return found

    def size(self, expr: ast.Expr, numbers: Numbers) -> float | None:
        value = prod(expr.sizes) if isinstance(expr, ast.Shape) else number_or_none(expr, numbers)
        if value is not None and 1 <= value <= LARGEST and value == int(value):
            return float(value)
        self.no_size(expr)
        return None

    def no_size(self, expr: ast.Expr) -> None:
        message = f"a size is a whole number from 1 to {LARGEST}"
        if isinstance(expr, ast.Name):
            swept = f", or an axis of a sweep, sweep {expr.span.text} in {{4, 8}}"
            swept = "" if expr.id.lower() in ("none", "auto", "infer") else swept
            message = f"'{expr.span.text}' is no number: {message}{swept}"
        self.error(expr.span, message)

    # -- operations --------------------------------------------------------------------------------

    def _activation(self, operation: ast.Operation, definition: ast.Activation, place: Place) -> None:
        for word in operation.words:
            self.error(
                word.span, f"'{word.span.text}' does not belong here",
                f"parameters stand in parentheses: {operation.name}({word.span.text})",
            )  # fmt: skip
        if place.inputs:
            self.error(
                operation.span,
                "an activation cannot act on the inputs themselves",
                "start with a layer: (tanh) 15",
            )
        what = f"'{operation.name}'"
        if reads_schedules(operation, self.scheduled, self.report):
            self.complete = False
            return
        bound = bind(
            definition.parameters, operation.arguments, operation.span, what, self.report, place="of a layer"
        )
        given = {a.name or p.name for a, p in zip(operation.arguments, definition.parameters, strict=False)}
        own = [p.name for p in definition.parameters]
        given |= {same_parameter(a.name, own) for a in operation.arguments if a.name}
        if found := unsaid(definition, given):
            self.complete = False
            hint = f"say it: ({operation.name}(0.01))"
            self.report.error("E0103", operation.span, found[0], notes=found[1], hints=(hint,))
        for argument in (a for a in operation.arguments if a.value == NONE):
            self.complete = False
            self.report.error("E0305", argument.value.span, f"a number of '{operation.name}' is none")
        place.made.append(Activation(definition, bound))

    def _put(
        self,
        operation: ast.Operation,
        definition: Definition,
        size: float | None,
        place: Place,
        numbers: Numbers,
    ) -> None:
        """The layer or block behind what is there."""
        before = len(self.report.diagnostics)
        last = float(shape_of(place.value)[-1])
        given = arguments_of(operation, definition, size, last, self.report, numbers)
        given = without_refused(definition, given, self.report)
        apart = scheduled_apart(definition, given, self.scheduled, numbers, self.report)
        if apart is None:
            place.inputs = self.complete = False
            return
        given, scheduled = apart
        bound = bound_arguments(operation, definition, given, scheduled, numbers, self.report)
        place.inputs = False
        if bound is None or len(self.report.diagnostics) > before:
            self.complete = False
            return
        use: Operation | None
        if isinstance(definition, ast.Layer):
            if self.complete:  # else it is not known what comes in
                require_inferred(definition, bound, last, operation.span, self.report)
            check_required(with_shapes_apart(definition), given, dict(bound), operation.span, self.report)
            self.complete &= len(self.report.diagnostics) == before
            use = Use(definition, bound, scheduled, operation.span)
        else:
            which = tuple((n, numbers[n]) for n in WHICH if n not in dict(bound))
            use = block_of(self, operation, definition, (*bound, *which), place.value)
        if use is None:
            self.complete = False
            return
        place.made.append(use)
        if self.complete:
            with self.faults_told():
                place.value = self.flow.chain([use], place.value)

    @contextmanager
    def faults_told(self) -> Iterator[None]:
        """What does not fit what comes in goes to the report, and no shape is known behind it."""
        try:
            yield
        except LayerFault as fault:
            self.complete = False
            self.report.diagnostics.append(fault.diagnostic)

    def error(self, span: Span, message: str, *hints: str, code: str = "E0203") -> None:
        """Reports it; what stands behind it is looked at without shapes."""
        self.complete = False
        self.report.error(code, span, message, hints=hints)


def _activates(definition: Meaning | None) -> bool:
    """Without a size of its own, so that a size is that of a dense layer before it; of what has no meaning, too."""
    return not isinstance(definition, ast.Layer | ast.Block) or (
        isinstance(definition, ast.Layer) and definition.activates
    )
