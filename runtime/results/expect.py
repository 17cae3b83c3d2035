"""Judges the `expect` statements of a file: whether claims hold, and what the paper says.

    claim      = comparison | condition | claim and claim | claim or claim | not claim
    comparison = value (< <= > >= = !=) value | condition (...) percent of runs

What the values are is found out in `expect_values.py`. Trains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from netc.compiler.meaning.spec import Expectation
from netc.compiler.meaning.within import is_relative
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.printer import print_expr
from netc.runtime.parameters import Array
from netc.runtime.results.expect_names import Scope
from netc.runtime.results.expect_values import Values
from netc.runtime.results.verdict import Verdict


def judge(expectations: Iterable[Expectation], scope: Scope) -> tuple[Verdict, ...]:
    """Every `expect` in order. Raises SpecError with all that cannot be judged."""
    verdicts: list[Verdict] = []
    wrong: list[Diagnostic] = []
    for expectation in expectations:
        try:
            # 1/0 is inf, as it is in a kernel.
            with np.errstate(all="ignore"):
                verdicts.append(_Judge(scope, expectation).verdict())
        except SpecError as error:
            wrong += error.diagnostics
    if wrong:
        raise SpecError(wrong)
    return tuple(verdicts)


class _Judge(Values):
    def __init__(self, scope: Scope, expectation: Expectation) -> None:
        super().__init__(scope, expectation.within)
        self.expectation = expectation

    def verdict(self) -> Verdict:
        claim, within = self.expectation.claim, self.expectation.within
        if within is not None and not (isinstance(claim, ast.Compare) and claim.op == "="):
            self.fail("E0705", "'within' belongs to an equation: `expect x = 1 within 1e-3`", within)
        if within is not None and (self.single(self.value(within), within) < 0).any():
            self.fail("E0705", "nothing is within less than 0", within)
        truth = self.truth(claim)
        text = " ".join(self.expectation.text.removeprefix("expect").split())
        source = self.expectation.source
        if not isinstance(claim, ast.Compare):
            return Verdict(text, truth, truth, source)
        shares = isinstance(claim.right, ast.Of) or claim.left == ast.Name("diverged")
        shown = self.single(self.share_of(claim) if shares else self.value(claim.left), claim.left)
        stated = claim.right.value if isinstance(claim.right, ast.Of) else claim.right
        percent = isinstance(stated, ast.Percent)
        paper, agrees = self.paper(claim, stated, truth)
        tolerance = self.tolerance(within, stated)
        return Verdict(text, _shown(shown), truth, source, claim.op, paper, agrees, tolerance, percent)

    def truth(self, claim: ast.Expr) -> bool:
        return bool(np.all(self.single(self.condition(claim), claim)))

    def paper(self, claim: ast.Compare, stated: ast.Expr, holds: bool) -> tuple[Any, bool]:
        """What the paper says, and whether what was found agrees with it."""
        claimed = self.expectation.claimed
        match claimed:
            case None:
                return _shown(self.single(self.value(stated), stated)), holds
            case ast.Text(words):
                return words, False
            case _:
                right = replace(claim.right, value=claimed) if isinstance(claim.right, ast.Of) else claimed
                agrees = self.truth(replace(claim, right=right))
                return _shown(self.single(self.value(claimed), claimed)), agrees

    def tolerance(self, within: ast.Expr | None, stated: ast.Expr) -> str:
        """As it is read beside the figure: `1%` of percentages is percentage points."""
        if within is None:
            return ""
        of = " of it" if is_relative(within, stated) else ""
        return f"{within.span.text or print_expr(within)}{of}"


def _shown(array: Array) -> float | bool | list[float]:
    shown: float | bool | list[float] = np.squeeze(array).tolist()
    return shown
