"""A trained network -> one Fortran 2008 module: `predict(inputs, outputs)`, and `derivative` where it is asked for.

Both are pure; no allocation, no state that changes, no module but the intrinsic iso_fortran_env.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

import numpy as np

from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.export.model import Array, Exported, Function, function, number, scales
from netc.compiler.export.names import Names
from netc.compiler.export.one_sample import prediction

WIDTH = 100
"""A line may have 132 characters."""
AT_ONCE = 600
"""Numbers in a statement, which may go on over 255 lines."""
RESERVED = """inputs outputs derivative slopes raw predict rk dp sigmoid lesser greater floored expm1 log1p merge
real nint mod huge input_shift input_divisor input_fill output_shift output_divisor number_of_inputs number_of_outputs
abs exp log sqrt tanh sin cos tan atan erf aint min max sum if do end"""
"""Words that no array may be called."""
HELPERS = {
    "sigmoid": """  pure elemental function sigmoid(x) result(y)
    real(rk), intent(in) :: x
    real(rk) :: y, e
    e = exp(-abs(x))
    if (x >= 0) then
      y = 1 / (1 + e)
    else
      y = e / (1 + e)
    end if
  end function sigmoid
""",
    "lesser": """  pure elemental function lesser(a, b) result(y)
    real(rk), intent(in) :: a, b
    real(rk) :: y
    if (a < b .or. a /= a) then
      y = a
    else
      y = b
    end if
  end function lesser
""",
    "greater": """  pure elemental function greater(a, b) result(y)
    real(rk), intent(in) :: a, b
    real(rk) :: y
    if (a > b .or. a /= a) then
      y = a
    else
      y = b
    end if
  end function greater
""",
    "floored": """  pure elemental function floored(x) result(y)
    real(rk), intent(in) :: x
    real(rk) :: y
    y = aint(x)
    if (y > x) y = y - 1
  end function floored
""",
    # W. Kahan's: the error of u = 1 + x cancels in the quotient.
    "log1p": """  pure elemental function log1p(x) result(y)
    real(rk), intent(in) :: x
    real(rk) :: y, u
    u = 1 + x
    if (u <= 1 .and. u >= 1) then
      y = x
    else if (u > huge(x)) then
      y = u
    else
      y = log(u) * (x / (u - 1))
    end if
  end function log1p
""",
    "expm1": """  pure elemental function expm1(x) result(y)
    real(rk), intent(in) :: x
    real(rk) :: y, u
    if (abs(x) > 0.5_rk) then
      y = exp(x) - 1
    else
      u = exp(x)
      if (u <= 1 .and. u >= 1) then
        y = x
      else
        y = (u - 1) * (x / log(u))
      end if
    end if
  end function expm1
