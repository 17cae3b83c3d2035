"""Text to ast. All errors of a text are found in one go: each statement is parsed by itself.

Resolves nothing: `dsl/lexer.py` makes the tokens, `grammar/netc.lark` the structure, `dsl/builder/build.py` the
nodes, `dsl/syntax_errors.py` the words when it fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import lark.lexer
from lark import Lark, Token
from lark.exceptions import UnexpectedToken
from platformdirs import user_cache_path

import netc.grammar
from netc.dsl import ast
from netc.dsl.builder.build import callbacks
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.failure import Failure
from netc.dsl.lexer import Chunk, Lexer
from netc.dsl.own import is_own
from netc.dsl.source import Source, Span
from netc.dsl.syntax_errors import explain
from netc.dsl.tokens import LAYOUT, Lexeme
from netc.dsl.walks import children

TALLEST = 400
"""Operations within operations: beyond this a walk over the tree would run out of stack."""
# A walk takes up to a dozen calls of Python for each of them, and Python allows a thousand.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 25 * TALLEST))

MOST = 50
"""Errors told at once; a text with more is hardly a program."""


def parse(source: Source, start: int = 0, end: int | None = None) -> ast.Program:
    """The program that the text (or a part of it) spells. Raises SpecError with all that is wrong."""
    lexer = Lexer(source, literals())
    chunks = lexer.run(start, end)
    errors = lexer.errors
    statements: list[ast.Statement] = []
    for chunk in chunks:
        if len(errors) < MOST:
            statements += [s for s in [_statement(chunk, errors)] if s is not None]
    if errors:
        raise SpecError(errors[:MOST])
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
    lexer = Lexer(source, literals())
    chunks = lexer.run(bare=True)
    errors = lexer.errors
    if not chunks:
        raise SpecError([Diagnostic("E0008", "nothing is written here", Span(source, 0, 0))])
    node = _statement(chunks[0], errors, start)
    if errors:
        raise SpecError(errors)
    return node


def _statement(chunk: Chunk, errors: list[Diagnostic], start: str = "statement") -> Any:
    """Parses one statement; None and at least one error if it is none.

    A line of a block that makes no sense is reported and left out, so that the lines below are read as well.
    """
    tokens, failed = chunk.tokens, False
    while tokens and len(errors) < MOST:
        try:
            node: Any = _parser().parse(tokens, start=start)
        except UnexpectedToken as error:
            failure = _failure(error, tokens)
            if failure.at == 0 or not any(failure.start <= at <= failure.end for at in chunk.reported):
                errors.append(explain(failure))
            tokens, failed = _without_line(tokens, failure.culprit), True
        except SpecError as error:
            errors.extend(error.diagnostics)
            return None
        else:
            if len(tokens) > TALLEST and _height(node) > TALLEST:
                words = f"more than {TALLEST} operations are nested in one another"
                errors.append(Diagnostic("E0010", words, node.span, hints=("give a part of it a name",)))
            return None if failed else node
    return None


def _failure(error: UnexpectedToken, tokens: list[Lexeme]) -> Failure:
    at = next((i for i, token in enumerate(tokens) if token is error.token), len(tokens))
    return Failure(tokens, at, {_signs().get(name, name) for name in error.accepts})


def _without_line(tokens: list[Lexeme], at: int) -> list[Lexeme]:
    """Leaves out the line of a block that holds token `at`, with what is under it; empty if none is left."""
    ends = [i for i, t in enumerate(tokens) if t.type in LAYOUT]
    start = max((i + 1 for i in ends if i < at), default=0)
    stop = min((i + 1 for i in ends if i >= at), default=len(tokens))
    depth = 0
    while stop < len(tokens) and (tokens[stop].type == "_INDENT" or depth > 0):
        depth += {"_INDENT": 1, "_DEDENT": -1}.get(tokens[stop].type, 0)
        stop += 1
    empty = tokens[start - 1].type == "_INDENT" and tokens[stop : stop + 1] and tokens[stop].type == "_DEDENT"
    if empty:  # nor can the line stay that opens this block
        return _without_line(tokens, start - 2)
    return [] if start == 0 or start == stop else tokens[:start] + tokens[stop:]


def _height(node: ast.Node) -> int:
    """The longest way from the node down to a leaf, found without recursion."""
    tallest, level = 0, [node]
    while level:
        tallest += 1
        level = [child for parent in level for child in children(parent)]
    return tallest


class Tokens(lark.lexer.Lexer):
    """What lark asks for a lexer: the tokens are made already."""

    def __init__(self, _: object) -> None:
        pass

    def lex(self, lexer_state: Any, parser_state: Any = None) -> Iterator[Token]:
        return iter(lexer_state)


@cache
def _parser() -> Lark:
    text = Path(netc.grammar.__file__).with_name("netc.lark").read_text(encoding="utf-8")
    return Lark(
        text,
        parser="lalr",
        lexer=Tokens,
        start=["statement", "expression", "rule"],
        keep_all_tokens=True,
        maybe_placeholders=False,
        transformer=callbacks(),
        cache=_table(),
    )


def _table() -> str | bool:
    """Where lark keeps the parse table, which takes longer to make than all the rest of a check.

    Lark makes it anew if the file is stale or unreadable, and goes on without if it cannot be written. It unpickles
    the file, which executes what its writer wants: one that others may have written is thrown away.
    """
    folder = user_cache_path("netc")
    file = folder / "grammar.table"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not is_own(folder):
            return False
        reached = folder.stat().st_mode & 0o077
        if reached and os.path.lexists(file) and not is_own(file):
            file.unlink()
        folder.chmod(0o700)  # what lark writes there may have the rights of a group
    except OSError:
        return False
    return str(file)


@cache
def literals() -> dict[str, str]:
    """Keyword or sign -> terminal, from the grammar."""
    return {
        t.pattern.value: t.name for t in _parser().terminals if isinstance(t.pattern, lark.lexer.PatternStr)
    }


@cache
def _signs() -> dict[str, str]:
    """Terminal -> keyword or sign."""
    return {name: sign for sign, name in literals().items()}
