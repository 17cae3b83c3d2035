"""What an update rule sees of layers with two modes, for `netc explain`: draws, statistics of a batch, states."""

from __future__ import annotations

from collections.abc import Iterator

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import evaluations, gives_states_of
from netc.compiler.lower.network import lower_problem
from netc.compiler.meaning.spec import Spec


def modes_of(spec: Spec, rule: ir.Rule) -> Iterator[str]:
    """Sentences; none where the network has one mode."""
    problem = lower_problem(spec) if spec.network is not None and spec.loss is not None else None
    if problem is None or problem.test is None:
        return
    yield (
        "the rule sees the layers in training mode; metrics, predict, monitored functions, criteria of all samples and "
        "Hessians (minimum, saddle) see them in test mode, which draws nothing"
    )
    asked = [e for e in evaluations(rule.body) if not e.tested]
    if len(asked) < 2 and not any(isinstance(s, ir.Repeat | ir.For) for s in rule.body):
        return
    if problem.draws:
        yield "all evaluations of an iteration have the same draws"
    if problem.updates:
        states = ", ".join(u.state for u in problem.updates)
        on = "on the batch" if any(e.batch == "current" for e in asked if gives_states_of(rule)(e)) else ""
        yield (
            f"the states ({states}) change once an iteration, by the first of its gradients {on}".rstrip()
            + "; all its evaluations see them as they were before"
        )
