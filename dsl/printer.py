"""Expressions back to text, with no more parentheses than the grammar needs: `parse(print(e)) == e`."""

from __future__ import annotations

from netc.dsl import ast
from netc.dsl.names import greek

# How tightly each form binds, as in the grammar.
CHOICE, OR, AND, NOT, COMPARISON, RANGE, SUM, PRODUCT, SIGN, POWER, POSTFIX, ATOM = range(12)

_BINARY = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "^": POWER}


def print_expr(expr: ast.Expr, *, unicode: bool = False) -> str:
    """The expression on one line; with `unicode`, as in print: `θ[n] - η*∇R(θ[n])`."""
    return Printer(unicode).show(expr)


def print_equation(equation: ast.Equation, *, unicode: bool = False) -> str:
    """The line of an update rule: `theta[n+1] = theta[n] - eta*v[n+1]`."""
    printer = Printer(unicode)
    return f"{printer.left(equation)} = {printer.show(equation.value)}"


class Printer:
    """Prints expressions in one spelling."""

    def __init__(self, unicode: bool, close: bool = False) -> None:
        self.name = greek if unicode else str
        self.nabla = "∇" if unicode else "grad "
        self.unicode = unicode
        self.gap = "" if close else " "
        self.close = self if close else Printer(unicode, close=True)
        """Prints what stands in an index or exponent: `theta[n+1]`, `beta^(n+1)`."""

    def show(self, expr: ast.Expr, least: int = CHOICE) -> str:
        """In parentheses if it binds less tightly than `least`."""
        text, binds = self.text(expr)
        return text if binds >= least else f"({text})"

    def left(self, equation: ast.Equation) -> str:
        """What an equation defines: `theta[n+1]`."""
        return self.name(equation.name) + "".join(f"[{self.close.show(i)}]" for i in equation.indices)

    def array(self, name: str, indices: tuple[ast.Expr, ...]) -> str:
        """`z[h, w, o]`."""
        return self.name(name) + (f"[{self.close.subscripts(indices)}]" if indices else "")

    def subscripts(self, indices: tuple[ast.Expr, ...]) -> str:
        return ", ".join(map(self.show, indices))

    def architecture(self, node: ast.Architecture) -> str:
        """`[13(tanh)15(lin)1]` where each stage is an activation and a size, else with blanks."""
        plain = all(
            len(x.operations) == 1 and not x.operations[0].words and x.size and x.times == 1
            for x in node.stages
        )
        gap = "" if plain else " "
        parts = [self.show(node.input)] if node.input is not None else []
        for stage in node.stages:
            parts.append(f"({', '.join(map(self._one, stage.operations))})")
            if stage.size is not None:
                parts.append(self.show(stage.size))
            if stage.times != 1:
                parts.append(f"x {stage.times}")
            if stage.called:
                parts.append(f"as {self.name(stage.called)}")
        return f"[{gap.join(parts)}]"

    def _one(self, node: ast.Operation) -> str:
        arguments = f"({self.arguments(node.arguments)})" if node.arguments else ""
        return " ".join([node.name + arguments, *map(self.show, node.words)])

    def operand(self, expr: ast.Expr) -> str:
        """One side of a comparison."""
        return self.show(expr, CHOICE if isinstance(expr, ast.Of | ast.Over) else RANGE)

    def _all(self, items: tuple[ast.Expr, ...]) -> str:
        return ", ".join(self.show(i) for i in items)

    def text(self, expr: ast.Expr) -> tuple[str, int]:
        match expr:
            case ast.Number(value, text):
                written = text or number(value)
                return written, SIGN if written.startswith("-") else ATOM
            case ast.Text(value):
                return '"' + value.replace('"', '""') + '"', ATOM
            case ast.Name(id):
                return self.name(id), ATOM
            case ast.Shape(sizes):
                return "x".join(map(str, sizes)), ATOM
            case ast.Percent(value):
                return self.show(value, ATOM) + "%", POSTFIX
            case ast.Member(base, name):
                return f"{self.show(base, ATOM)}.{name}", ATOM
            case ast.Index(base, index):
                return f"{self.show(base, ATOM)}[{self.close.subscripts(_several(index))}]", ATOM
            case ast.Call(function, arguments):
                return self._call(function, arguments), ATOM
            case ast.Gradient(loss, batch, point):
                return self._gradient(loss, batch, point), ATOM
            case ast.InputGradient(loss):
                return f"grad_x {loss}", ATOM
            case ast.Absolute(operand):
                inner = self.show(operand)
                # `||` is the sign of a norm
                gap = " " if inner.startswith("|") or inner.endswith("|") else ""
                return f"|{gap}{inner}{gap}|", ATOM
            case ast.Tuple(items):
                return f"({self._all(items)}{',' if len(items) == 1 else ''})", ATOM
            case ast.Set(items, dots) if dots:
                return f"{{{self._all(items[:dots])}, ..., {self.show(items[-1])}}}", ATOM
            case ast.Set(items):
                return "{" + self._all(items) + "}", ATOM
            case ast.Architecture():
                return self.architecture(expr), ATOM
            case _:
                return self._operation(expr)

    def _operation(self, expr: ast.Expr) -> tuple[str, int]:
        match expr:
            case ast.Unary(op, operand):
                return op + self.show(operand, SIGN), SIGN
            case ast.Binary(op, left, right):
                return self._binary(op, left, right), _BINARY[op]
            case ast.Compare(op, left, right):
                sign = "==" if op == "=" else op
                return f"{self.operand(left)} {sign} {self.show(right, RANGE)}", COMPARISON
            case ast.Logic("and", left, right):
                return f"{self.show(left, AND)} and {self.show(right, NOT)}", AND
            case ast.Logic(_, left, right):
                return f"{self.show(left, OR)} or {self.show(right, AND)}", OR
            case ast.Not(operand):
                return f"not {self.show(operand, NOT)}", NOT
            case ast.Choose(then, condition, otherwise):
                head = f"{self.show(then, OR)} if {self.show(condition, OR)}"
                return f"{head} else {self.show(otherwise)}", CHOICE
            case ast.Range(start, stop):
                return f"{self.show(start, SUM)}..{self.show(stop, SUM)}", RANGE
            case ast.Of(value, whole):
                return f"{self.show(value, RANGE)} of {whole}", CHOICE
            case ast.Over(value, axis):
                return f"{self.show(value, RANGE)} over {axis}", CHOICE
            case ast.Among(name, values):
                return f"{self.show(name)} in {self.show(values)}", CHOICE
            case ast.Drawn(name, law):
                return f"{self.show(name)} ~ {self.show(law)}", CHOICE
            case ast.Counted(value, unit):
                return f"{self.show(value)} {unit}", CHOICE
            case ast.Gain(figure, patience, unit):  # the last word of a condition
                return f"no gain in {self.show(figure)} for {self.show(patience)} {unit}", AND
            case _:
                raise AssertionError(expr)

    def _binary(self, op: str, left: ast.Expr, right: ast.Expr) -> str:
        match op:
            case "+" | "-":
                return f"{self.show(left, SUM)}{self.gap}{op}{self.gap}{self.show(right, PRODUCT)}"
            case "^":
                # 2^-1 and a^b^c need no parentheses on the right
                return f"{self.show(left, POSTFIX)}^{self.close.show(right, SIGN)}"
            case _:
                return f"{self.show(left, PRODUCT)}{op}{self.show(right, SIGN)}"

    def _call(self, function: ast.Expr, arguments: tuple[ast.Argument, ...]) -> str:
        if (
            self.unicode
            and function == ast.Name("norm")
            and len(arguments) == 1
            and arguments[0].name is None
        ):
            return f"‖{self.show(arguments[0].value)}‖"
        return f"{self.show(function, ATOM)}({self.arguments(arguments)})"

    def definition(self, name: str, parameters: tuple[ast.Parameter, ...]) -> str:
        """The head of a definition: `momentum.ema(eta = 0.1, beta1 = 0.1)`."""
        named = ".".join(map(self.name, name.split(".")))
        return f"{named}({self.parameters(parameters)})" if parameters else named

    def parameters(self, parameters: tuple[ast.Parameter, ...]) -> str:
        return ", ".join(
            self.name(p.name) + ("" if p.default is None else f" = {self.show(p.default)}")
            for p in parameters
        )

    def arguments(self, arguments: tuple[ast.Argument, ...]) -> str:
        return ", ".join(
            self.show(a.value) if a.name is None else f"{self.name(a.name)} = {self.show(a.value)}"
            for a in arguments
        )

    def _gradient(self, loss: str, batch: ast.Expr | None, point: ast.Expr | None) -> str:
        index = "" if batch is None else f"[{self.close.show(batch)}]"
        at = "" if point is None else f"({self.show(point)})"
        return f"{self.nabla}{loss}{index}{at}"


def _several(index: ast.Expr) -> tuple[ast.Expr, ...]:
    """One tuple of one element is that one subscript in parentheses."""
    return index.items if isinstance(index, ast.Tuple) and len(index.items) > 1 else (index,)


def number(value: float) -> str:
    """The shortest text that reads back as the value: `3`, `0.1`, `1e-07`, `inf`."""
    if value == value // 1 and abs(value) < 1e15:
        return str(int(value))
    return repr(value)
