"""How LaTeX, MATLAB and programs write a formula, known by the place where a line breaks off: `theta_{n+1}`, `x .* y`."""

from __future__ import annotations

import re
from collections.abc import Set

from netc.dsl.tokens import STATEMENTS, Lexeme
from netc.dsl.words.vocabulary import meant

GROUP = re.compile(r"[{(\[]([^{}()\[\]\r\n]*)[})\]]")
TIME = re.compile(r"([A-Za-z]\w*?)_?([ntk])")
EXAMPLE = "theta[n+1] = theta[n] - eta*grad R(theta[n])"
GRADIENT = "the gradient of the loss is written grad R(theta[n])"
CHOICES = {
    "where": "a choice is an expression, x if c else y",
    "when": "a choice is an expression, x if c else y",
    "unless": "a choice is an expression, x if c else y",
}
PIECES = {
    "for": "how long a value of a schedule lasts is said by 'until', 0.1 until 75, 0.01",
    "then": "values of a schedule follow one another, 0.1 until 75, 0.01",
    "after": "values of a schedule follow one another, 0.1 until 75, 0.01",
}
FUNCTIONS = (
    "exp", "log", "ln", "sqrt", "sin", "cos", "tan", "tanh", "sinh", "cosh", "abs", "max", "min", "sign", "floor", "erf",
    "sum", "norm",
)  # fmt: skip
SQUARE = "an index stands in square brackets, theta[n+1]"
STRAY = {
    "←": "an equation has the sign '='", "∂": GRADIENT, "$": "a formula stands in the line as it is", "₊": SQUARE,
    "₋": SQUARE, "ₙ": SQUARE, "ₜ": SQUARE, "⊙": "a product is written x*y, component by component",
    "?": "a choice is an expression, x if c else y", "∫": "there are no integrals, a sum is sum(...)",
}  # fmt: skip
COMMANDS = {
    "nabla": GRADIENT, "partial": GRADIENT, "grad": GRADIENT, "frac": "a quotient is written a/b",
    "dfrac": "a quotient is written a/b", "tfrac": "a quotient is written a/b", "cdot": "a product is written x*y",
    "times": "a product is written x*y", "odot": "a product is written x*y, component by component",
    "left": "brackets stand without a word", "right": "brackets stand without a word", "|": "a norm is written norm(x)",
    "Vert": "a norm is written norm(x)", "lVert": "a norm is written norm(x)", "rVert": "a norm is written norm(x)",
    "begin": "a choice is an expression, x if c else y", "gets": "an equation has the sign '='",
    "leftarrow": "an equation has the sign '='", "leq": "it is written <=", "geq": "it is written >=",
    "le": "it is written <=", "ge": "it is written >=", "neq": "it is written !=", "infty": "it is written inf",
    "lfloor": "it is written floor(x)", "end": "a choice is an expression, x if c else y",
}  # fmt: skip
ACCENTS = (
    "hat",
    "tilde",
    "bar",
    "mathbf",
    "mathrm",
    "boldsymbol",
    "vec",
    "bm",
    "text",
    "dot",
    "overline",
    "widehat",
)
COUNTED = (
    "epoch",
    "epochs",
    "step",
    "steps",
    "iterations",
    "iters",
    "batches",
    "iteration",
    "seconds",
    "runs",
    "times",
)


