"""The pages of the trees, in the docstrings of `ir.py` and `ast.py`, are their classes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import get_args

from netc.compiler.calculus import ir
from netc.dsl import ast

OWN = {n: c for n, c in vars(ir).items() if is_dataclass(c) and isinstance(c, type) and n != "Span"}
UNIONS = {n: get_args(u) for n, u in vars(ir).items() if get_args(u) and set(get_args(u)) <= {*OWN.values()}}
NAMED = "|".join([*OWN, *UNIONS, "Axes"])


def shown(name: str, kind: str) -> str:
    """`steps: Step*`, `test: Problem?`; of words and numbers the name alone."""
    for pattern, mark in (
        (rf"({NAMED})", ""),
        (rf"tuple\[({NAMED}), \.\.\.\]", "*"),
        (rf"({NAMED}) \| None", "?"),
    ):
        if found := re.fullmatch(pattern, kind):
            return f"{name}: {found[1]}{mark}"
    return name


def lines() -> Iterator[str]:
    for name, parts in UNIONS.items():
        yield f"{name} = {' | '.join(part.__name__ for part in parts)}"
    for name, made in OWN.items():
        given = (f for f in fields(made) if f.init and f.name != "span")
        yield f"{name}({', '.join(shown(f.name, str(f.type)) for f in given)})"


def test_the_page_of_the_ir_is_that_of_its_classes() -> None:
    page = re.findall(r"^    (\S.*(?:\n {8,}.*)*)", ir.__doc__ or "", re.MULTILINE)
    assert sorted(re.sub(r"\s+", " ", line) for line in page) == sorted(lines())


def test_the_page_of_the_ast_has_all_its_nodes() -> None:
    page = re.findall(r"^    (\w+) += (.*(?:\n {11,}.*)*)", ast.__doc__ or "", re.MULTILINE)
    listed = {kind: set(re.findall(r"\w+", re.sub(r"\(.*\)", "", parts))) for kind, parts in page}
    unions = {"statement": ast.Statement, "expr": ast.Expr, "action": ast.Action, "line": ast.LayerLine}
    for kind, union in unions.items():
        assert listed[kind] == {node.__name__ for node in get_args(union)}, kind
