"""The network: operations, sizes, activations with their arguments, and whether the data fit."""

from __future__ import annotations

from math import prod

from netc.compiler.meaning.findings import Report, counted
from netc.compiler.meaning.resolve import Definitions, bind
from netc.compiler.meaning.spec import Activation, Facts, Layer, Network
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.source import Span
from netc.dsl.vocabulary import joined, meant

LATER = {
    "conv": "convolution",
    "avgpool": "average pooling",
    "maxpool": "max pooling",
    "globalavgpool": "global average pooling",
    "batchnorm": "batch normalisation",
    "layernorm": "layer normalisation",
    "dropout": "dropout",
    "flatten": "flattening",
    "embedding": "embeddings",
}
"""Operations that the language has and the compiler does not yet."""


LARGEST = 10**9
"""Units of a layer."""


def check_network(statement: ast.Network, definitions: Definitions, report: Report) -> Network | None:
    """The network, or None after an error."""
    return _Checker(definitions, report).run(statement.architecture)


class _Checker:
    def __init__(self, definitions: Definitions, report: Report) -> None:
        self.definitions = definitions
        self.report = report
        self.layers: list[Layer] = []
        self.complete = True

    def run(self, architecture: ast.Architecture) -> Network | None:
        inputs = self._size(architecture.input)
        width = inputs
        for layer in architecture.layers:
            width = self._layer(layer, width)
        if not self.layers and self.complete:
            self._error(
                "E0203",
                architecture.span,
                "the network has no layer with a size",
                ("as in [13(tanh)15(lin)1]",),
            )
        return Network(inputs, tuple(self.layers)) if self.complete else None

    def _layer(self, layer: ast.Layer, width: int) -> int:
        """Appends what the layer adds; gives its number of units."""
        bias, dense_at = True, None
        before: list[Activation] = []
        after: list[Activation] = []
        for position, operation in enumerate(layer.operations):
            if operation.name == "dense":
                if dense_at is not None:
                    self._error(
                        "E0203",
                        operation.span,
                        "two dense operations share one size",
                        ("give each its own: (dense) 30 (dense, tanh) 15",),
                    )
                dense_at = position
                bias = self._bias(operation)
            else:
                found = self._activation(operation)
                if found is not None:
                    (before if dense_at is None and self._has_dense(layer) else after).append(found)
        if layer.size is None:
            if dense_at is not None:
                self._error(
                    "E0203",
                    layer.span,
                    "the dense operation has no size",
                    ("write it after the parentheses: (dense) 15",),
                )
            self._attach(after, layer.span)
            return width
        self._attach(before, layer.span)
        size = self._size(layer.size)
        self.layers.append(Layer(width, size, bias, tuple(after), span=layer.size.span))
        return size

    def _has_dense(self, layer: ast.Layer) -> bool:
        return any(o.name == "dense" for o in layer.operations)

    def _attach(self, activations: list[Activation], span: Span) -> None:
        """Applies activations to the layer before."""
        if not activations:
            return
        if not self.layers:
            self._error(
                "E0203",
                span,
                "an activation cannot act on the inputs themselves",
                ("start with a layer: (tanh) 15",),
            )
            return
        last = self.layers[-1]
        self.layers[-1] = Layer(
            last.inputs, last.outputs, last.bias, (*last.activations, *activations), span=last.span
        )

    def _bias(self, operation: ast.Operation) -> bool:
        for word in operation.words:
            if word != ast.Name("nobias"):
                self._error(
                    "E0203",
                    word.span,
                    f"'{word.span.text}' is no option of dense",
                    ("its one option is 'nobias'",),
                )
        if operation.arguments:
            self._error(
                "E0203",
                operation.span,
                "dense takes no arguments",
                ("the size stands after the parentheses",),
            )
        return ast.Name("nobias") not in operation.words

    def _activation(self, operation: ast.Operation) -> Activation | None:
        name = operation.name
        if name in self.definitions.activations:
            definition = self.definitions.activations[name]
            for word in operation.words:
                self._error(
                    "E0203",
                    word.span,
                    f"'{word.span.text}' does not belong here",
                    (f"parameters stand in parentheses: {name}({word.span.text})",),
                )
            return Activation(
                definition,
                bind(definition.parameters, operation.arguments, operation.span, f"'{name}'", self.report),
            )
        self.complete = False
        if name in LATER:
            self.report.error(
                "E0901",
                operation.span,
                f"{LATER[name]} is not supported yet",
                hints=("networks of dense layers are: (dense, tanh) 15, or (tanh) 15 for short",),
            )
        elif name in self.definitions.blocks:
            self.report.error("E0902", operation.span, f"the block '{name}' is not supported yet")
        else:
            known = [*self.definitions.activations.names(), "dense", *LATER]
            says = meant(name, "layer")
            hints = () if says else did_you_mean(name, known)
            self.report.error(
                "E0102",
                operation.span,
                joined(f"there is no activation or operation called '{operation.span.text or name}'", says),
                hints=hints or ("'netc list activations' shows all",),
            )
        return None

    def _size(self, expr: ast.Expr) -> int:
        match expr:
            case ast.Number(value) if 1 <= value <= LARGEST and value == int(value):
                return int(value)
            case ast.Shape(sizes) if all(s >= 1 for s in sizes) and prod(sizes) <= LARGEST:
                return prod(sizes)
        self._error("E0203", expr.span, f"a size is a whole number from 1 to {LARGEST}", ())
        return 1

    def _error(self, code: str, span: Span, message: str, hints: tuple[str, ...]) -> None:
        self.complete = False
        self.report.error(code, span, message, hints=hints)


