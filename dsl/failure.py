"""Where the parser failed: the tokens of a statement, the offending one, what could have stood there. Says nothing of it."""

from __future__ import annotations

from collections.abc import Set

from netc.dsl.record import record
from netc.dsl.tokens import LAYOUT, Lexeme


@record
class Failure:
    """Where a statement stopped making sense."""

    tokens: list[Lexeme]
    at: int
    """Of the offending token; the number of tokens if they ended too early."""
    accepts: Set[str]
    """What could stand there: literals, and the names of the other terminals."""

    @property
    def token(self) -> Lexeme:
        return self.tokens[min(self.at, len(self.tokens) - 1)]

    def before(self, back: int = 1) -> Lexeme | None:
        return self.tokens[self.at - back] if self.at >= back else None

    @property
    def culprit(self) -> int:
        """The token whose line is at fault: that of the ':' where its block is missing."""
        return self.at - 2 if "_INDENT" in self.accepts else self.at

    @property
    def start(self) -> int:
        """Where the line of the offending token begins in the text."""
        return self.line[0].span.start if self.line else self.token.span.start

    @property
    def end(self) -> int:
        """Where that line ends."""
        rest = self.tokens[self.at :]
        return next((t.span.end for t in rest if t.type in LAYOUT), self.tokens[-1].span.end)

    @property
    def line(self) -> list[Lexeme]:
        """The tokens of the line up to the offending one."""
        start = max((i + 1 for i in range(self.at) if self.tokens[i].type in LAYOUT), default=0)
        return [t for t in self.tokens[start : self.at] if t.type not in LAYOUT]
