"""A trained network -> one C99 file: `NAME_predict(inputs, outputs)`, and `NAME_derivative` where it is asked for.

No allocation, no state that changes, nothing but the C library's mathematics.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap

import numpy as np

from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.export.model import Array, Exported, Function, function, number, scales
from netc.compiler.export.names import Names
from netc.compiler.export.one_sample import prediction

WIDTH = 100
RESERVED = """auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
inputs outputs derivative raw sigmoid lesser greater main input_shift input_divisor input_fill output_shift output_divisor
I NAN INFINITY"""
"""Words that no array may be called."""
HELPERS = {
    "sigmoid": """static {real} sigmoid({real} x)
{{
    const {real} e = exp(-fabs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}}
""",
    "lesser": """static {real} lesser({real} a, {real} b)
{{
    return a < b || a != a ? a : b;
}}
""",
    "greater": """static {real} greater({real} a, {real} b)
{{
    return a > b || a != a ? a : b;
}}
""",
}


class C:
    """The language, for the writer."""

    lazy = True

    def __init__(self, single: bool) -> None:
        self.single = single
        self.type = "float" if single else "double"

    def spelled(self, op: str) -> str:
        return PRIMITIVES[op].c

    def real(self, value: float) -> str:
        return f"{number(np.float32(value))}f" if self.single else number(float(value))

    def least(self) -> str:
        return "-INFINITY"

    def of_place(self, index: str) -> str:
        return f"({self.type})({index})"

    def rounded(self, value: str) -> str:
        return f"(int)lround({value})"

    def working(self, value: str) -> str:
        return f"(float)({value})" if self.single else value

    def double(self, value: str) -> str:
        return f"(double){value}" if self.single else value

    def slope(self, output: str, input: str, inputs: int) -> str:
        row = "" if output == "0" else f"{inputs}*{_bracketed(output)} + "
        return f"derivative[{row}{input}]"

    def element(self, array: str, indices: Sequence[str]) -> str:
        return array + "".join(f"[{index}]" for index in indices)

    def remainder(self, number: str, divisor: int) -> str:
        return f"{number} % {divisor}"

    def assign(self, target: str, value: str) -> str:
        return f"{target} = {value};"

    def unread(self, name: str) -> list[str]:
        return [f"(void){name};"]

    def both(self, conditions: Sequence[str]) -> str:
        return " && ".join(conditions)

    def loop(self, index: str, size: int, body: list[str], backward: bool = False) -> list[str]:
        head = (
            f"int {index} = {size - 1}; {index} >= 0; {index}--"
            if backward
            else f"int {index} = 0; {index} < {size}; {index}++"
        )
        return [f"for ({head}) {{", *_indented(body), "}"]

    def branch(self, condition: str, then: list[str], otherwise: list[str]) -> list[str]:
        end = ["} else {", *_indented(otherwise), "}"] if otherwise else ["}"]
        return [f"if ({condition}) {{", *_indented(then), *end]


def _bracketed(index: str) -> str:
    return f"({index})" if " " in index else index


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def c_source(model: Exported, prefix: str, derivative: bool = False) -> str:
    """The text of the file. Raises SpecError where the network cannot be held."""
    net = prediction(model.problem, derivative)
    words = C(model.precision == "f32")
    names = Names([*RESERVED.split(), *(row.c.partition("(")[0] for row in PRIMITIVES.values())])
    made = {"outputs": function(words, names, net, model, False)}
    if derivative:
        made["derivative"] = function(words, names, net, model, True)
    used = set().union(*(f.used for f in made.values()))
    lines = [
        *_comment(model, prefix, derivative),
        "#include <tgmath.h>",
        "",
        *(f"{_head(prefix, what)};" for what in made),
        "",
    ]
    for name, array in scales(model).items():
        lines += _array("double", name, array)
    for t in net.weights:
        lines += _array(words.type, names.of(t.name), model.parameters[t.name].reshape(t.shape))
    lines += [
        HELPERS[h].format(real=words.type)
        for h in HELPERS
        if any(PRIMITIVES[op].c.startswith(f"{h}(") for op in used)
    ]
    for what, body in made.items():
        lines += [
            _head(prefix, what),
            "{",
            *_declarations(words.type, body, model),
            *_indented(body.lines),
            "}",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def _head(prefix: str, what: str) -> str:
    verb = "predict" if what == "outputs" else "derivative"
    return f"void {prefix}_{verb}(const double *inputs, double *{what})"


def _comment(model: Exported, prefix: str, derivative: bool) -> Iterator[str]:
    inputs, outputs = model.problem.inputs, model.problem.outputs
    sizes = f"{inputs} input{'s'[: inputs != 1]} and {outputs} output{'s'[: outputs != 1]}"
    yield f"/* {prefix}_predict(inputs, outputs): {sizes} in the units of the data."
    if derivative:
        yield f"   {prefix}_derivative(inputs, derivative): derivative[{inputs}*o + i] of output o by input i."
    for line in model.about:
        yield from (f"   {part}" for part in wrap(line.replace("*/", "* /"), WIDTH))
    yield "   C99; no allocation, no state: calls from several threads do not meet. */"


def _declarations(real: str, body: Function, model: Exported) -> Iterator[str]:
    if model.fill is not None:
        yield "    double raw;"
    places = [name for name in body.indices if name.startswith("p")]
    if places:
        yield from _wrapped("    int ", places)
    numbers = [name for name, shape in body.declared.items() if not shape]
    if numbers:
        yield from _wrapped(f"    {real} ", numbers)
    for name, shape in body.declared.items():
        if shape:
            yield f"    {real} {name}{''.join(f'[{n}]' for n in shape)};"
    yield ""


def _wrapped(head: str, names: Sequence[str]) -> Iterator[str]:
    line = head
    for n, name in enumerate(names):
        piece = name + (";" if n + 1 == len(names) else ", ")
        if len(line) + len(piece) > WIDTH:
            yield line.rstrip()
            line = " " * 8
        line += piece
    yield line


def _array(real: str, name: str, values: Array) -> Iterator[str]:
    """`static const double weight[15][13] = {...};`"""
    shape = values.shape or (1,)
    sign = "f" if real == "float" else ""
    yield f"static const {real} {name}{''.join(f'[{n}]' for n in shape)} = {{"
    yield from _rows(values.reshape(shape), sign, "    ")
    yield "};"
    yield ""


def _rows(values: Array, sign: str, indent: str) -> Iterator[str]:
    if values.ndim > 1:
        for row in values:
            yield f"{indent}{{"
            yield from _rows(row, sign, indent + "    ")
            yield f"{indent}}},"
        return
    line = indent
    for value in values:
        piece = f"{number(value)}{sign}, "
        if len(line) + len(piece) > WIDTH:
            yield line.rstrip()
            line = indent
        line += piece
    yield line.rstrip()


def valid_prefix(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z]\w{0,30}", name) is not None
