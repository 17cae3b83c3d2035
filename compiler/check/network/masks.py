"""Do the layers that masks of rules name stand in the network, and have they such arrays?"""

from __future__ import annotations

from collections.abc import Sequence

from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.masks import masks_in
from netc.compiler.meaning.spec import Learns, Optimizer, Watched
from netc.dsl import ast
from netc.dsl.names import did_you_mean

ROLES = {"weights": ("weight",), "biases": ("bias", "gain"), "gains": ("gain",)}


def check_masks(
    optimizer: Optimizer, watched: Sequence[Watched], layers: Sequence[Learns], report: Report
) -> None:
    own = {name for name, _ in (*optimizer.arguments, *optimizer.kinds)}
    read = [*optimizer.body.actions, *(w.value for w in watched)]
    for mask in masks_in(read, own).values():
        check_mask(mask, layers, report)


def check_mask(mask: ast.Name, layers: Sequence[Learns], report: Report) -> None:
    """Of all layers, or of one that is there."""
    if not mask.id.startswith("layer"):
        return
    name, _, word = mask.id.partition(".")
    layer = next((x for x in layers if x.name == name), None)
    if layer is None:
        shown = ", ".join(f"{x.name} ({x.operation})" for x in layers)
        hint = f"layers that learn: {shown}" if shown else "an objective has no layers"
        report.error("E0250", mask.span, f"there is no layer '{name}' that learns", hints=(hint,))
        return
    arrays = [n for n, _, _ in layer.arrays]
    if word and word not in arrays and not any(role in ROLES.get(word, ()) for _, role, _ in layer.arrays):
        hints = did_you_mean(word, arrays) or (f"it learns {', '.join(arrays)}",)
        report.error("E0250", mask.span, f"{name} ({layer.operation}) has no '{word}'", hints=hints)