""",
}


class Fortran:
    """The language, for the writer. Arrays begin at 0, and the axes of the ir stand in reverse: the last one is fastest."""

    lazy = False

    def __init__(self, single: bool) -> None:
        self.single = single

    def spelled(self, op: str) -> str:
        return PRIMITIVES[op].fortran

    def real(self, value: float) -> str:
        return f"{number(np.float32(value) if self.single else float(value))}_rk"

    def least(self) -> str:
        return "-huge(0.0_rk)"

    def of_place(self, index: str) -> str:
        return f"real({index}, rk)"

    def rounded(self, value: str) -> str:
        return f"nint({value})"

    def working(self, value: str) -> str:
        return f"real({value}, rk)" if self.single else value

    def double(self, value: str) -> str:
        return f"real({value}, dp)" if self.single else value

    def slope(self, output: str, input: str, inputs: int) -> str:
        return f"slopes({output}, {input})"

    def element(self, array: str, indices: Sequence[str]) -> str:
        return f"{array}({', '.join(reversed(indices))})" if indices else array

    def remainder(self, number: str, divisor: int) -> str:
        return f"mod({number}, {divisor})"

    def assign(self, target: str, value: str) -> str:
        return f"{target} = {value}"

    def unread(self, name: str) -> list[str]:
        return []

    def both(self, conditions: Sequence[str]) -> str:
        return " .and. ".join(conditions)

    def loop(self, index: str, size: int, body: list[str], backward: bool = False) -> list[str]:
        bounds = f"{size - 1}, 0, -1" if backward else f"0, {size - 1}"
        return [f"do {index} = {bounds}", *_indented(body), "end do"]

    def branch(self, condition: str, then: list[str], otherwise: list[str]) -> list[str]:
        end = ["else", *_indented(otherwise), "end if"] if otherwise else ["end if"]
        return [f"if ({condition}) then", *_indented(then), *end]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def fortran_source(model: Exported, prefix: str, derivative: bool = False) -> str:
    """The text of the file. Raises SpecError where the network cannot be held."""
    net = prediction(model.problem, derivative)
    single = model.precision == "f32"
    words, names = Fortran(single), Names(RESERVED.split())
    made = {"predict": function(words, names, net, model, False)}
    if derivative:
        made["derivative"] = function(words, names, net, model, True)
    used = set().union(*(f.used for f in made.values()))
    inputs, outputs = net.input.size, model.problem.outputs
    lines = [
        *_comment(model, derivative),
        f"module {prefix}_model",
        "  use, intrinsic :: iso_fortran_env, only: dp => real64"
        + (", rk => real32" if single else ", rk => real64"),
        "  implicit none",
        "  private",
        f"  public :: {', '.join(made)}, number_of_inputs, number_of_outputs",
        f"  integer, parameter :: number_of_inputs = {inputs}, number_of_outputs = {outputs}",
        "",
    ]
    for name, array in scales(model).items():
        lines += _array("dp", name, array)
    for t in net.weights:
        lines += _array("rk", names.of(t.name), model.parameters[t.name].reshape(t.shape))
    lines += ["contains", ""]
    for name, body in made.items():
        lines += _subroutine(name, body, model, inputs, outputs)
    lines += [
        text for h, text in HELPERS.items() if any(PRIMITIVES[op].fortran.startswith(f"{h}(") for op in used)
    ]
    lines.append(f"end module {prefix}_model")
    return "\n".join(lines) + "\n"


def _comment(model: Exported, derivative: bool) -> Iterator[str]:
    inputs, outputs = model.problem.inputs, model.problem.outputs
    sizes = f"{inputs} input{'s'[: inputs != 1]} and {outputs} output{'s'[: outputs != 1]}"
    yield f"! predict(inputs, outputs): {sizes} in the units of the data."
    if derivative:
        yield "! derivative(inputs, slopes): slopes(o, i) of output o by input i."
    for line in model.about:
        yield from (f"! {part}" for part in wrap(line, WIDTH))
    yield "! Fortran 2008; no allocation, no state: calls from several threads do not meet."


def _subroutine(name: str, body: Function, model: Exported, inputs: int, outputs: int) -> Iterator[str]:
    """Recursive: else a compiler may put large arrays where all threads would share them."""
    result = "outputs" if name == "predict" else "slopes"
    shape = f"0:{outputs - 1}" if name == "predict" else f"0:{outputs - 1}, 0:{inputs - 1}"
    yield f"  pure recursive subroutine {name}(inputs, {result})"
    yield f"    real(dp), intent(in) :: inputs(0:{inputs - 1})"
    yield f"    real(dp), intent(out) :: {result}({shape})"
    if model.fill is not None:
        yield "    real(dp) :: raw"
    if body.indices:
        yield from _wrapped("    integer :: ", body.indices)
    if numbers := [n for n, sizes in body.declared.items() if not sizes]:
        yield from _wrapped("    real(rk) :: ", numbers)
    for array, sizes in body.declared.items():
        if sizes:
            yield f"    real(rk) :: {array}({_bounds(sizes)})"
    yield ""
    for line in body.lines:
        yield from _broken(f"    {line}")
    yield f"  end subroutine {name}"
    yield ""


def _bounds(shape: Sequence[int]) -> str:
    return ", ".join(f"0:{n - 1}" for n in reversed(shape))


def _wrapped(head: str, names: Sequence[str]) -> Iterator[str]:
    yield from _broken(head + ", ".join(names))


def _broken(line: str) -> Iterator[str]:
    """A long line, broken where a blank is."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    while len(line) > WIDTH:
        at = line.rfind(" ", len(indent) + 1, WIDTH)
        at = at if at > 0 else line.find(" ", WIDTH)
        if at < 0:
            break
        yield f"{line[:at]} &"
        line = indent + line[at + 1 :]
    yield line


def _array(kind: str, name: str, values: Array) -> Iterator[str]:
    """Declared, and its numbers by DATA, some hundred in a statement."""
    values = values.reshape(values.shape or (1,))
    yield f"  real({kind}) :: {name}({_bounds(values.shape)})"
    yield from _data(kind, name, values, ())
    yield ""


def _data(kind: str, name: str, values: Array, before: tuple[str, ...]) -> Iterator[str]:
    """`before` are the indices of the slower axes, which stand behind."""
    row = values[0].size
    if row > AT_ONCE:
        for i, part in enumerate(values):
            yield from _data(kind, name, part, (*before, str(i)))
        return
    some = max(1, AT_ONCE // row)
    for at in range(0, len(values), some):
        part = values[at : at + some]
        here = f"{at}:{at + len(part) - 1}"
        section = ", ".join([*(":" for _ in range(values.ndim - 1)), here, *reversed(before)])
        yield f"  data {name}({section}) / &"
        numbers = [f"{number(value)}_{kind}" for value in part.ravel()]
        yield from _numbers(numbers)


def _numbers(numbers: Sequence[str]) -> Iterator[str]:
    line = "    "
    for n, text in enumerate(numbers):
        piece = text + (" /" if n + 1 == len(numbers) else ", ")
        if len(line) + len(piece) > WIDTH:
            yield f"{line.rstrip()} &"
            line = "    "
        line += piece
    yield line
