"""What runs, though it is unlikely to be meant: warnings with a place in the file. Stops nothing.

A rule of the library, and a rule that says its `source`, is taken as it is meant; what the file itself adds to
it (a schedule, a number for epsilon) is looked at all the same. The facts are found in `pitfalls.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from netc.compiler.meaning.findings import first_line
from netc.compiler.meaning.m_as_state import renamed
from netc.compiler.meaning.resolve_complaints import target
from netc.compiler.meaning.rule_body import equations
from netc.compiler.meaning.spec import Spec
from netc.compiler.rules.explain import short
from netc.compiler.rules.long_loops import too_long
from netc.compiler.rules.mapping import parts
from netc.compiler.rules.pitfalls import (
    adaptive,
    changes,
    dominated,
    doubled_rates,
    lost_in_single,
    rates_in_states,
    unused,
)
from netc.compiler.rules.rule_text import standalone
from netc.compiler.rules.sides import Side, side
from netc.compiler.rules.simulate import TooLong
from netc.dsl import ast, library
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.source import Span
from netc.dsl.walks import names_in, walk

LARGE = 1e-3
"""Gradients of this size are common; an epsilon that decides the step there is no mere safeguard."""


def warnings(spec: Spec) -> tuple[Diagnostic, ...]:
    """In the order of the text."""
    rule = _written(spec)
    meant = _of_library(rule) or any(s.name == "source" for s in rule.settings)
    found = [*_decimal_comma(spec), *([] if meant else _unused(rule, _watched(spec)))]
    given = {name: place for name, place in _given(spec, rule).items() if not meant or name in _used(spec)}
    epsilons = [n for n, p in parts(dict(spec.optimizer.arguments)).items() if p == "epsilon" and n in given]
    if not meant or spec.schedules or epsilons:
        alone = side(standalone(spec))
        as_library = _names_library(rule) or (meant and not _of_library(rule))
        try:
            tried = [] if meant else [*_rate_twice(rule, alone)]
            tried += [] if as_library else _rate_in_state(spec, rule, alone)
            tried += [w for name in epsilons for w in _epsilon(spec, name, given[name], alone)]
        except TooLong:
            tried = [
                too_long(
                    spec.optimizer, "it is not tried, and slips that would show then are not told", "warning"
                )
            ]
        found += tried
    return tuple(sorted(found, key=lambda d: d.span.start))


def _warning(code: str, span: Span, message: str, **more: object) -> Diagnostic:
    return Diagnostic(code, message, span, severity="warning", **more)  # type: ignore[arg-type]


# -- what the file says ------------------------------------------------------------------------------


def _written(spec: Spec) -> ast.Optimizer:
    """The definition before its conditions were decided."""
    used = spec.optimizer.definition
    own = [s for s in spec.program.statements if isinstance(s, ast.Optimizer) and s.use is None]
    return next((s for s in own if s.name == used.name), used)


def _of_library(rule: ast.Optimizer) -> bool:
    return rule.span.source in library.sources()


def _names_library(rule: ast.Optimizer) -> bool:
    """Who writes `keras.SGD` wants what Keras does."""
    return _of_library(rule) and rule.name.split(".")[0] in library.libraries()


def _used(spec: Spec) -> dict[str, Span]:
    """The arguments of the call in the file."""
    names = [p.name for p in spec.optimizer.definition.parameters]
    return {
        a.name or names[min(i, len(names) - 1)]: a.span
        for c in _calls(spec)
        for i, a in enumerate(c.arguments)
    }


def _calls(spec: Spec) -> list[ast.Call]:
    uses = [s.use for s in spec.program.statements if isinstance(s, ast.Optimizer) and s.use is not None]
    return [u for u in uses if isinstance(u, ast.Call)]


def _given(spec: Spec, rule: ast.Optimizer) -> dict[str, Span]:
    """Where each number of a parameter stands in the file."""
    own = {} if _of_library(rule) else {p.name: p.span for p in rule.parameters}
    return own | _used(spec)


# -- the warnings ------------------------------------------------------------------------------------


def _decimal_comma(spec: Spec) -> Iterator[Diagnostic]:
    """`torch.SGD(0,1)`: a rate of 0, and right behind it a whole number."""
    scheduled = {s.name for s in spec.schedules}
    rates = {n for n, p in parts(dict(spec.optimizer.arguments)).items() if p == "rate"} - scheduled
    for call in _calls(spec):
        names = [p.name for p in _written(spec).parameters]
        for name, (one, other) in zip(names, pairwise(call.arguments), strict=False):
            whole, rest = one.span.text, other.span.text
            touch = one.span.end + 1 == other.span.start
            if (
                name in rates
                and whole == "0"
                and rest.isdigit()
                and touch
                and not one.name
                and not other.name
            ):
                words = f"{name} is 0 here, and {rest} another number: theta stays where it is"
                hints = (f"numbers are written with a decimal point: {whole}.{rest}",)
                yield _warning("E0427", one.span.to(other.span), words, hints=hints)


def _watched(spec: Spec) -> frozenset[str]:
    """States that `monitor` follows and `expect` judges, and the one where the rule is evaluated."""
    read = [*(w.value for w in spec.monitor.watched), *(renamed(e.claim) for e in spec.expectations)]
    names = {n.id for expr in read for n in walk(expr) if isinstance(n, ast.Name)}
    return frozenset(names | {s.state for s in spec.monitor.shown} | {spec.optimizer.point})


def _unused(rule: ast.Optimizer, watched: frozenset[str]) -> Iterator[Diagnostic]:
    for equation in unused(rule, watched):
        what = "state" if equation.indices else "local"
        name = target(equation).text
        yield _warning(
            "E0422",
            target(equation),
            f"the {what} '{equation.name}' is never used: theta does not depend on it",
            hints=(f"read {name} in the equation of theta[n+1], or leave the equation out",),
        )


def _reads(rule: ast.Optimizer, name: str) -> list[ast.Name]:
    nodes = (n for e in equations(rule.body) for n in walk(e.value))
    return [n for n in nodes if isinstance(n, ast.Name) and n.id == name]


def _rate_twice(rule: ast.Optimizer, alone: Side) -> list[Diagnostic]:
    found = []
    for rate in doubled_rates(alone):
        reads = _reads(rule, rate)
        if reads:
            *others, last = [r.span for r in reads]
            found.append(
                _warning(
                    "E0423",
                    last,
                    f"the rate {rate} acts twice: with {rate}/10 a step is 100 times shorter",
                    related=tuple((span, "it acts here, too") for span in others[:1]),
                    hints=(
                        "take it out of one of the two equations",
                        "if it is meant, say where the rule comes from: source = ..., in its block",
                    ),
                )
            )
    return found


def _rate_in_state(spec: Spec, rule: ast.Optimizer, alone: Side) -> Iterator[Diagnostic]:
    for schedule, state in rates_in_states(spec, alone):
        rate = schedule.name
        places = [e for e in equations(rule.body) if e.name == state and rate in names_in(e.value)]
        own = [] if _of_library(rule) else [(target(e), f"{rate} goes into {state} here") for e in places]
        yield _warning(
            "E0424",
            first_line(schedule.span),
            f"{rate} sits inside {state}, which keeps the steps made with the old rate when this changes it",
            related=tuple(own[:1]),
            notes=(
                f"it changes {changes(schedule)}; torch.SGD and momentum.heavy_ball, with the rate outside of",
                "the buffer, take the new rate at once and differ from there on",
            ),
            hints=(f"keep {rate} out of {state}: theta[n+1] = theta[n] - {rate}*{state}[n+1]",),
        )


def _epsilon(spec: Spec, eps: str, place: Span, alone: Side) -> Iterator[Diagnostic]:
    value, single = alone.values.get(eps, 0.0), spec.training.precision == "f32"
    shown = f"{eps} = {short(value)}"
    if not value or not adaptive(alone):
        return
    if single and np.float32(value) < np.finfo(np.float32).tiny:
        words = f"{shown} vanishes in float32, whose smallest normal number is 1.2e-38"
        yield _warning("E0425", place, words, hints=("1e-8 is usual outside the root, 1e-16 inside",))
    elif single and (size := lost_in_single(alone)) is not None:
        words = (
            f"{shown} is lost in float32: where squares are 0 (a gradient of {size:.0e}) it limits no step"
        )
        yield _warning("E0425", place, words, hints=("1e-8 is usual outside the root, 1e-16 inside",))
    if (size := dominated(alone)) > LARGE:
        words = f"{shown} dominates: below gradients of {size:.1g} the first step is that of gradient descent"
        inside = f"inside the root it weighs as its root: {short(value)} there is {value**0.5:.2g} outside"
        yield _warning("E0425", place, words, notes=(inside,) if size**2 < 10 * value else ())
