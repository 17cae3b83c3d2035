"""Do the targets suit the loss? Judged on the numbers that the loss sees, after scaling and coding.

A loss says what it takes (`targets = 0..1`). Of one that does not say and takes a logarithm, the loss of a target is
followed to large outputs: where it falls without end, training would go there, and no minimum is found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.spec import Spec, TargetDomain
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.walks import called
from netc.runtime.data.columns import setting_span
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.errors import data_error
from netc.runtime.data.labels import whole_values
from netc.runtime.parameters import Array
from netc.runtime.training.loss_targets import Targets

ROUNDING = 1e-6
"""Probabilities that were computed in float32, or typed with a few digits, may miss their sum by so much."""
OUTWARD = (18.0, 24.0, 30.0)
"""Inputs of the last activation, up and down: sigmoid is 1 - 1e-13 at the last."""

MIDDLE = tuple(np.linspace(-8.0, 8.0, 161).tolist())
FAR = ((-8.0, -100.0, -600.0), (8.0, 100.0, 600.0))
"""Inputs of the last activation, to see how far its values go; exp(600) is finite."""


def require_taken(spec: Spec, data: Dataset, targets: Targets, y: Array) -> None:
    """E0620 where a target (N, outputs) is none that the loss can be taken of."""
    if not targets.of_numbers:
        _require_heard(spec, data, targets)
        return
    found = unfit(spec, y)
    if found is None:
        return
    row, column, reason = found
    name = data.target_names[min(column, len(data.target_names) - 1)]
    value, raw = y[row, column], data.y[row, min(column, data.y.shape[1] - 1)]
    scaled = f", {value:g} after scaling" if value != raw else ""
    raise data_error(
        "E0620",
        f"column '{name}' holds {raw:g}{scaled}: {reason}",
        setting_span(spec.data, "target"),
        hints=_ways_out(spec, data, value != raw),
    )


def unfit(spec: Spec, y: Array) -> tuple[int, int, str] | None:
    """(sample, output, why not) of the first target that the loss does not take."""
    assert spec.loss is not None
    domain, name = spec.loss.targets, spec.loss.definition.name
    bad = _outside(y, domain) if domain else _falls(spec, y)
    if not bad.any():
        return None
    row, column = (int(i) for i in np.argwhere(bad)[0])
    return row, column, f"'{name}' takes {words(domain)}" if domain else f"for it '{name}' falls without end"


def words(domain: TargetDomain) -> str:
    """`targets from 0 to 1`"""
    if domain.values:
        return f"the targets {' and '.join(f'{value:g}' for value in domain.values)}"
    ends = f"targets from {domain.low:g} to {domain.high:g}"
    if np.isinf(domain.high):
        ends = f"targets of at least {domain.low:g}"
    return f"{ends}, of sum 1 over the outputs" if domain.sum_is_one else ends


def _outside(y: Array, domain: TargetDomain) -> np.typing.NDArray[np.bool_]:
    if domain.values:
        return ~np.isin(y, domain.values)
    bad: np.typing.NDArray[np.bool_] = (y < domain.low - ROUNDING) | (y > domain.high + ROUNDING)
    if domain.sum_is_one and not bad.any():
        bad = bad | (abs(y.sum(axis=1, keepdims=True) - 1) > ROUNDING * y.shape[1])
    return bad


def _falls(spec: Spec, y: Array) -> np.typing.NDArray[np.bool_]:
    """Of a single output and a loss with a logarithm: targets whose loss has no lower end."""
    none = np.zeros(y.shape, bool)
    if spec.loss is None or spec.loss.definition.value is None or y.shape[1] != 1:
        return none
    if not called(spec.loss.definition.value) & {"log", "log1p"}:
        return none
    ends = {value: _has_no_end(spec, value) for value in (float(y.min()), float(y.max()))}
    for value, falls in ends.items():
        if falls:
            none |= y == value
    return none


def _has_no_end(spec: Spec, y: float) -> bool:
    return any(_goes_down([_loss(spec, side * z, y) for z in OUTWARD]) for side in (1, -1))


def _goes_down(losses: Sequence[float | None]) -> bool:
    """In a straight line, or faster."""
    if any(value is None or not np.isfinite(value) for value in losses):
        return False
    first, second = np.diff(np.array(losses, np.float64))
    return bool(second < -1e-6 and second <= 0.9 * first < 0)


def _loss(spec: Spec, z: float, y: float) -> float | None:
    """Of one sample with one output, whose last layer gives z before its activations."""
    u = _output(spec, z)
    return None if u is None else _loss_of(spec, u, y)


def _loss_of(spec: Spec, u: float, y: float) -> float | None:
    assert spec.loss is not None
    assert spec.loss.definition.value is not None
    return number_or_none(spec.loss.definition.value, {**dict(spec.loss.arguments), "u": u, "y": y})


def _output(spec: Spec, z: float) -> float | None:
    """What the last activations make of z."""
    assert spec.network is not None
    functions = {a.name for a in spec.functions}
    u: float | None = z
    for activation in spec.network.activations:
        if called(activation.definition.value) & functions or u is None:
            return None
        known = {**dict(activation.arguments), activation.definition.variable: u}
        u = number_or_none(activation.definition.value, known)
    return u


def out_of_reach(spec: Spec, data: Dataset, targets: Targets, y: Array) -> tuple[Diagnostic, ...]:
    """A warning where a loss measures how far outputs are from targets (N, outputs) that no output can be."""
    assert spec.network is not None
    if targets.kind != "numbers" or y.shape[1] != spec.network.outputs or not _is_distance(spec):
        return ()
    low, high = _ends(spec)
    margin = 1e-3 * (1 + min(abs(low), abs(high)))
    if y.min() >= low - margin and y.max() <= high + margin:
        return ()
    last = spec.network.activations[-1].definition.name
    scaled = "" if np.array_equal(y, data.y) else " after scaling"
    ends = f"the targets go from {y.min():.4g} to {y.max():.4g}{scaled}"
    message = f"{ends}, and ({last}) gives numbers {_between(low, high)}"
    hints = ("(lin) gives any number", "`scale_target = minmax` brings targets between 0 and 1")
    return (Diagnostic("E0496", message, spec.network.span, hints=hints, severity="warning"),)


def _between(low: float, high: float) -> str:
    ends = [f"{round(end, 2) + 0.0:g}" for end in (low, high)]
    if high == np.inf:
        return f"from {ends[0]} on"
    return f"up to {ends[1]}" if low == -np.inf else f"from {ends[0]} to {ends[1]}"


def _ends(spec: Spec) -> tuple[float, float]:
    """Of what the last activations can give; infinite where it cannot be told."""
    middle = [_output(spec, z) for z in MIDDLE]
    if any(u is None for u in middle):
        return -np.inf, np.inf
    known = [u for u in middle if u is not None]
    for near, far, farthest in ([_output(spec, z) for z in side] for side in FAR):
        if near is None or far is None:
            return -np.inf, np.inf
        if farthest is None or not abs(farthest - far) < 1:
            farthest = np.inf if far > near else -np.inf
        known += [far, farthest]
    return float(min(known)), float(max(known))


def _is_distance(spec: Spec) -> bool:
    """0 where the output is the target, and more elsewhere."""
    for target in (-2.0, 0.25, 3.0):
        there, near = (
            _loss_of(spec, target, target),
            [_loss_of(spec, target + d, target) for d in (-0.5, 0.5)],
        )
        if there != 0 or any(loss is None or loss <= 0 for loss in near):
            return False
    return True


def _require_heard(spec: Spec, data: Dataset, targets: Targets) -> None:
    """Refuses codes 0 and 1 where the loss of a 0 is the same for all outputs: one class would teach nothing."""
    if targets.kind != "codes":
        return
    for code in (0.0, 1.0):
        losses = [_loss(spec, z, code) for z in (-1.5, -0.25, 0.5, 2.0)]
        if None not in losses and len(set(losses)) == 1:
            loss = spec.loss.definition.name if spec.loss else ""
            raise data_error(
                "E0620",
                f"'{loss}' is the same for all outputs where the target is {code:g}, the code of "
                f"'{data.labels[int(code)]}': nothing is learnt of that class",
                setting_span(spec.data, "target"),
                hints=["`targets = {-1, 1}` at the loss makes the codes -1 and 1"],
            )


def _ways_out(spec: Spec, data: Dataset, scaled: bool) -> list[str]:
    if scaled and unfit(spec, data.y) is None:
        return ["`scale_target = none` leaves the targets as they are"]
    count = whole_values(data.y) if data.y.shape[1] == 1 else 0
    outputs = spec.network.outputs if spec.network else 0
    if count == max(outputs, 2):
        return [f"`classes = {count}` reads its {count} numbers as classes"]
    return ["for numbers of any size: half_mse or mse"]
