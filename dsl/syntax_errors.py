"""What the parser could not read, said in the user's terms."""

from __future__ import annotations

from lark.exceptions import UnexpectedToken
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.lexer import STATEMENTS, Chunk, Lexeme
from netc.dsl.names import did_you_mean


def explain(error: UnexpectedToken, chunk: Chunk) -> Diagnostic:
    """The diagnostic for the token at which a statement stopped making sense."""
    token = error.token if isinstance(error.token, Lexeme) else chunk.tokens[-1]
    first = chunk.tokens[0]
    if token is first and token.type == "NAME":
        return Diagnostic(
            "E0007",
            f"no statement begins with '{token}'",
            token.span,
            hints=did_you_mean(str(token), STATEMENTS),
        )
    if token.type == "_NL":
        return Diagnostic("E0008", "the line ends too early", token.span)
    return Diagnostic("E0009", f"'{token.span.text or token}' is not expected here", token.span)
