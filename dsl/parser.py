"""Text to ast. All errors of a text are found in one go: each statement is parsed by itself.

Resolves nothing: `dsl/lexer.py` makes the tokens, `grammar/netc.lark` the structure, `dsl/build.py` the nodes,
`dsl/syntax_errors.py` the words when it fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from importlib.resources import files
from typing import Any

import lark.lexer
from lark import Lark
from lark.exceptions import UnexpectedToken
from netc.dsl import ast
from netc.dsl.build import callbacks
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.lexer import Chunk, Lexer
from netc.dsl.source import Source, Span
from netc.dsl.syntax_errors import explain

TALLEST = 150
"""Operations within operations: beyond this a walk over the tree would run out of stack."""


def parse(source: Source, start: int = 0, end: int | None = None) -> ast.Program:
    """The program that the text (or its part from start to end) spells. Raises SpecError with all that is wrong."""
    lexer = Lexer(source, _literals())
    chunks = lexer.run(start, end)
    errors = lexer.errors
    statements = [s for chunk in chunks if (s := _statement(chunk, errors)) is not None]
    if errors:
        raise SpecError(errors)
    return ast.Program(tuple(statements), span=Span(source, 0, len(source.text)))


def parse_statement(source: Source, start: int, end: int) -> ast.Statement:
    """The one statement in `[start, end)` of the text, which begins with its keyword."""
    program = parse(source, start, end)
    return program.statements[0]


def parse_expression(text: str, name: str = "<expression>") -> ast.Expr:
    """One expression, such as the value of `--set eta=0.1`."""
    expression: ast.Expr = _single(Source(name, text), "expression")
    return expression


def parse_optimizer(text: str, name: str = "<rule>") -> ast.Optimizer:
    """One update rule: an `optimizer` statement (a block or a use), or only the use: `torch.SGD(lr=0.1)`."""
    if not text.lstrip().startswith("optimizer"):
        rule: ast.Optimizer = _single(Source(name, text), "rule")
        return rule
    program = parse(Source(name, text))
    match program.statements:
        case (ast.Optimizer() as only,):
            return only
        case _:
            words = "one optimizer statement is expected here"
            raise SpecError([Diagnostic("E0009", words, program.statements[-1].span)])


def _single(source: Source, start: str) -> Any:
    lexer = Lexer(source, _literals())
    chunks = lexer.run(bare=True)
    errors = lexer.errors
    if not chunks:
        raise SpecError([Diagnostic("E0008", "nothing is written here", Span(source, 0, 0))])
    node = _statement(chunks[0], errors, start)
    if errors:
        raise SpecError(errors)
    return node


def _statement(chunk: Chunk, errors: list[Diagnostic], start: str = "statement") -> Any:
    """Parses one statement; None and at least one error if it is none."""
    try:
        node = _parser().parse(chunk.tokens, start=start)  # type: ignore[arg-type]
    except UnexpectedToken as error:
        if not chunk.broken:
            errors.append(explain(error, chunk))
        return None
    except SpecError as error:
        errors.extend(error.diagnostics)
        return None
    if len(chunk.tokens) > TALLEST and _height(node) > TALLEST:
        words = f"more than {TALLEST} operations are nested in one another"
        errors.append(Diagnostic("E0010", words, node.span, hints=("give a part of it a name of its own",)))
    return node


def _height(node: ast.Node) -> int:
    """The longest way from the node down to a leaf, found without recursion."""
    tallest, level = 0, [node]
    while level:
        tallest += 1
        level = [child for parent in level for child in _children(parent)]
    return tallest


def _children(node: ast.Node) -> Iterator[ast.Node]:
    for f in fields(node):
        match getattr(node, f.name):
            case ast.Node() as child:
                yield child
            case tuple(items):
                yield from (i for i in items if isinstance(i, ast.Node))
            case _:
                pass


class _Tokens(lark.lexer.Lexer):
    """What lark asks for a lexer: the tokens are made already."""

    def __init__(self, _: Any) -> None:
        pass

    def lex(self, tokens: Any) -> Any:
        return iter(tokens)


@cache
def _parser() -> Lark:
    text = files("netc.grammar").joinpath("netc.lark").read_text(encoding="utf-8")
    return Lark(
        text,
        parser="lalr",
        lexer=_Tokens,  # type: ignore[arg-type]
        start=["statement", "expression", "rule"],
        keep_all_tokens=True,
        maybe_placeholders=False,
        transformer=callbacks(),  # type: ignore[arg-type]
    )


@cache
def _literals() -> dict[str, str]:
    """Keyword or sign -> terminal, from the grammar."""
    return {
        t.pattern.value: t.name for t in _parser().terminals if isinstance(t.pattern, lark.lexer.PatternStr)
    }
