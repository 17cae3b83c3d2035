r"""Trees of the language -> LaTeX: `\theta_{n+1} = \theta_n - \eta\, \nabla R(\theta_n)`.

Prints what was written, in the order in which it was written; simplifies and checks nothing. The result
needs amsmath (`aligned`, `cases`, `\operatorname`) and stands in math mode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netc.compiler.meaning.components import as_written
from netc.dsl import ast
from netc.dsl.names import TO_GREEK
from netc.dsl.printer import ATOM, COMPARISON, POWER, PRODUCT, RANGE, SIGN, SUM, print_expr

CHOICE, OR, AND, NOT = range(4)
_RELATIONS = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "=": "=", "!=": r"\ne"}
_ACCENTS = {"hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde"}
_FUNCTIONS = ("exp", "log", "sin", "cos", "tan", "tanh", "max", "min")
"""With a command of their own in LaTeX."""
_NEW_ROW = r" \\ "
_LETTERS = {"eps": r"\varepsilon", "epsilon": r"\varepsilon", "lambda": r"\lambda", "inf": r"\infty"}


def latex_rule(actions: Iterable[ast.Action]) -> str:
    """The lines of an update rule as one `aligned` block."""
    lines = list(_lines(actions, 0))
    return "\\begin{aligned}\n" + " \\\\\n".join(f"  {line}" for line in lines) + "\n\\end{aligned}"


def latex_search(search: ast.Search) -> str:
    """The definition of a search: its head, and its lines below."""
    head = (
        rf"&\operatorname{{{search.name}}}({', '.join(_name(p.name) for p in search.parameters)})\text{{:}}"
    )
    lines = [head, *_lines(search.body, 1)]
    return "\\begin{aligned}\n" + " \\\\\n".join(f"  {line}" for line in lines) + "\n\\end{aligned}"


def _lines(actions: Iterable[ast.Action], depth: int) -> Iterator[str]:
    indent = r"\quad " * depth
    for action in actions:
        match action:
            case ast.Equation():
                yield f"{indent}{_left(action)} &= {_show(action.value)}"
            case ast.For(name, ast.Range(start, stop), body):
                bounds = rf"{_name(name)} = {_show(start)}, \dots, {_show(stop)}"
                yield rf"{indent}&\text{{for }} {bounds}\text{{:}}"
                yield from _lines(body, depth + 1)
            case ast.For(name, values, body):
                yield rf"{indent}&\text{{for }} {_name(name)} \in {_show(values)}\text{{:}}"
                yield from _lines(body, depth + 1)
            case ast.Repeat(bound, body):
                often = "" if bound is None else rf" at most }} {_show(bound)} \text{{ times"
                yield rf"{indent}&\text{{repeat{often}:}}"
                yield from _lines(body, depth + 1)
            case ast.Until(condition):
                yield rf"{indent}&\text{{until }} {_show(condition)}"
            case ast.End(word, condition):
                yield rf"{indent}&\text{{{word} if }} {_show(condition)}"
            case ast.If(condition, body, otherwise):
                yield rf"{indent}&\text{{if }} {_show(condition)}\text{{:}}"
                yield from _lines(body, depth + 1)
                if otherwise:
                    yield rf"{indent}&\text{{else:}}"
                    yield from _lines(otherwise, depth + 1)


# -- names -------------------------------------------------------------------------------------------


def _name(name: str) -> str:
    r"""`beta1` -> `\beta_1`, `v_hat` -> `\hat{v}`, `learning_rate` -> `\mathrm{learning\_rate}`."""
    stem, subscript = _parts(name)
    return stem + _under(subscript)


def _parts(name: str) -> tuple[str, str]:
    """The letter and its subscript."""
    first, _, last = name.rpartition("_")
    if first and last in _ACCENTS:
        stem, subscript = _parts(first)
        return f"{_ACCENTS[last]}{{{stem}}}", subscript
    stem = name.rstrip("0123456789")
    digits = name[len(stem) :]
    if stem in _LETTERS:
        return _LETTERS[stem], digits
    if stem in TO_GREEK:
        return f"\\{stem}", digits
    if len(stem) == 1:
        return stem, digits
    if first and (len(first) == 1 or first in TO_GREEK or first in _LETTERS) and not digits:
        return _parts(first)[0], rf"\mathrm{{{last}}}"
    if as_written(name) != name:  # a component of a tuple
        return "\\mathrm{" + first.replace("_", r"\_") + "}", last
    return "\\mathrm{" + name.replace("_", r"\_") + "}", ""


def _under(*parts: str) -> str:
    inside = ",".join(p for p in parts if p)
    return "" if not inside else f"_{inside}" if len(inside) == 1 else f"_{{{inside}}}"


def _left(equation: ast.Equation) -> str:
    stem, subscript = _parts(equation.name)
    return stem + _under(subscript, *(_index(i) for i in equation.indices))


def _index(expr: ast.Expr) -> str:
    """Without spaces and fractions: `n+1/2`."""
    return print_expr(expr).replace(" ", "").replace("*", "")


# -- expressions -------------------------------------------------------------------------------------


def _show(expr: ast.Expr, least: int = CHOICE) -> str:
    text, binds = _text(expr)
    return text if binds >= least else _parentheses(text)


def _parentheses(text: str) -> str:
    tall = any(mark in text for mark in (r"\frac", r"\begin", r"\sqrt", r"\left"))
    return rf"\left({text}\right)" if tall else f"({text})"


def _text(expr: ast.Expr) -> tuple[str, int]:
    match expr:
        case ast.Number():
            return _number(print_expr(expr))
        case ast.Percent(value):
            return rf"{_show(value, ATOM)}\,\%", ATOM
        case ast.Name(id):
            return _name(id), ATOM
        case ast.Index(ast.Name(id), index):
            return _left(ast.Equation(id, (index,), expr)), ATOM
        case ast.Gradient(loss, batch, point):
            nabla = rf"\nabla {_name(loss)}" + ("" if batch is None else _under(_index(batch)))
            return (nabla if point is None else nabla + _parentheses(_show(point))), ATOM
        case ast.Absolute(operand):
            return rf"\lvert {_show(operand)} \rvert", ATOM
        case ast.Call(function, arguments):
            return _call(function, arguments)
        case ast.Unary(op, operand):
            return f"{op}{_show(operand, SIGN)}", SIGN
        case ast.Binary(op, left, right):
            return _binary(op, left, right)
        case ast.Compare(op, left, right):
            return f"{_show(left, RANGE)} {_RELATIONS[op]} {_show(right, RANGE)}", COMPARISON
        case ast.Logic("and", left, right):
            return rf"{_show(left, AND)} \land {_show(right, NOT)}", AND
        case ast.Logic(_, left, right):
            return rf"{_show(left, OR)} \lor {_show(right, AND)}", OR
        case ast.Not(operand):
            return rf"\lnot {_show(operand, NOT)}", NOT
        case ast.Choose():
            return _cases(expr), ATOM
        case ast.Tuple(items):
            return _parentheses(", ".join(map(_show, items))), ATOM
        case ast.Set(items, dots):
            shown = [*map(_show, items[:dots]), r"\dots", _show(items[-1])] if dots else map(_show, items)
            return rf"\{{{', '.join(shown)}\}}", ATOM
        case ast.Range(start, stop):
            return rf"{_show(start, SUM)}, \dots, {_show(stop, SUM)}", RANGE
        case _:
            return rf"\text{{{print_expr(expr)}}}", ATOM


def _number(text: str) -> tuple[str, int]:
    mantissa, _, exponent = text.lower().partition("e")
    if not exponent:
        return text, SIGN if text.startswith("-") else ATOM
    power = rf"10^{{{int(exponent)}}}"
    return (power, POWER) if mantissa == "1" else (rf"{mantissa} \cdot {power}", PRODUCT)


def _binary(op: str, left: ast.Expr, right: ast.Expr) -> tuple[str, int]:
    match op:
        case "+" | "-":
            return f"{_show(left, SUM)} {op} {_show(right, PRODUCT)}", SUM
        case "*":
            first, second = _show(left, PRODUCT), _show(right, SIGN)
            sign = r" \cdot" if second[0].isdigit() else r"\,"
            return f"{first}{sign} {second}", PRODUCT
        case "/":
            return rf"\frac{{{_show(left)}}}{{{_show(right)}}}", PRODUCT
        case _:
            exponent = _show(right).replace(" + ", "+").replace(" - ", "-")
            return f"{_show(left, ATOM)}^{exponent if len(exponent) == 1 else f'{{{exponent}}}'}", POWER


def _cases(expr: ast.Expr) -> str:
    """A chain of conditionals as one brace."""
    rows: list[str] = []
    while isinstance(expr, ast.Choose):
        rows.append(rf"{_show(expr.then)} & \text{{if }} {_show(expr.condition)}")
        expr = expr.otherwise
    rows.append(rf"{_show(expr)} & \text{{otherwise}}")
    return rf"\begin{{cases}} {_NEW_ROW.join(rows)} \end{{cases}}"


def _call(function: ast.Expr, arguments: tuple[ast.Argument, ...]) -> tuple[str, int]:
    name = function.id if isinstance(function, ast.Name) else ""
    values = [_show(a.value) for a in arguments if a.name != "per"]
    part = "".join(rf"_{{\text{{{print_expr(a.value)}}}}}" for a in arguments if a.name == "per")
    match name, values:
        case "sqrt", [x]:
            return rf"\sqrt{{{x}}}", ATOM
        case "norm", [x]:
            return rf"\lVert {x} \rVert{part}", ATOM
        case "abs", [x]:
            return rf"\lvert {x} \rvert", ATOM
        case "dot", [_, _]:
            return rf"\langle {values[0]}, {values[1]} \rangle", ATOM
        case "sum", [_]:
            return rf"\sum{part} {_show(arguments[0].value, PRODUCT)}", PRODUCT
    if name in _FUNCTIONS:
        return rf"\{name}{part}{_parentheses(', '.join(values))}", ATOM
    if isinstance(function, ast.Index):
        return f"{_show(function)}{_parentheses(', '.join(values))}", ATOM
    word = print_expr(function).replace("_", r"\_")
    head = word if len(word) == 1 else rf"\operatorname{{{word}}}"
    return head + part + _parentheses(", ".join(values)), ATOM
