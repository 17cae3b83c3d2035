"""`expect parameters = 3246`: a claim that the network alone decides, before anything is trained.

Of a sweep there is a number for each point, which the runs tell.
"""

from __future__ import annotations

from collections.abc import Iterator

from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.spec import Expectation, Spec
from netc.compiler.meaning.within import agree
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.walks import names_in

PARAMETERS = "parameters"


def wrong_counts(spec: Spec) -> Iterator[Diagnostic]:
    """Claims about the number of parameters that do not hold. What is `claimed` by a paper is not among them."""
    if spec.sweep is not None or PARAMETERS in dict(spec.optimizer.arguments):
        return
    for expectation in spec.expectations:
        claim = expectation.claim
        if PARAMETERS in names_in(claim) and _holds(expectation, spec.parameters) == 0:
            message = f"this does not hold: there are {spec.parameters} parameters"
            hints = ("netc explain FILE --layers lists them",) if spec.network else ()
            yield Diagnostic("E0280", message, claim.span, hints=hints)


def _holds(expectation: Expectation, count: int) -> float | None:
    """1, 0, or None where the claim hangs on more than the network."""
    known = {PARAMETERS: float(count)}
    if expectation.within is None:
        return number_or_none(expectation.claim, known)
    match expectation.claim:
        case ast.Compare("=", left, right):
            values = [number_or_none(e, known) for e in (left, right, expectation.within)]
            if None in values:
                return None
            a, b, tolerance = (v for v in values if v is not None)
            return float(agree(a, b, tolerance, expectation.within, right))
    return None
