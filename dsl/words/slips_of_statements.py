"""`train` and `optimizer` with their settings in another form: `train epochs 100`, `optimizer gd -lr 0.1`."""

from __future__ import annotations

import re

from netc.dsl.tokens import Lexeme

TRAIN = re.compile(r"train\s*[({]?\s*(?:for\s+|to\s+)?(?:(epochs?|steps?)\s+)?([\d.]+)\s*([A-Za-z]*)")
WRAPPED = re.compile(r"train\s*([({])(.*)[)}]\s*$")
UNTIL = re.compile(r"train\s+(?:until|while)\b\s*(.*)")
RULE = re.compile(
    r"optimizer\s+([A-Za-z_][\w.]*)(?![\w.(])\s*(?:[\[{:]\s*|with\s+|-+)?\s*([A-Za-z]\w*\s*[=:])?\s*(?:[A-Za-z]\w*)?\s*"
    r"([-+]?\.?\d[\d.e+-]*)"
)


def of_a_statement(keyword: Lexeme, token: Lexeme) -> str:
    """How the statement is written here; empty where that is not certain."""
    line = keyword.span.source.text[keyword.span.start :].partition("\n")[0].partition("#")[0].rstrip()
    return _of_training(line) if keyword == "train" else _of_rule(line, keyword, token)


def _of_training(line: str) -> str:
    if found := UNTIL.match(line):
        less = re.search(r"<=?\s*[\d.e+-]+", found[1])
        return f"a criterion is a setting, train epochs = 200, stop = R {less[0] if less else '< 1e-3'}"
    if (found := WRAPPED.match(line)) and "=" in found[2]:
        return f"settings stand without brackets, train {found[2].strip()}"
    if found := TRAIN.match(line):
        unit = "steps" if (found[1] or found[3]).lower().startswith(("step", "iter")) else "epochs"
        return f"say what is counted, train {unit} = {found[2]}"
    return ""


def _of_rule(line: str, keyword: Lexeme, token: Lexeme) -> str:
    found = RULE.match(line)
    if found is None or token.span.start < keyword.span.start + found.end(1):
        return ""
    name = found[2].rstrip("=: ") + " = " if found[2] else ""
    return f"parameters stand in parentheses, optimizer {found[1]}({name}{found[3]})"