def of_a_paper(before: list[Lexeme], token: Lexeme, accepts: Set[str]) -> str:
    """How what was meant is written here; `before` is the line up to the token at which it broke off, not empty."""
    last, words = before[-1], [str(t) for t in before]
    if len(before) == 1 and "=" in accepts and "[" in accepts and words[0] not in STATEMENTS:
        return _left_side(last, token)
    if last.type == "NAME" and token == "{" and last.span.text.endswith("_"):
        return _index(last, token)
    if (token == "grad" and last == ".") or (token == "(" and words[-3:-1] == ["grad", "R"] and last == ")"):
        return GRADIENT
    if token == "{" and last.type == "NAME" and "=" in words:
        return f"what a function is of stands in parentheses, {last.span.text}(x)"
    if token == "<" and token.span.source.text[token.span.start :].startswith("<-"):
        return "an equation has the sign '='"
    if last == "%" and token.type in ("NAME", "NUMBER"):
        return "the rest of a division is a - b*floor(a/b)"
    if token.type == "NAME" and token.span.text in CHOICES and "=" in words:
        return CHOICES[token.span.text]
    if words[0] == "schedule" and token.type == "NAME" and token.span.text in PIECES and "=" in words:
        return PIECES[token.span.text]
    if words[0] == "objective" and last.span.text == "lambda" and token.type == "NAME":
        return "a formula has its variables on the left, objective R(x) = x^2"
    if token == "_" and last == "1":
        return "it is written 1 if x > 0 else 0"
    if words[-2:-1] == ["grad"] and last.span.text.startswith("_") and token.type == "NAME":
        return GRADIENT
    if last == "." and token in ("*", "/", "^"):
        return f"all is component by component, and the dot left out, x{token}y"
    if token == "." and last.type != "NUMBER" and "*" in accepts and "=" in words:
        return _behind_a_dot(token)
    if token == ";" and _ends(token):
        return "a line ends without a sign"
    if token.type == "NAME" and last == "‖" and token.startswith("_"):
        return "norm(x) is the root of the sum of squares, sum(|x|) that of the absolute values"
    if token == "(" and words[-2:-1] == ["^"] and before[-3].type == "NAME" and last.type == "NUMBER":
        return f"a power of a function is written {words[-3]}(x)^{last}"
    return _counted(before, token)


def network_meant(keyword: Lexeme, token: Lexeme) -> str:
    """Of a network that is a row of sizes, `64-32-10`, `[2 (tanh) 3 1]`, has its activations in other places,
    `[13 -> tanh 3 -> 1]`, or is the call of another tool, `[Linear(2, 3), Tanh()]`."""
    line = keyword.span.source.text[keyword.span.end :].partition("\n")[0].partition("#")[0].strip()
    line = re.sub(r"^([A-Za-z]\w*\s*)?[=:]\s*", "", line)
    calls = ("dense" if w.lower() == "linear" else w for w in re.findall(r"[A-Za-z_]\w*(?=\()", line))
    if found := next((w for w in calls if meant(w, "layer")), ""):
        return meant(found, "layer")
    if not re.sub(r"[\dx\s\[\]]", "", line):
        line = line.replace("x", " ")
    words = re.findall(r"\d+|[A-Za-z]\w*", line)
    if re.sub(r"\d+|[A-Za-z]\w*|->|=>|→|[-–,:;()\[\]{}×*\s]", "", line) or not re.match(r"[\[({\s]*\d", line):
        return ""
    if (
        sum(w.isdigit() for w in words) < 2
        or re.search(r"\dx\d", line)
        or line == (network := _in_brackets(words))
    ):
        return ""
    if re.sub(r"[,\s]", "", line) == network:
        return f"layers follow one another without commas, {network}"
    return f"activations stand between the sizes, in parentheses, {network}"


def _in_brackets(words: list[str]) -> str:
    """Sizes and activations in their order; where one is missing, that which is usual."""
    last = max(i for i, word in enumerate(words) if word.isdigit())
    network, before = words[0], words[0]
    for i, word in enumerate(words[1 : last + 1], 1):
        if word.isdigit() and before.isdigit():
            network += "(lin)" if i == last else "(tanh)"
        network += word if word.isdigit() else f"({word})"
        before = word
    return f"[{network}]"


def sign_meant(text: str, rest: str, before: str) -> str:
    """What is meant by a character that is none of the language; `rest` is the line from it on, `before` the kind of what
    stands before it."""
    if text == "\\":
        return _command(rest)
    if text == "@" and re.match(r"@\s*\(", rest):
        return "a function is a statement, objective R(x) = x^2"
    if text == "@" and (size := re.match(r"@(\d+)x(\d+)", rest)):
        return f"an image is height x width x channels, {size[1]}x{size[2]}x1"
    if text == "'" and before == "a name":
        return "a derivative is written grad R(theta[n]), the next value of a state v[n+1]"
    if text == "'" and before in (")", "]"):
        return "there are no matrices in a rule, and nothing to transpose"
    if text == "!" and before in ("a name", "NUMBER", ")"):
        return "there are no factorials, a number is written out, x^3/6"
    return STRAY.get(text, "")


