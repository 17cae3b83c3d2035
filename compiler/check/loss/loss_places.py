"""Losses that read outputs and targets by their places, and weights of samples: do they go with the network?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import rebuild
from netc.compiler.check.network.masks import ROLES, check_mask
from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.check.parts.settings import Settings, word
from netc.compiler.lower.layer_faults import LayerFault
from netc.compiler.lower.network import lower_loss, tensors_of
from netc.compiler.lower.penalties import lower_penalties
from netc.compiler.meaning.findings import Report, counted
from netc.compiler.meaning.kinds import OUTPUT, Scope
from netc.compiler.meaning.penalties import groups_in, indexed, names_parameters, penalties_in
from netc.compiler.meaning.places import BY_PLACE, place_of
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.spec import Averaging, DataSpec, Learns, Loss, Network
from netc.dsl import ast
from netc.dsl.source import Span
from netc.dsl.walks import walk

WEIGHTED = ("weight", "divide")
Divide = Literal["", "samples", "weights"]
WHENCE = ("of classes: loss ..., weight = y[1] + 2*y[2]", "of samples: data ..., weights = COLUMN")
WAYS = (
    "divide = weights: by the sum of the batch's weights, as PyTorch's CrossEntropyLoss(weight = ...)",
    "divide = samples: by their number, as Keras' class_weight and sample_weight",
)


def weighted(
    statement: ast.Loss,
    averaging: Averaging,
    definitions: Definitions,
    of_data: Span | None,
    report: Report,
) -> tuple[ast.Expr | None, Divide]:
    """The weight of a sample, a number in its target, and what the sum is divided by: there is no usual one.
    `of_data`: where the data say that samples have weights besides."""
    known = ("reduce", "source", "targets", *WEIGHTED)
    settings = Settings(statement.settings, "loss", known, Report())
    weight = settings.given["weight"].value if "weight" in settings.given else None
    divide: Divide = ""
    if "divide" in settings.given:
        divide = Settings(statement.settings, "loss", known, report).get(
            "divide", word("samples", "weights"), divide
        )
    if weight is None and of_data is None:
        if divide:
            span = settings.given["divide"].span
            report.error("E0255", span, "there are no weights to divide by", hints=WHENCE)
        return None, ""
    if weight is not None:
        known_here = {"y": OUTPUT}
        scope = Scope(
            "the weight of a sample", known_here, definitions.activations, by_place=BY_PLACE - {"u"}
        )
        Kinds(scope, report).number(weight, "the weight of a sample")
    if averaging == "sum" and divide:
        report.error(
            "E0255", settings.given["divide"].span, "the losses are summed, nothing divides their sum"
        )
    elif averaging == "mean" and not divide and "divide" not in settings.given:
        message = (
            "weighted losses are divided by the number of samples or by the sum of the weights: say which"
        )
        where = settings.given["weight"].span if weight is not None else of_data
        assert where is not None
        report.error("E0255", where, message, hints=tuple(f"loss ..., {way}" for way in WAYS))
    return weight, divide


def everywhere(cost: ir.Expr) -> ir.Expr:
    """What is read at one place as if it were read at all: what can go wrong there can go wrong here."""
    return rebuild(cost, lambda node: node.arg if isinstance(node, ir.View) else node)


def check_places(network: Network, loss: Loss, definitions: Definitions, report: Report) -> bool:
    """Are the places there, and all outputs read?"""
    units, last = network.output[-1], loss.places["u"]
    if last and last != units:
        message = (
            f"the loss reads {counted(last, 'output')} by place, up to u[{last}], and the network has {units}"
        )
        report.error("E0254", network.span, message, hints=(f"end with ...{last}]",))
        return False
    if not last and loss.places["y"]:
        message = (
            "this loss reads targets by place, and the outputs whole, which are compared with all targets"
        )
        report.error("E0254", network.span, message, hints=("outputs by place too: (u[1] - y[1])^2",))
        return False
    for node in (n for root in (loss.definition.value, loss.weight) if root for n in walk(root)):
        if (place := place_of(node)) is not None and place[1] > (loss.places[place[0]] or units):
            message = f"there are {units} outputs and as many targets: no {place[0]}[{place[1]}]"
            report.error("E0254", node.span, message)
            return False
    axes = tuple(ir.Axis(f"o{i}", size) for i, size in enumerate(network.output))
    cost = lower_loss(loss, ir.Var("u", axes), ir.Var("y", axes), definitions.activations)
    if cost.axes:
        assert loss.definition.value is not None
        message = (
            "the loss of one sample is one number, and this is one for each place of the image or sequence"
        )
        report.error(
            "E0254", loss.definition.value.span, message, hints=("mean(...) or sum(...) over the places",)
        )
        return False
    return True


def check_penalties(network: Network, loss: Loss, definitions: Definitions, report: Report) -> bool:
    """Are the parameters there that the loss sums over, and does what it adds count once?"""
    assert loss.definition.value is not None
    before = len(report.diagnostics)
    own = {name for name, _ in loss.arguments}
    calls = list(penalties_in(loss.definition.value))
    for call in calls:
        groups = [n for n in groups_in(call) if n.id not in own]
        if len(groups) > 1:
            message = (
                f"'{groups[0].id}' and '{groups[1].id}' are of different lengths: a sum is over one of them"
            )
            report.error("E0257", groups[1].span, message, hints=("sum(weights^2) + sum(layer2^2)",))
            continue
        for group in groups if not indexed(call) else _subscripted(call):
            require_arrays(group, network.layers, report)
    if calls and (loss.reduce == "sum" or loss.divide == "samples"):
        many = "for each sample" if loss.reduce == "sum" else "with the weight of each sample"
        message = f"this is a part of the loss of every sample: it would be counted once {many}"
        report.error(
            "E0257", calls[0].span, message, hints=("a penalty goes with the mean of a batch: reduce = mean",)
        )
    if len(report.diagnostics) == before and any(map(indexed, calls)):
        functions = definitions.activations
        try:
            lower_penalties(loss, tensors_of(network, functions), functions)
        except LayerFault as fault:
            report.diagnostics.append(fault.diagnostic)
    return len(report.diagnostics) == before


def _subscripted(call: ast.Call) -> list[ast.Name]:
    """Groups of which elements are read: layer1.weight[i, k]."""
    bases = (n.base for n in walk(call) if isinstance(n, ast.Index))
    return [b for b in bases if isinstance(b, ast.Name) and names_parameters(b)]


def require_arrays(group: ast.Name, layers: Sequence[Learns], report: Report) -> None:
    check_mask(group, layers, report)
    empty = group.id in ROLES and not any(role in ROLES[group.id] for x in layers for _, role, _ in x.arrays)
    if empty:
        report.error("E0257", group.span, f"this network learns no {group.id}")


def check_units(loss: Loss, data: DataSpec, report: Report) -> None:
    """Outputs that are no targets have no units of the data."""
    if not loss.of_outputs and data.scale_target != "none":
        message = "the outputs are not the targets, so they cannot be put back into the units of the data"
        report.error("E0256", data.span, message, hints=("scale_target = none",))
