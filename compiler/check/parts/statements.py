"""The statements of a file by their kinds; what is missing, or stands twice, goes to the report."""

from __future__ import annotations

from typing import TypeVar

from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import head
from netc.dsl import ast
from netc.dsl.source import Span

S = TypeVar("S", bound=ast.Statement)


class Statements:
    def __init__(self, program: ast.Program, report: Report) -> None:
        self.program, self.report = program, report

    def all(self, kind: type[S]) -> list[S]:
        return [s for s in self.program.statements if isinstance(s, kind)]

    def one(self, kind: type[S]) -> S | None:
        """The one statement of its kind; a second one is an error."""
        found = self.all(kind)
        for other in found[1:]:
            word = kind.__name__.lower()
            self.report.error(
                "E0505", head(other), f"'{word}' stands twice", related=((head(found[0]), "first here"),)
            )
        return found[0] if found else None

    def missing(self, keyword: str, example: str) -> None:
        self.report.error("E0504", self.end, f"the file has no '{keyword}'", hints=(f"add {example}",))

    @property
    def end(self) -> Span:
        """Where a missing statement is reported: at the first one."""
        return head(self.program.statements[0]) if self.program.statements else self.program.span

    @property
    def scheduled(self) -> frozenset[str]:
        """Names that follow a schedule."""
        return frozenset(s.name for s in self.all(ast.Schedule) if not s.defines)