def _command(rest: str) -> str:
    r"""Of LaTeX: `\theta_{n+1}`, `\sin`, `\hat{m}`."""
    found = re.match(r"\\([A-Za-z]+|\S)", rest)
    word = found[1] if found else ""
    behind = rest[found.end() :] if found else ""
    if word in COMMANDS:
        return COMMANDS[word]
    if word in FUNCTIONS:
        return f"a function is written {'log' if word == 'ln' else word}(x)"
    if word in ACCENTS:
        inner = re.match(r"\{?\\?(\w+)", behind)
        return f"a name is letters and digits, {(inner[1] if inner else 'm') + ('_hat' if 'hat' in word else '')}"
    if word.isalpha() and len(word) > 1:
        index = re.match(r"_\{?([ntk](?:\s*[+-]\s*1)?)\}?", behind)
        return f"it is written {word}" + (f"[{re.sub('[tk]', 'n', index[1])}]" if index else "")
    return "formulas are written without it, x^2, sqrt(x), theta[n+1]"


def _left_side(last: Lexeme, token: Lexeme) -> str:
    """`theta_{n+1} =`, `theta(n+1) =`, `theta^{n+1} =`, `theta_n+1 =`, `theta -= ...`, `theta <- ...`"""
    line = token.span.source.text[token.span.start :].partition("\n")[0]
    name = last.span.text
    if token in ("+", "-", "*", "/") and line[1:2] == "=":
        return f"the value before stands in it, {name}[n+1] = {name}[n] {token} ..."
    if token == "+" and (timed := TIME.fullmatch(name)) and line.startswith("+1"):
        return f"an index stands in square brackets, {timed[1]}[n+1]"
    if token in ("{", "(", "^"):
        return _index(last, token)
    return ""


def _index(last: Lexeme, token: Lexeme) -> str:
    """Of `theta_{n+1}`, `theta^(n)`: the brackets of the language."""
    rest = token.span.source.text[token.span.start :].lstrip("^ ")
    found = GROUP.match(rest)
    inside = re.sub(r"\b[tk]\b", "n", found[1]) if found else "n+1"
    return f"an index stands in square brackets, {last.span.text.rstrip('_')}[{inside.replace(' ', '')}]"


def _behind_a_dot(token: Lexeme) -> str:
    """`(u - y).pow(2)`, `(u - y).abs()`, `x.T`"""
    rest = re.match(r"\.\s*(\w+)(\(.*?\))?", token.span.source.text[token.span.start :])
    if rest is None:
        return "all is component by component, and the dot left out, x/y"
    if rest[1] in ("pow", "square"):
        return "a power is written x^2"
    if rest[1] in ("abs", "mean", "sum", "max", "min", "exp", "log", "sqrt", "norm", "sign", "tanh", "dot"):
        return f"a function stands before its argument, {rest[1]}(...)"
    return ""


def _ends(token: Lexeme) -> bool:
    rest = token.span.source.text[token.span.end :].partition("\n")[0]
    return not rest.partition("#")[0].strip()


def _counted(before: list[Lexeme], token: Lexeme) -> str:
    """`until 5 epochs`, `until epoch 5`, `expect steps = 3 steps`"""
    last, keyword = before[-1], str(before[0])
    unit, number = (token, last) if last.type == "NUMBER" else (last, token)
    if number.type != "NUMBER" or unit.span.text not in COUNTED:
        return ""
    if keyword == "schedule" and "until" in before:
        steps = ", unit = step" if unit[0] in "si" else ""
        return f"the number stands alone, schedule eta = 0.1 until {number.span.text}, 0.01{steps}"
    return f"the number stands alone, {number.span.text}" if keyword == "expect" else ""
