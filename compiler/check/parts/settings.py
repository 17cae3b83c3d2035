"""Settings of a statement: known names, no repeats, values of the right form and range."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from netc.compiler.check.parts.units import count_meant, end_meant
from netc.compiler.meaning.findings import Report, listed
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_expr
from netc.dsl.source import Span
from netc.dsl.walks import dotted
from netc.dsl.words.vocabulary import at_home, joined, meant, same_value, setting_meant

T = TypeVar("T")
W = TypeVar("W", bound=str)
Reader = Callable[[ast.Expr], T]

MOST = 2**53
"""Numbers are float64 in a file: above this, not every whole one is what was written."""


class Unfit(Exception):
    """The value of a setting is not one: `wanted` says what would be."""

    def __init__(
        self,
        wanted: str,
        span: Span,
        code: str = "E0502",
        hints: tuple[str, ...] = (),
        *,
        settled: bool = False,
    ) -> None:
        super().__init__(wanted)
        self.wanted = wanted
        self.settled = settled
        """It says what was meant already."""
        self.hints = hints
        self.span = span
        self.code = code


class Settings:
    """The settings of one statement, read one by one."""

    def __init__(
        self, settings: tuple[ast.Setting, ...], statement: str, known: tuple[str, ...], report: Report
    ) -> None:
        self.report = report
        self.unknown = any(s.name not in known for s in settings)
        """Something was meant that is not understood."""
        self.given: dict[str, ast.Setting] = {}
        for setting in settings:
            if setting.name not in known:
                lower = setting.name.lower()
                says = f"here it is called '{lower}'" if lower in known else ""
                says = says or setting_meant(setting.name, statement) or at_home(setting.name, statement)
                hints = () if says else did_you_mean(setting.name, known)
                report.error(
                    "E0501",
                    name_span(setting),
                    joined(f"'{statement}' has no setting '{setting.name}'", says),
                    hints=hints or (f"its settings: {', '.join(known)}",),
                )
            elif setting.name in self.given:
                report.error(
                    "E0506",
                    name_span(setting),
                    f"'{setting.name}' is set twice",
                    related=((self.given[setting.name].span, "first here"),),
                )
            else:
                self.given[setting.name] = setting

    def get(self, name: str, reader: Reader[T], default: T) -> T:
        if name not in self.given:
            return default
        value = self.given[name].value
        try:
            return reader(value)
        except Unfit as error:
            given = error.span.text or print_expr(value)
            wanted = (not error.settled and count_meant(name, value)) or error.wanted
            self.report.error(error.code, error.span, f"{name} = {given}: {wanted}", hints=error.hints)
        except NotANumber as error:
            says = count_meant(name, value) or error.reason
            self.report.error("E0502", error.span, f"'{name}' must be a number: {says}")
        return default

    def require_unused(self, names: tuple[str, ...], why: str) -> None:
        for name in names:
            if name in self:
                self.report.error("E0502", self.span(name), f"'{name}' has no meaning here: {why}")

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def span(self, name: str) -> Span:
        return self.given[name].span


def name_span(setting: ast.Setting) -> Span:
    span = setting.span
    return Span(span.source, span.start, min(span.end, span.start + len(span.text.split("=")[0].rstrip())))


def word(*words: W) -> Reader[W]:
    """One of a few words."""

    def read(value: ast.Expr) -> W:
        if isinstance(value, ast.Name) and value.id in words:
            return next(w for w in words if w == value.id)
        shown = [w for w in words if w[0].islower()] or words
        if here := same_value(value.span.text, shown):
            raise Unfit(f"here it is called '{here}'", value.span, settled=True)
        hints = did_you_mean(value.id, shown) if isinstance(value, ast.Name) else ()
        raise Unfit(f"it is {listed(shown)}", value.span, hints=hints)

    return read


def truth(value: ast.Expr) -> bool:
    """`True` and `False` as well: calls of libraries can be copied."""
    return word("true", "false", "True", "False")(value).lower() == "true"


def whole(least: int) -> Reader[int]:
    """A whole number from `least` to MOST."""

    def read(value: ast.Expr) -> int:
        found = number(value)
        if found != found or abs(found) == float("inf") or found != int(found):
            raise Unfit("a whole number is needed", value.span)
        if found < least:
            raise Unfit(f"at least {least} is needed", value.span, "E0503")
        if found > MOST:
            raise Unfit(f"at most {MOST} (2^53) is possible", value.span, "E0503")
        return int(found)

    return read


def condition(value: ast.Expr) -> ast.Expr:
    if not isinstance(value, ast.Compare | ast.Logic | ast.Not):
        name = value.function if isinstance(value, ast.Call) else value
        if isinstance(name, ast.Name | ast.Member) and (says := meant(dotted(name) or "", "setting")):
            raise Unfit(says, value.span, settled=True)
        if says := end_meant(value):
            raise Unfit(says, value.span, settled=True)
        raise Unfit("a condition is needed, such as norm(grad R) < 1e-7", value.span)
    return value
