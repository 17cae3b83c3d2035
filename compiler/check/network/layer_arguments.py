"""What stands behind an operation's name -> arguments by name. Words fill parameters; shapes become their numbers, and
words to choose from the number of the word.

conv 5x5 same stride 2 nobias    size_1 = 5, size_2 = 5, same = true, stride_1 = 2, stride_2 = 2, bias = false
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from netc.compiler.check.network.place import Numbers
from netc.compiler.meaning.arguments import behind_a_name
from netc.compiler.meaning.bind_arguments import is_flag
from netc.compiler.meaning.findings import Report, listed
from netc.compiler.meaning.layer_families import refused
from netc.compiler.meaning.layer_parameters import (
    Definition,
    choices,
    inferred,
    positions,
)
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.words.vocabulary import joined, meant, same_parameter

TRUE, FALSE = ast.Name("true"), ast.Name("false")


def arguments_of(
    operation: ast.Operation,
    definition: Definition,
    size: float | None,
    last: float,
    report: Report,
    numbers: Numbers,
) -> tuple[ast.Argument, ...]:
    """By name. `size` stands behind the parentheses; `last` is the extent of the input's last index; `numbers` are those of
    the block around it."""
    parameters, by_input = definition.parameters, inferred(definition)
    given: dict[str, ast.Argument] = {}
    extra: list[ast.Argument] = []
    called = positions(operation, definition)
    for position, argument in enumerate(operation.arguments):
        name = argument.name or (called[position].name if position < len(called) else None)
        if name is None or name in given or behind_a_name(operation.arguments[: position + 1], ""):
            extra.append(argument)
        else:
            given[name] = ast.Argument(name, argument.value, span=argument.span)
    words = choices(definition)
    _Words(operation, parameters, words, given, report).run()
    open_ = [p.name for p in parameters if p.default is None and p.name not in given]
    for name in sorted(open_, key=by_input.__contains__) if isinstance(definition, ast.Layer) else open_:
        if size is not None:
            given[name] = ast.Argument(name, ast.Number(size), span=operation.span)
            size = None
        elif name in by_input:
            given[name] = ast.Argument(name, ast.Number(last), span=operation.span)
    why = {name: (said,) if (said := refused(definition.name, name)) else () for name in given}
    chosen = (
        _word_chosen(a, words[name], why[name], report) if name in words else a for name, a in given.items()
    )
    spread = (
        a
        for argument in chosen
        for a in _spread(argument, parameters, why[str(argument.name)], report, numbers)
    )
    return (*spread, *extra)


def _word_chosen(
    argument: ast.Argument, words: tuple[str, ...], why: tuple[str, ...], report: Report
) -> ast.Argument:
    """`padding = same`, or "same" as the library writes it, as the word's number."""
    match argument.value:
        case ast.Name(word) | ast.Text(word) if word in words:
            return replace(argument, value=ast.Number(float(words.index(word)), span=argument.span))
    shown = argument.value.span.text
    near = did_you_mean(shown.strip("\"'"), words)
    what = f"{listed(words)} here, not {shown}" if len(words) > 1 else f"always {words[0]} here"
    report.error("E0305", argument.span, f"'{argument.name}' is {what}", notes=why, hints=near)
    return replace(argument, value=ast.Number(0.0, span=argument.span))


def _spread(
    argument: ast.Argument,
    parameters: tuple[ast.Parameter, ...],
    why: tuple[str, ...],
    report: Report,
    numbers: Numbers,
) -> Iterator[ast.Argument]:
    shape = next((p.default for p in parameters if p.name == argument.name), None)
    if not isinstance(shape, ast.Shape):
        yield argument
        return
    count = len(shape.sizes)
    if isinstance(argument.value, ast.Text):
        report.error(
            "E0305",
            argument.span,
            f"'{argument.name}' is made of numbers, not {argument.value.span.text}",
            notes=why,
        )
        return
    match argument.value:
        case ast.Shape(sizes):
            values: list[ast.Expr] = [ast.Number(float(s), span=argument.span) for s in sizes]
        case ast.Tuple(items):
            values = list(items)
        case ast.Name(id) if f"{id}_1" in numbers:  # a shape that the block around it is given
            names = (f"{id}_{i}" for i in range(1, len(numbers) + 1))
            values = [ast.Name(name, span=argument.span) for name in names if name in numbers]
        case one:
            values = [one] * count
    if len(values) != count:
        report.error(
            "E0305",
            argument.span,
            f"'{argument.name}' has {count} numbers, as in {'x'.join(map(str, shape.sizes))}: {len(values)} given",
        )
        return
    for i, value in enumerate(values, start=1):
        yield ast.Argument(f"{argument.name}_{i}", value, span=argument.span)


class _Words:
    """What follows the name without parentheses."""

    def __init__(
        self,
        operation: ast.Operation,
        parameters: tuple[ast.Parameter, ...],
        choices: Mapping[str, tuple[str, ...]],
        given: dict[str, ast.Argument],
        report: Report,
    ) -> None:
        self.operation, self.parameters, self.given, self.report = operation, parameters, given, report
        self.choices = choices

    def run(self) -> None:
        words = list(self.operation.words)
        while words:
            word = words.pop(0)
            match word:
                case ast.Name(id):
                    words = self._named(id, word, words)
                case ast.Shape():
                    self._first([p for p in self.parameters if isinstance(p.default, ast.Shape)], word)
                case _:
                    self._first(
                        [p for p in self.parameters if p.default is not None and not is_flag(p)], word
                    )

    def _named(self, id: str, word: ast.Expr, rest: list[ast.Expr]) -> list[ast.Expr]:
        flags = {p.name for p in self.parameters if is_flag(p)}
        others = {p.name for p in self.parameters} - flags
        owner = next((name for name, words in self.choices.items() if id in words), None)
        if id in flags:
            self._give(id, TRUE, word)
        elif id.removeprefix("no") in flags:
            self._give(id.removeprefix("no"), FALSE, word)
        elif id in others and rest:
            self._give(id, rest[0], word)
            return rest[1:]
        elif owner is not None:
            self._give(owner, word, word)
        else:
            self._unknown(word)
        return rest

    def _first(self, fitting: list[ast.Parameter], word: ast.Expr) -> None:
        if fitting:
            self._give(fitting[0].name, word, word)
        else:
            self._unknown(word)

    def _give(self, name: str, value: ast.Expr, word: ast.Expr) -> None:
        if name in self.given:
            related = ((self.given[name].span, "first here"),)
            self.report.error("E0110", word.span, f"'{name}' is given twice", related=related)
        self.given[name] = ast.Argument(name, value, span=word.span)

    def _unknown(self, word: ast.Expr) -> None:
        options = [_option(p) for p in self.parameters if p.default is not None]
        name = self.operation.name
        if not options:
            hint = f"{name} has no options"
        elif len(options) == 1:
            hint = f"its one option is '{options[0]}'"
        else:
            hint = f"its options: {', '.join(options)}"
        near = did_you_mean(word.span.text, options)
        here = same_parameter(word.span.text, [p.name for p in self.parameters if p.default is not None])
        says = f"here it is called '{here}'" if here else meant(word.span.text, "of a layer")
        message = joined(f"'{word.span.text}' is no option of {name}", says)
        self.report.error("E0203", word.span, message, hints=near or (hint,))


def _option(p: ast.Parameter) -> str:
    if is_flag(p):
        return f"no{p.name}" if p.default == TRUE else p.name
    return f"{p.name} 3x3" if isinstance(p.default, ast.Shape) else f"{p.name} 1"
