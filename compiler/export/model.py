"""What a file of source text holds: the ir of the network, the numbers of its parameters, its scaling, words about it.

And the part of the text that languages share: from this to the lines of `predict` and of the derivative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from numpy.typing import NDArray

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import reads, wanted
from netc.compiler.export.names import Names
from netc.compiler.export.one_sample import SEED, Prediction, groups, local
from netc.compiler.export.writer import Env, Words, Writer
from netc.dsl.record import record

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Scale:
    """scaled = (raw - shift)/divisor, in float64; a column each."""

    shift: Array
    divisor: Array


@dataclass(frozen=True, eq=False)
class Exported:
    problem: ir.Problem
    parameters: Mapping[str, Array]
    """By the names of the tensors, in the precision of the network; states of layers among them."""
    precision: Literal["f64", "f32"]
    inputs: Scale
    outputs: Scale
    fill: Array | None
    """What stands in the place of inputs that are NaN."""
    about: tuple[str, ...]
    """Lines for a comment: columns, classes, what it was made by."""


@record
class Function:
    """The body of `predict` or of the derivative."""

    lines: list[str]
    declared: dict[str, tuple[int, ...]]
    """Arrays and numbers in the precision of the network."""
    indices: tuple[str, ...]
    used: set[str]


def function(words: Words, names: Names, net: Prediction, model: Exported, derivative: bool) -> Function:
    """Of the arrays `inputs` and `outputs`, or `derivative`, which are float64."""
    steps = (
        wanted(net.steps, {v.name for let in ir.flat(net.backward) for v in reads(let)})
        if derivative
        else net.steps
    )
    every = (*steps, *net.backward) if derivative else steps
    kept = {net.slope} if derivative else {net.output.name}
    parts = (steps, net.backward) if derivative else (steps,)
    scalars = {name for part in parts for group in groups(part) if isinstance(group, tuple)
               for name in local(group, every, kept)}  # fmt: skip
    writer = Writer(words, names, scalars)
    _scaled_inputs(writer, net, model)
    read = {v.name for let in ir.flat(every) for v in reads(let)}
    for name in (net.input.name, *((SEED,) if derivative else ())):
        writer.lines += [] if name in read else words.unread(names.of(name))
    _write(writer, steps)
    axes = net.output.axes
    env = writer.over(axes)
    if derivative:
        seed = words.element(names.of(SEED), [env[a] for a in axes])
        writer.declared[names.of(SEED)] = tuple(a.size or 1 for a in axes)
        zero = words.assign(seed, words.real(0.0))
        one = words.assign(seed, words.real(1.0))
        back = writer.nested(lambda: _derivative_of(writer, net, model, env))
        first = writer.over(axes)
        cleared = words.assign(words.element(names.of(SEED), [first[a] for a in axes]), words.real(0.0))
        writer.lines += writer.loops(axes, first, [cleared])
        writer.lines += writer.loops(axes, env, [one, *back, zero])
    else:
        writer.lines += writer.loops(axes, env, [_output(writer, net, model, env)])
    return Function(writer.lines, writer.declared, (*writer.indices, *writer.places), writer.used)


def _scaled_inputs(writer: Writer, net: Prediction, model: Exported) -> None:
    words, axes = writer.words, net.input.axes
    x = writer.names.of(net.input.name)
    writer.declared[x] = net.input.shape
    env = writer.over(axes)
    place = flat_place(axes, env)
    raw, body = words.element("inputs", [place]), list[str]()
    if model.fill is not None:
        missing = words.spelled("ne").format("raw", "raw")
        body.append(words.assign("raw", raw))
        body += words.branch(missing, [words.assign("raw", words.element("input_fill", [place]))], [])
        raw = "raw"
    if model.inputs.shift.any():
        raw = f"({raw} - {words.element('input_shift', [place])})"
    if (model.inputs.divisor != 1).any():
        raw = f"{raw} / {words.element('input_divisor', [place])}"
    body.append(words.assign(words.element(x, [env[a] for a in axes]), words.working(raw)))
    writer.lines += writer.loops(axes, env, body)


def _output(writer: Writer, net: Prediction, model: Exported, env: Env) -> str:
    words, place = writer.words, flat_place(net.output.axes, env)
    name = writer.names.of(net.output.name)
    value = words.double(words.element(name, [env[a] for a in net.output.axes]))
    if (model.outputs.divisor != 1).any():
        value = f"{value} * {words.element('output_divisor', [place])}"
    if model.outputs.shift.any():
        value = f"{value} + {words.element('output_shift', [place])}"
    return words.assign(words.element("outputs", [place]), value)


def _derivative_of(writer: Writer, net: Prediction, model: Exported, env: Env) -> None:
    """Of one output by all inputs: a row."""
    words = writer.words
    _write(writer, net.backward)
    inner = writer.over(net.input.axes)
    row, column = flat_place(net.output.axes, env), flat_place(net.input.axes, inner)
    slope = words.element(writer.names.of(net.slope), [inner[a] for a in net.input.axes])
    value = words.double(slope)
    if (model.outputs.divisor != 1).any():
        value = f"{value} * {words.element('output_divisor', [row])}"
    if (model.inputs.divisor != 1).any():
        value = f"{value} / {words.element('input_divisor', [column])}"
    target = words.slope(row, column, net.input.size)
    writer.lines += writer.loops(net.input.axes, inner, [words.assign(target, value)])


def _write(writer: Writer, steps: Sequence[ir.Step]) -> None:
    for group in groups(steps):
        match group:
            case ir.Scan():
                writer.scan(group)
            case _:
                writer.group(group)


def flat_place(axes: ir.Axes, env: Env) -> str:
    """The place of an element among all, the last axis fastest."""
    parts = []
    for n, axis in enumerate(axes):
        if env[axis] == "0":
            continue
        step = prod(a.size or 1 for a in axes[n + 1 :])
        parts.append(f"{step}*{env[axis]}" if step != 1 else env[axis])
    return " + ".join(parts) or "0"


def scales(model: Exported) -> dict[str, Array]:
    """The arrays of float64 that the functions read."""
    found = {} if model.fill is None else {"input_fill": model.fill}
    for part, scale in (("input", model.inputs), ("output", model.outputs)):
        if scale.shift.any():
            found[f"{part}_shift"] = scale.shift
        if (scale.divisor != 1).any():
            found[f"{part}_divisor"] = scale.divisor
    return found


def number(value: Any) -> str:
    """The shortest text that reads back as the same number of its precision."""
    text = str(value)
    return text if any(c in text for c in ".einf") else f"{text}.0"
