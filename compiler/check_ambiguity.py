"""Names of update rules: nothing ambiguous runs. The message shows the rules that bear the name."""

from __future__ import annotations

from itertools import zip_longest

from netc.compiler.check_report import Report
from netc.compiler.resolve import Definitions, variants
from netc.compiler.resolve_rule import equations
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_equation, print_expr
from netc.dsl.source import Span

WIDTH = 118
"""Of the lines of equations in a message."""


def find_rule(
    name: str, arguments: tuple[ast.Argument, ...], span: Span, definitions: Definitions, report: Report
) -> ast.Optimizer | None:
    family = variants(definitions.optimizers, name)
    found = definitions.optimizers.get(name)
    if found is not None and not (family and name.lower() not in definitions.optimizers.own):
        return found
    if len(family) > 1:
        _ambiguous(name, family, arguments, span, report)
    elif family:
        report.error(
            "E0102",
            span,
            f"there is no optimizer called '{name}'",
            hints=(f"the rule of that family is '{family[0].name}'",),
        )
    elif same := [n for n in definitions.optimizers.names() if n.lower().endswith(f".{name.lower()}")]:
        _of_libraries(name, same, span, report)
    else:
        near = did_you_mean(
            name, [*definitions.optimizers.names(), *{n.split(".")[0] for n in definitions.optimizers}]
        )
        report.error(
            "E0102",
            span,
            f"there is no optimizer called '{name}'",
            hints=near or ("'netc list optimizers' shows all",),
        )
    return None


def _of_libraries(name: str, same: list[str], span: Span, report: Report) -> None:
    """`Adam` alone, where `torch.Adam` and `keras.Adam` are two rules."""
    if len(same) == 1:
        message, hint = f"there is no optimizer called '{name}'", f"did you mean '{same[0]}'?"
        report.error("E0102", span, message, hints=(hint,))
    else:
        message = f"'{name}' is the name of {len(same)} rules, one a library; they differ"
        report.error("E0103", span, message, hints=(f"say which one: {', '.join(same)}",))


def _ambiguous(
    name: str, family: list[ast.Optimizer], arguments: tuple[ast.Argument, ...], span: Span, report: Report
) -> None:
    hints = []
    for argument in arguments:
        owners = [d.name for d in family if argument.name in {p.name for p in d.parameters}]
        if argument.name and 0 < len(owners) < len(family):
            hints.append(f"the parameter '{argument.name}' belongs to {_several(owners)}")
    explain = f"'netc explain {name}' compares them"
    hint = f"{'; '.join(hints)}; {explain}" if hints else explain
    report.error(
        "E0103", span, f"'{name}' names more than one update rule", notes=_equations(family), hints=(hint,)
    )


def find_clip(name: str | None, span: Span, definitions: Definitions, report: Report) -> ast.Clip | None:
    """The clip called `name`; None stands for something that is no name, such as a bare threshold."""
    table = definitions.clips
    if name is not None and name in table:
        return table[name]
    word = (name or "clip").lower()
    same = [n for n in table.names() if word == "clip" or n.lower().rpartition(".")[2] == word]
    same = same or [n for n in table.names() if n.lower().startswith(f"{word}.")]
    if len(same) > 1 or name is None:
        notes = tuple(f"{table[n].name}({table[n].variable})  {print_expr(table[n].value)}" for n in same)
        what = f"'{name}' names" if name else "a threshold alone fits"
        hint = "say which one: clip = torch.clip_grad_norm_(max_norm = 1)"
        report.error("E0103", span, f"{what} more than one way to clip", notes=notes, hints=(hint,))
    else:
        hints = did_you_mean(name, table.names()) or ("'netc list clips' shows all",)
        report.error("E0102", span, f"there is no clip called '{name}'", hints=hints)
    return None


DECAY = ("weight_decay", "decay", "l2")
DECAYS = (
    "coupled, as in torch.SGD    g = grad R(theta[n]) + lambda*theta[n], used like the gradient",
    "decoupled, as in AdamW      theta[n+1] = theta[n] - eta*(... + lambda*theta[n])",
)


def without_decay(
    rule: ast.Optimizer, arguments: tuple[ast.Argument, ...], report: Report
) -> tuple[ast.Argument, ...]:
    """`weight_decay` given to a rule that has none: which one is meant cannot be guessed."""
    names = {p.name for p in rule.parameters}
    decays = [a for a in arguments if a.name in DECAY and a.name not in names]
    for a in decays:
        hint = f"write the equations of '{rule.name}' in a block of your own, with one of them"
        notes = (*DECAYS, "lambda*weights*theta[n] spares the biases")
        report.error(
            "E0103", a.span, f"'{a.name}' names more than one update rule", notes=notes, hints=(hint,)
        )
    return tuple(a for a in arguments if a not in decays)


def _several(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _equations(rules: list[ast.Optimizer]) -> tuple[str, ...]:
    """One line a rule: its name and its equations, in columns; long rules have lines of their own."""
    rows = []
    for rule in rules:
        *rest, last = (print_equation(e) for e in equations(rule.body))
        rows.append((rule.name, *(f"{e};" for e in rest), last))
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    if sum(widths) + 2 * len(widths) <= WIDTH:
        return tuple(
            "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=False)).rstrip() for row in rows
        )
    lines: list[str] = []
    for name, *cells in rows:
        lines.append(name)
        for cell in cells:
            joined = f"{lines[-1]}  {cell}"
            if lines[-1] == name or len(joined) > WIDTH:
                lines.append(f"    {cell}")
            else:
                lines[-1] = joined
    return tuple(lines)
