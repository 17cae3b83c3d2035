"""The arrays of a network from phase to phase: what is handed on fits, and what `freeze` names is there."""

from __future__ import annotations

from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.lower.flow import Flow, input_axes
from netc.compiler.meaning.findings import Report, listed
from netc.compiler.meaning.spec import Phase, Spec
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.walks import dotted

ROLES: dict[str, tuple[ir.Role, ...]] = {"weights": ("weight",), "biases": ("bias",)}
"""Arrays of all layers that `freeze` can name at once."""


def tensors_of(spec: Spec) -> tuple[ir.Tensor, ...]:
    """Parameters and states of the layers; none of an objective."""
    if spec.network is None:
        return ()
    flow = Flow({a.name.lower(): a for a in spec.functions})
    axes = (ir.SAMPLES, *input_axes(spec.network.input, spec.network.operations))
    flow.chain(spec.network.operations, ir.Var("x", axes))
    return tuple(flow.tensors)


def require_same(
    phase: Phase,
    tensors: tuple[ir.Tensor, ...],
    first: Phase,
    others: tuple[ir.Tensor, ...],
    report: Report,
) -> None:
    """What a phase hands on must fit the next one."""
    had, has = ({t.name: (t.role, t.shape) for t in found} for found in (others, tensors))
    if had == has:
        return
    name = next(k for k in {**had, **has} if had.get(k) != has.get(k))
    message = f"'{phase.name}' has another network than '{first.name}': {name} is not the same in both"
    hint = "phases hand on the parameters, so their number and their shapes stay"
    report.error("E0447", phase.span, message, related=((first.span, "the other one"),), hints=(hint,))


def frozen_in(phase: Phase, spec: Spec, report: Report) -> Phase:
    """With the names of the arrays that `freeze` means."""
    setting = next((s for s in phase.settings if s.name == "freeze"), None)
    if setting is None:
        return phase
    weights = [t for t in tensors_of(spec) if t.role in ir.PARAMETERS]
    layers = list(dict.fromkeys(t.name.partition(".")[0] for t in weights))
    many = isinstance(setting.value, ast.Set | ast.Tuple)
    found: list[str] = []
    for item in setting.value.items if many else (setting.value,):  # type: ignore[union-attr]
        word = dotted(item) or item.span.text
        named = [
            t.name
            for t in weights
            if word in (t.name, t.name.partition(".")[0]) or t.role in ROLES.get(word, ())
        ]
        found += named
        if not named:
            known = [*layers, *ROLES]
            hints = did_you_mean(word, [*known, *(t.name for t in weights)])
            message = f"there is no '{word}' to freeze"
            hint = (
                f"{listed(known[:12])}, or one of their arrays: {weights[0].name}"
                if weights
                else "objectives have no layers"
            )
            report.error("E0448", item.span, message, hints=hints or (hint,))
    if weights and {*found} >= {t.name for t in weights}:
        report.error(
            "E0448",
            setting.span,
            "all parameters are frozen, so nothing is trained",
            hints=("leave one layer",),
        )
    if numbered := [one for one in spec.monitor.shown if one.component is not None]:
        message = f"'monitor' shows {numbered[0].name} by its number, and with frozen layers theta has other numbers"
        report.error("E0448", setting.span, message, hints=("show norms, or freeze nothing",))
    return replace(phase, freeze=tuple(t.name for t in weights if t.name in found))
