"""The network: operations, sizes, activations with their arguments, and whether the data fit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import prod

from netc.compiler.calculus import ir
from netc.compiler.check.network.batch_statistics import over_samples_alone
from netc.compiler.check.network.operations import LARGEST, Operations
from netc.compiler.check.network.place import Place
from netc.compiler.check.network.points_in_modes import of_two_modes
from netc.compiler.lower.flow import Flow, shape_of
from netc.compiler.meaning.findings import Report, counted
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.spec import Facts, Learns, Loss, Network
from netc.dsl import ast
from netc.dsl.source import Span


def check_network(
    statement: ast.Network, definitions: Definitions, scheduled: frozenset[str], report: Report
) -> Network | None:
    """The network, or None after an error. `scheduled` are the names of schedules."""
    return _Checker(definitions, scheduled, report).run(statement.architecture)


class _Checker:
    def __init__(self, definitions: Definitions, scheduled: frozenset[str], report: Report) -> None:
        self.definitions, self.report = definitions, report
        self.operations = Operations(definitions, report, scheduled)

    def run(self, architecture: ast.Architecture) -> Network | None:
        if architecture.input is None:
            hint = "as in [13(tanh)15(lin)1], or [28x28x1 ...] for images"
            self.report.error(
                "E0203", architecture.span, "the network does not say its inputs", hints=(hint,)
            )
            return None
        shape = self._shape(architecture.input)
        axes = tuple(ir.Axis(f"x{i}", size) for i, size in enumerate(shape))
        x = ir.Var("x", (ir.SAMPLES, *axes))
        place = Place(x, [], inputs=True)
        self.operations.chain(architecture.stages, place, {})
        flow = Flow(self.definitions.activations)
        if self.operations.complete:
            value = flow.chain(place.made, x)
        parameters = sum(t.size for t in flow.tensors if t.role in ir.PARAMETERS)
        if self.operations.complete and not parameters:
            message = "the network has no layer that learns"
            hint = "as in [13(tanh)15(lin)1]"
            self.report.error("E0203", architecture.span, message, hints=(hint,))
        elif self.operations.complete:
            span = self.operations.span or architecture.span
            layers = tuple(_learning(flow))
            made, of_batch = tuple(place.made), over_samples_alone(flow)
            modes = of_two_modes(flow)
            return Network(shape, made, shape_of(value), parameters, layers, of_batch, modes, span)
        return None

    def _shape(self, expr: ast.Expr) -> tuple[int, ...]:
        match expr:
            case ast.Number(value) if 1 <= value <= LARGEST and value == int(value):
                return (int(value),)
            case ast.Shape(sizes) if all(s >= 1 for s in sizes) and prod(sizes) <= LARGEST:
                self._require_channels_last(sizes, expr)
                return sizes
        self.operations.no_size(expr)
        return (1,)

    def _require_channels_last(self, sizes: tuple[int, ...], expr: ast.Expr) -> None:
        """`3x32x32` would be an image of 3 rows with 32 channels."""
        if len(sizes) == 3 and sizes[0] in (1, 3) and sizes[1] == sizes[2] >= 8:
            channels, height, width = sizes
            message = (
                f"an image is height x width x channels: {height}x{width}x{channels}, not {expr.span.text}"
            )
            hint = "arrays are turned by X.transpose(0, 2, 3, 1), and the columns of a table have the channels fastest"
            self.report.error("E0271", expr.span, message, hints=(hint,))


def _learning(flow: Flow) -> Iterator[Learns]:
    number = 0
    for name, group in groupby(flow.tensors, lambda t: t.name.partition(".")[0]):
        tensors = list(group)
        arrays = tuple(
            (t.name.partition(".")[2], str(t.role), t.fans) for t in tensors if t.role in ir.PARAMETERS
        )
        weighed = any(role == "weight" for _, role, _ in arrays)
        number += weighed
        if arrays:
            started = tuple(t.name.partition(".")[2] for t in tensors if t.own is not None)
            yield Learns(name, flow.of[name], number if weighed else 0, arrays, started)


def check_fit(
    statement: ast.Network,
    network: Network,
    loss: Loss | None,
    facts: Facts,
    data: Span,
    classes: int,
    report: Report,
) -> None:
    """Do the sizes of the network fit the data? `classes` are those that the file states, or 0."""
    inputs = statement.architecture.input
    if network.inputs != facts.inputs:
        report.error(
            "E0201",
            inputs.span if inputs else statement.architecture.span,
            f"the network takes {counted(network.inputs, 'input')}, the data has {facts.inputs}",
            label=f"{facts.inputs} here",
            related=((data, f"this has {counted(facts.inputs, 'input column')}"),),
            hints=(f"write [{facts.inputs}(...",),
        )
    places, allowed = prod(network.output[:-1]), _sizes_allowed(network, facts, classes)
    if loss is not None and (last := loss.places["y"]):
        if facts.targets != places * last:
            message = f"the loss reads {counted(places * last, 'target')}, the data have {facts.targets}"
            report.error("E0254", loss.definition.span, message, related=((data, "the data"),))
    elif network.outputs not in allowed:
        needs = " or ".join(f"{size} ({why})" for size, why in allowed.items())
        notes = (
            (f"classes: {', '.join(facts.labels[:12])}{', ...' if len(facts.labels) > 12 else ''}",)
            if facts.labels
            else ()
        )
        report.error(
            "E0202",
            network.span,
            f"the network has {counted(network.outputs, 'output')}, the data needs {needs}",
            related=((data, "the data"),),
            notes=notes,
            hints=_hints(network, facts, next(iter(allowed))),
        )


def _sizes_allowed(network: Network, facts: Facts, classes: int) -> dict[int, str]:
    """How many outputs fit the targets, the likeliest number first, and why."""
    allowed = {facts.targets: counted(facts.targets, "target column")}
    if facts.labels:
        allowed = {len(facts.labels): f"{len(facts.labels)} classes"}
        if len(facts.labels) == 2 or (_all_numbers(facts.labels) and not classes):
            allowed.setdefault(1, "1 target column")
    places = prod(network.output[:-1])
    if len(network.output) > 1 and facts.targets == places:
        allowed[network.outputs] = f"a class for each of {places} places"
    return allowed


def _hints(network: Network, facts: Facts, size: int) -> tuple[str, ...]:
    """Whole numbers may be meant as classes; a softmax has one output for each."""
    softmax = any(a.definition.name.lower() == "softmax" for a in network.activations)
    if facts.whole and (softmax or network.outputs == facts.whole):
        reads = f"`classes = {facts.whole}` in 'data' reads the {facts.whole} whole numbers of the target as classes"
        return (reads,) if network.outputs == facts.whole else (f"{reads}: end with ...{facts.whole}]",)
    return (f"end with ...{size}]",)


def _all_numbers(labels: tuple[str, ...]) -> bool:
    try:
        return all(float(label) == float(label) for label in labels)
    except ValueError:
        return False
