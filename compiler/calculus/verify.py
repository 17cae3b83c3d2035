"""What must hold of a problem after every pass that makes or changes one: names, axes, order. Changes nothing.

names    each is given once, and before it is read; inside a Scan a let may read the others' earlier places
axes     a Var has those of what it names; a let's value has no others than the let; what a Reduce, View or Pick
         takes away is there; only samples have no size
theta    parameters lie side by side, and each has a derivative of its shape; states lie likewise
modes    nothing asks for `training` any more; each state has one next value, without samples; what draws or has states
         has a test mode of the same tensors, in which nothing is drawn and no state changes
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from netc.compiler.calculus import ir


def verify(problem: ir.Problem) -> ir.Problem:
    """The problem; raises AssertionError with all that is wrong in it."""
    found = [*_mode(problem), *_modes(problem)]
    if problem.test:
        found += [f"in test mode {fault}" for fault in _mode(problem.test)]
    assert not found, "\n".join(found)
    return problem


def verify_alone(problem: ir.Problem) -> ir.Problem:
    """The same of what a pass makes of one mode, whatever there is beside it; it may derive nothing by the parameters."""
    found = [*(_mode(problem) if problem.gradients else (*_theta(problem), *_steps(problem)))]
    assert not found, "\n".join(found)
    return problem


def _mode(problem: ir.Problem) -> Iterator[str]:
    yield from _theta(problem)
    yield from _gradients(problem)
    yield from _steps(problem)


def _modes(problem: ir.Problem) -> Iterator[str]:
    test, states = problem.test, {t.name: t for t in problem.states}
    if test is None:
        if states or problem.draws or problem.updates:
            yield "there is no test mode"
        return
    if [u.state for u in problem.updates] != list(states):
        yield "a state has no next value, or several"
    for u in problem.updates:
        if (
            u.value not in problem.lets
            or u.state not in states
            or problem.lets[u.value].axes != states[u.state].axes
        ):
            yield f"{u.value} is no next value of {u.state}"
    if (test.tensors, test.output, test.mean) != (problem.tensors, problem.output, problem.mean):
        yield "the test mode is another network"
    if test.draws or test.updates or test.test:
        yield "in test mode something is drawn or changed"


def _theta(problem: ir.Problem) -> Iterator[str]:
    for tensors in (problem.weights, problem.states):
        offset = 0
        for t in tensors:
            if t.offset != offset:
                yield f"{t.name} begins at {t.offset}, not at {offset}"
            offset = t.stop
    for name in (problem.loss, problem.output):
        if name and name not in problem.lets:
            yield f"there is no let {name}"
    if problem.loss in problem.lets and problem.lets[problem.loss].axes:
        yield "the loss is no number"


def _gradients(problem: ir.Problem) -> Iterator[str]:
    if len(problem.gradients) != len(problem.weights):
        yield f"{len(problem.gradients)} derivatives by {len(problem.weights)} arrays"
    for t, gradient in zip(problem.weights, problem.gradients, strict=False):
        if gradient not in problem.lets or problem.lets[gradient].axes != t.axes:
            yield f"{gradient} is no derivative by {t.name}"


def _steps(problem: ir.Problem) -> Iterator[str]:
    known: dict[str, ir.Axes] = {}
    for t in problem.tensors:
        yield from _new(t.name, t.axes, known)
        if (t.role in ("input", "target")) != (ir.SAMPLES in t.axes):
            yield f"{t.role} {t.name} has the axes {_words(t.axes)}"
    for draw in problem.draws:
        if draw.purpose not in problem.lets or problem.lets[draw.purpose].value != draw:
            yield from _new(draw.purpose, draw.axes, known)
    for step in (*problem.forward, *problem.backward):
        match step:
            case ir.Let():
                yield from _let(step, known)
                yield from _new(step.name, step.axes, known)
            case ir.Scan(axis, lets):
                for let in lets:
                    yield from _new(let.name, let.axes, known)
                    if axis not in let.axes:
                        yield f"{let.name} stands in a scan along {axis.name} without that axis"
                for let in lets:
                    yield from _let(let, known)
            case _:
                assert_never(step)


def _new(name: str, axes: ir.Axes, known: dict[str, ir.Axes]) -> Iterator[str]:
    if name in known:
        yield f"{name} is given twice"
    if len(set(axes)) < len(axes) or any(a.size is None and a != ir.SAMPLES for a in axes):
        yield f"{name} has the axes {_words(axes)}"
    known[name] = axes


def _let(let: ir.Let, known: dict[str, ir.Axes]) -> Iterator[str]:
    for node in ir.postorder(let.value):
        for fault in _node(node, known):
            yield f"{let.name}: {fault}"
    if not set(let.value.axes) <= set(let.axes):
        yield f"{let.name} has the axes {_words(let.axes)}, its value {_words(let.value.axes)}"


def _node(node: ir.Expr, known: dict[str, ir.Axes]) -> Iterator[str]:
    match node:
        case ir.Var(name, axes):
            if name not in known:
                yield f"{name} is read before it is given"
            elif known[name] != axes:
                yield f"{name} has the axes {_words(known[name])}, not {_words(axes)}"
        case ir.Reduce(_, arg, over, per):
            if per or not over or not set(over) <= set(arg.axes):
                yield f"a reduction over {_words(over)} of {_words(arg.axes)}"
        case ir.View(arg, axis, index):
            terms = [a for a, _ in index.terms]
            if axis not in arg.axes or len(set(terms)) < len(terms) or index.divisor < 1:
                yield f"a view along {axis.name} of {_words(arg.axes)}"
        case ir.Pick(arg, axis):
            if axis not in arg.axes:
                yield f"a pick along {axis.name} of {_words(arg.axes)}"
        case ir.Const() | ir.Place() | ir.Draw() | ir.Apply():
            pass
        case _:
            assert_never(node)


def _words(axes: ir.Axes) -> str:
    return f"[{', '.join(a.name if a.size is None else f'{a.name}: {a.size}' for a in axes)}]"
