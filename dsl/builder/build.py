"""From what the grammar recognised to the ast, one method a rule, called while the text is parsed.

A method gets the children of its rule: ast nodes, lists of them, and the tokens themselves; layout tokens are
taken out. Checks only what a form of the surface needs (a parameter must be a name), no meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace
from typing import Any

from netc.dsl.builder.build_lines import Lines
from netc.dsl.builder.build_parts import (
    Child,
    leaf,
)
from netc.dsl.builder.build_statements import Statements
from netc.dsl.tokens import LAYOUT, Lexeme


class _Rules(Statements, Lines):
    """One method a rule or alias of the grammar (a final `_` keeps clear of Python's own words)."""


def callbacks() -> SimpleNamespace:
    """What lark calls, by rule."""
    rules = _Rules()
    methods = {name: getattr(rules, name) for name in dir(rules) if not name.startswith("__")}
    return SimpleNamespace(**{name.rstrip("_"): _with_span(method) for name, method in methods.items()})


def _with_span(method: Callable[..., Any]) -> Callable[[list[Child]], Any]:
    """Gives a method the span from the first child to the last, and the children without layout."""

    @wraps(method)
    def callback(children: list[Child]) -> Any:
        kept = [leaf(c) for c in children if not (isinstance(c, Lexeme) and c.type in LAYOUT)]
        return method(kept[0].span.to(kept[-1].span), *kept)

    return callback
