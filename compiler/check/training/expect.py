"""`points`: where runs may end; and the settings of `expect`. What is claimed is judged by the runtime."""

from __future__ import annotations

from collections.abc import Iterator
from math import dist, isfinite

from netc.compiler.check.parts.definitions import text
from netc.compiler.check.parts.settings import Settings
from netc.compiler.check.parts.shares import check_shares
from netc.compiler.meaning.findings import Report, counted
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.compiler.meaning.spec import FAR, KINDS, Expectation, Optimizer, Points
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.source import Span
from netc.dsl.walks import walk

TAKEN = frozenset({
    *KINDS, FAR, "theta", "loss", "accuracy", "r2", "steps", "iterations", "epochs", "kept_epochs", "evaluations", "outcome",
    "converged", "not_converged", "diverged", "step_too_small", "gradient_norm", "theta_norm", "grows",
    "median", "mean", "min", "max", "quartile", "share", "all", "R", "parameters", "seconds",
})  # fmt: skip
"""Names that an `expect` knows already."""
EXAMPLE = "points minima = {(-2, 1), (2, -1)} within 0.05"


def check_expectations(program: ast.Program, report: Report) -> tuple[Expectation, ...]:
    return tuple(_expectation(s, report) for s in program.statements if isinstance(s, ast.Expect))


def _expectation(statement: ast.Expect, report: Report) -> Expectation:
    claim, within = statement.claim, statement.within
    settings = Settings(statement.settings, "expect", ("claimed", "source"), report)
    claimed = settings.given["claimed"].value if "claimed" in settings else None
    if claimed is not None and not isinstance(claim, ast.Compare):
        message = "'claimed' is the paper's figure beside the one that was found, but this compares no figure"
        report.error("E0712", claimed.span, message, hints=("expect diverged = 22% of runs, claimed = 65%",))
    check_shares(claim, within, report)
    _plus_minus(claim, report)
    written = claim.span.to(within.span if within else claim.span).text
    return Expectation(claim, within, written, claimed, settings.get("source", text, ""))


def _plus_minus(claim: ast.Expr, report: Report) -> None:
    """`accuracy(test) = 0.95 +- 0.01` would be 0.95 - 0.01."""
    for node in walk(claim):
        match node:
            case ast.Binary("+" | "-", left, ast.Unary("-" | "+", right)) if node.span.text:
                between = Span(node.span.source, left.span.end, right.span.start)
                if between.text.strip() in ("+-", "-+"):
                    message = f"'{between.text.strip()}' is no sign of a tolerance: within {right.span.text}"
                    hints = (f"{left.span.text} within {right.span.text}",)
                    report.error("E0705", between, message, hints=hints)


# -- points ------------------------------------------------------------------------------------------


def check_points(
    statements: list[ast.Points], size: int, optimizer: Optimizer | None, report: Report
) -> tuple[Points, ...]:
    """Every list with its numbers; `size` is P, or 0 where it is not known."""
    names = dict(optimizer.arguments) if optimizer else {}
    lists: dict[str, ast.Points] = {}
    seen: list[tuple[tuple[float, ...], float, Span]] = []
    found: list[Points] = []
    for s in statements:
        _name(s, lists, report)
        radius = _radius(s, names, report)
        places = tuple(_places(s, size, names, report))
        for place, span in places:
            _apart(place, radius, span, seen, report)
        found.append(Points(s.name, tuple(place for place, _ in places), radius))
    return tuple(found)


def _name(s: ast.Points, lists: dict[str, ast.Points], report: Report) -> None:
    if s.name in TAKEN:
        hints = ("such as minima, saddles, maxima, goals",)
        report.error("E0710", head(s), f"'{s.name}' means something else in an expect", hints=hints)
    elif s.name in lists:
        related = ((head(lists[s.name]), "first here"),)
        report.error("E0710", head(s), f"there are two lists of points named '{s.name}'", related=related)
    lists.setdefault(s.name, s)


def _radius(s: ast.Points, names: dict[str, float], report: Report) -> float:
    if s.within is None:
        message = "how near is near enough? The list has no 'within'"
        report.error("E0709", head(s), message, hints=(EXAMPLE,))
        return 0.0
    radius = _number(s.within, names, report, "a distance is a number")
    if radius is not None and isinstance(s.within, ast.Percent):
        message = f"a distance is a number, and {s.within.span.text} of what? It would be {radius:g}"
        report.error("E0709", s.within.span, message, hints=(EXAMPLE,))
        return 0.0
    if radius is None or radius > 0:
        return radius or 0.0
    message = f"a distance is a positive number, not {s.within.span.text or print_expr(s.within)}"
    report.error("E0709", s.within.span, message)
    return 0.0


def _places(
    s: ast.Points, size: int, names: dict[str, float], report: Report
) -> Iterator[tuple[tuple[float, ...], Span]]:
    """The points of a list that are whole, each with where it stands; one point may stand for itself."""
    items = s.values.items if isinstance(s.values, ast.Set) else (s.values,)
    if not items:
        report.error("E0707", s.values.span, "the list holds no point", hints=(EXAMPLE,))
    for item in items:
        numbers = item.items if isinstance(item, ast.Tuple) else (item,)
        if size and len(numbers) != size:
            message = f"theta has {counted(size, 'component')} here, {len(numbers)} are given"
            report.error("E0707", item.span, message)
            continue
        values = [_number(n, names, report) for n in numbers]
        place = tuple(v for v in values if v is not None)
        if len(place) == len(values):
            yield place, item.span


def _number(
    e: ast.Expr, names: dict[str, float], report: Report, what: str = "a point is made of numbers"
) -> float | None:
    try:
        found = number(e, names)
    except NotANumber as error:
        report.error("E0305", error.span, f"{what}: {error.reason}")
        return None
    if not isfinite(found):
        report.error("E0305", e.span, f"{what}: this one is not finite")
        return None
    return found


def _apart(
    place: tuple[float, ...],
    radius: float,
    span: Span,
    seen: list[tuple[tuple[float, ...], float, Span]],
    report: Report,
) -> None:
    """A run must not have reached two of the points at once."""
    for other, reach, where in seen:
        if len(other) != len(place):
            continue
        if other == place:
            report.error("E0708", span, "this point is listed twice", related=((where, "first here"),))
        elif (distance := dist(place, other)) <= radius + reach:
            message = f"a run can be near both: the points are {distance:.4g} apart"
            notes = (f"a run has reached them within {reach:g} and {radius:g}",)
            related = ((where, "the other point"),)
            report.error("E0708", span, message, related=related, notes=notes)
        else:
            continue
        break
    seen.append((place, radius, span))
