"""What a rule requires of its numbers, asked of what schedules give at first; the rest is asked as it runs."""

from __future__ import annotations

from math import nan

from netc.compiler.check.parts.values import check_required
from netc.compiler.lower.schedule import first_value, lower_schedule
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.spec import Schedule, Spec
from netc.dsl import ast


def check_first_rates(spec: Spec, report: Report) -> None:
    if not spec.schedules:
        return
    rule = spec.optimizer
    first = {s.name: _first(s, spec) for s in spec.schedules}
    given = tuple(ast.Argument(s.name, ast.Number(first[s.name]), span=s.span) for s in spec.schedules)
    values = dict(rule.off) | dict(rule.arguments) | first
    check_required(rule.definition, given, values, spec.schedules[0].span, report)


def _first(schedule: Schedule, spec: Spec) -> float:
    """NaN where it hangs on the number of batches, of which only the data tell."""
    follower = lower_schedule(schedule, spec)
    value = first_value(follower, 1)
    return value if value == first_value(follower, 2) else nan