def check_fit(
    statement: ast.Network, network: Network, facts: Facts, data: Span, classes: int, report: Report
) -> None:
    """Do the sizes of the network fit the data? `classes` are those that the file states, or 0."""
    if network.inputs != facts.inputs:
        report.error(
            "E0201",
            statement.architecture.input.span,
            f"the network takes {counted(network.inputs, 'input')}, the data has {facts.inputs}",
            label=f"{facts.inputs} here",
            related=((data, f"this has {counted(facts.inputs, 'input column')}"),),
            hints=(f"write [{facts.inputs}(...",),
        )
    allowed = {facts.targets: counted(facts.targets, "target column")}
    if facts.labels:
        allowed = {len(facts.labels): f"{len(facts.labels)} classes"}
        if len(facts.labels) == 2 or (_all_numbers(facts.labels) and not classes):
            allowed.setdefault(1, "1 target column")
    if network.outputs not in allowed:
        needs = " or ".join(f"{size} ({why})" for size, why in allowed.items())
        notes = (
            (f"classes: {', '.join(facts.labels[:12])}{', ...' if len(facts.labels) > 12 else ''}",)
            if facts.labels
            else ()
        )
        report.error(
            "E0202",
            network.layers[-1].span,
            f"the network has {counted(network.outputs, 'output')}, the data needs {needs}",
            related=((data, "the data"),),
            notes=notes,
            hints=_hints(network, facts, next(iter(allowed))),
        )


def _hints(network: Network, facts: Facts, size: int) -> tuple[str, ...]:
    """Whole numbers may be meant as classes; a softmax has one output for each."""
    softmax = any(a.definition.name.lower() == "softmax" for a in network.layers[-1].activations)
    if facts.whole and (softmax or network.outputs == facts.whole):
        reads = f"`classes = {facts.whole}` in 'data' reads the {facts.whole} whole numbers of the target as classes"
        return (reads,) if network.outputs == facts.whole else (f"{reads}: end with ...{facts.whole}]",)
    return (f"end with ...{size}]",)


def _all_numbers(labels: tuple[str, ...]) -> bool:
    try:
        return all(float(label) == float(label) for label in labels)
    except ValueError:
        return False
