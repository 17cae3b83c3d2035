"""loops -> text: one printer for all targets; what a target spells differently stands in its table.

The text is a Python module that reads like the method: every function has a sentence, every section names
the part of the `.net` file it comes from. Nothing is decided here.
"""

from __future__ import annotations

from typing import assert_never

from netc.compiler.kernels import loops as L
from netc.dsl.record import record

INFIX = {
    "add": ("+", 5), "sub": ("-", 5), "mul": ("*", 6), "div": ("/", 6), "floordiv": ("//", 6), "mod": ("%", 6),
    "lt": ("<", 3), "le": ("<=", 3), "gt": (">", 3), "ge": (">=", 3), "eq": ("==", 3), "ne": ("!=", 3),
    "and": ("and", 1), "or": ("or", 0),
}  # fmt: skip
"""Operators of plain numbers and of vectors alike, with their precedence in Python."""

REALS = {"f64": "float64", "f32": "float32"}
"""Precision -> the name of its numbers, on every target."""

PREFIX = {"neg": ("-", 7), "not": ("not ", 2)}


@record
class Spelling:
    """A target's table: the module's opening lines, decorators, and the names of its functions."""

    header: str
    decorator: str
    function: str
    """The decorator's options."""
    parallel: str
    """The same, for a function with a parallel loop."""
    names: dict[str, str]
    """Primitive or vector operation -> name in the text, or a template with a place `{0}` for each argument;
    absent: as it is."""
    parallel_range: str = "range"
    counted: bool = False
    """Whether loops are `while` loops."""
    index: str = "{}"
    """How an index that is no constant is written."""
    allocating: str = ""
    """Options of a function that makes arrays."""
    apart: str = ""
    """The decorator of functions with declared types, which are not linked into what calls them."""


PLAIN = Spelling("", "", "", "", {}, "in parallel over")
"""No target's: primitives and vector operations under their own names, for reading."""


def emit(module: L.Module, spelling: Spelling) -> str:
    lines = [f'"""{module.title}"""', "", *spelling.header.splitlines(), ""]
    lines += [f"{name} = {value!r}" for name, value in module.constants]
    printer = _Printer(spelling)
    for function in module.functions:
        lines += ["", "", *printer.function(function)]
    return "\n".join(lines) + "\n"


@record
class _Printer:
    spelling: Spelling

    def function(self, f: L.Function) -> list[str]:
        options = self.spelling.function
        if f.parallel or "zeros" in L.calls(f):
            options = self.spelling.parallel if f.parallel else self.spelling.allocating
        types = f"{f.returns}({', '.join(f.types)}), " if f.types else ""
        decorator = (f.types and self.spelling.apart) or self.spelling.decorator
        head = [f"@{decorator}({types}{options})"] if decorator else []
        lines = [*head, f"def {f.name}({', '.join(f.parameters)}):"]
        if f.note:
            lines.append(f'    """{f.note}"""')
        return lines + self.block(f.body, 1)

    def block(self, body: tuple[L.Stmt, ...], depth: int) -> list[str]:
        lines = [line for stmt in body for line in self.stmt(stmt, depth)]
        only_notes = all(isinstance(stmt, L.Note) for stmt in body)
        return [*lines, "    " * depth + "pass"] if only_notes else lines

    def stmt(self, stmt: L.Stmt, depth: int) -> list[str]:
        pad = "    " * depth
        match stmt:
            case L.Note(text):
                return [f"{pad}# {line}" for line in text.splitlines()]
            case L.Let(name, value):
                return [f"{pad}{name} = {self.expr(value)}"]
            case L.Store(array, index, value):
                return [f"{pad}{self.expr(L.At(array, index))} = {self.expr(value)}"]
            case L.Do(call, ()):
                return [pad + self.expr(call)]
            case L.Do(call, groups):
                return self.laid_out(call, groups, depth)
            case L.Loop() if self.spelling.counted:
                return self.counted(stmt, depth)
            case L.Loop():
                return [pad + self.loop_head(stmt), *self.block(stmt.body, depth + 1)]
            case L.While(condition, body):
                return [f"{pad}while {self.expr(condition)}:", *self.block(body, depth + 1)]
            case L.If(condition, then, otherwise):
                lines = [f"{pad}if {self.expr(condition)}:", *self.block(then, depth + 1)]
                return lines + ([f"{pad}else:", *self.block(otherwise, depth + 1)] if otherwise else [])
            case L.Break():
                return [pad + "break"]
            case L.Return(value):
                return [f"{pad}return {self.expr(value)}" if value is not None else f"{pad}return"]
            case _:
                assert_never(stmt)

    def laid_out(self, call: L.Call, groups: tuple[int, ...], depth: int) -> list[str]:
        """Arguments that belong together on a line."""
        pad, inner = "    " * depth, "    " * (depth + 1)
        given, lines = list(call.args), [f"{pad}{call.function}("]
        for size in groups:
            lines.append(f"{inner}{', '.join(self.expr(a) for a in given[:size])},")
            given = given[size:]
        assert not given, call.function
        return [*lines, f"{pad})"]

    def counted(self, s: L.Loop, depth: int) -> list[str]:
        """The same loop with a counter of its own, for compilers that see through nothing else."""
        pad, inner = "    " * depth, "    " * (depth + 1)
        head = [f"{pad}{s.name} = {self.expr(s.start)}", f"{pad}while {s.name} < {self.expr(s.stop, 4)}:"]
        return [*head, *self.block(s.body, depth + 1), f"{inner}{s.name} = {s.name} + {self.expr(s.step)}"]

    def loop_head(self, s: L.Loop) -> str:
        bounds = [s.start, s.stop, s.step]
        if s.step == L.Int(1):
            bounds = bounds[:2] if s.start != L.Int(0) else bounds[1:2]
        kind = self.spelling.parallel_range if s.parallel else "range"
        return f"for {s.name} in {kind}({', '.join(self.expr(b) for b in bounds)}):"

    def expr(self, e: L.Expr, outer: int = -1) -> str:
        match e:
            case L.Int(value, name):
                return name or str(value)
            case L.Real(value):
                return real(value)
            case L.Name(name):
                return name
            case L.At(array, start, stop):
                return f"{self.expr(array)}[{self.index(start, stop)}]"
            case L.Call():
                return self.call(e, outer)
            case _:
                assert_never(e)

    def index(self, start: L.Expr, stop: L.Expr | None) -> str:
        if stop is not None:
            return f"{self.expr(start)}:{self.expr(stop)}"
        text = self.expr(start)
        return text if isinstance(start, L.Int) else self.spelling.index.format(text)

    def call(self, e: L.Call, outer: int) -> str:
        spelled = self.spelling.names.get(e.function)
        if spelled is None and e.function in INFIX:
            sign, level = INFIX[e.function]
            # The right operand of the same level keeps its brackets: a - (b - c), a / (b * c).
            text = f"{self.expr(e.args[0], level)} {sign} {self.expr(e.args[1], level + 1)}"
            return f"({text})" if level < outer else text
        if spelled is None and e.function in PREFIX:
            sign, level = PREFIX[e.function]
            text = sign + self.expr(e.args[0], level)
            return f"({text})" if level < outer else text
        arguments = [self.expr(a) for a in e.args]
        if spelled is not None and ("{" in spelled or spelled.endswith(")")):
            return spelled.format(*arguments)
        return f"{spelled or e.function}({', '.join(arguments)})"


def real(value: float) -> str:
    """A float literal that Python reads back to the same bits."""
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return repr(float(value))
