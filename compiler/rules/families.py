"""A family of rules side by side: `momentum` -> its variants as equations, what differs marked.

Compares what is written, term by term; whether rules mean the same is decided in `equivalence.py`.
"""

from __future__ import annotations

from itertools import pairwise

from netc.compiler.meaning.candidates import candidates, spellings, table
from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.rule_equations import lines
from netc.compiler.rules.explain import call, comment, short
from netc.dsl import ast, library


def variants(family: str) -> list[ast.Optimizer]:
    """The rules of the library that a bare name may mean; empty if it is no family."""
    names = [n for n in library.names("optimizer") if n.rpartition(".")[0].lower() == family.lower()]
    found = [library.lookup("optimizer", n) for n in names]
    return [rule for rule in found if isinstance(rule, ast.Optimizer)]


def compared(name: str) -> list[str]:
    """All that bear the name, libraries too, in common names; empty if that is one rule or none."""
    found = spellings(name, library.names("optimizer"))
    rules = {n: (rule, values) for n, values in found.items()
             if isinstance(rule := library.lookup("optimizer", n), ast.Optimizer)}  # fmt: skip
    return list(table(candidates(rules))) if len(rules) > 1 else []


def side_by_side(family: str, unicode: bool) -> list[str]:
    """Each rule with its equations; what differs from the first rule is underlined."""
    rules = variants(family)
    everywhere = compared(family)
    heading = (
        f"'{family}' in netc's families and in libraries; g is the gradient at theta[n], and an equation that"
    )
    library_part = [heading, "is not shown is that of the first rule.", "", *everywhere] if everywhere else []
    if len(rules) < 2:
        return library_part
    reference = lines(rules[0].body, unicode)
    text = [f"'{family}' names {len(rules)} update rules; ~~~ marks what differs from the first.", ""]
    for rule in rules:
        text.append(_signature(rule, unicode))
        text += [f"  # {line}" for line in comment(rule.name)]
        for line in lines(rule.body, unicode):
            under = marks(line, reference)
            text += [f"    {line}"] + ([f"    {under}"] if under else [])
        text.append("")
    return text + library_part


def marks(line: str, reference: list[str]) -> str:
    """`~` below the terms of an equation that the reference's equation for the same name has not."""
    left = line.split(" = ")[0].strip()
    same = next((r for r in reference if r.split(" = ")[0].strip() == left), "")
    known = _terms(same)
    start, under = 0, ""
    for term in _terms(line):
        start = line.index(term, start)
        if term not in known and " = " not in term:
            under = under.ljust(start) + "~" * len(term)
        start += len(term)
    return under if same else "~" * len(line)


def _terms(line: str) -> list[str]:
    """The left side with its sign of equality, then each term of the right side with its sign."""
    depth, cuts = 0, [0, line.index(" = ") + 3 if " = " in line else 0]
    for i, c in enumerate(line):
        depth += (c in "([") - (c in ")]")
        if depth == 0 and line[i : i + 3] in (" + ", " - "):
            cuts.append(i + 1)
    return [line[a:b].strip() if a else line[a:b] for a, b in pairwise([*cuts, len(line)])]


def _signature(rule: ast.Optimizer, unicode: bool) -> str:
    known: dict[str, float] = {}
    needed = []
    for p in rule.parameters:
        value = None if p.default is None else number_or_none(p.default, known)
        if value is None:
            needed.append(p.name)
        else:
            known[p.name] = value
    if not needed:
        return call(rule.name, known.items(), unicode)
    return f"{rule.name}({', '.join([*needed, *(f'{n} = {short(v)}' for n, v in known.items())])})"
