"""Lets that ask for `training` -> the lets of either mode, each with what its results need and no more; and what a rule
does with the states of layers. Derives nothing.

    training mode   the batch's own statistics, draws, the next values of states
    test mode       what the states have gathered; a sample's outputs hang on that sample alone

A layer is written once: `select(TRAINING, a, b)` where the modes differ, lets that only one of them needs beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.calculus.laws import spread
from netc.compiler.calculus.simplify import rebuild

_TRUTH = {True: ir.Const(1.0), False: ir.Const(0.0)}
"""Stand for a truth value that is known, as long as an expression is rebuilt: no other numbers stand in those places."""


def has_modes(steps: Iterable[ir.Step]) -> bool:
    """Whether something is other in training than in test mode."""
    nodes = (node for let in ir.flat(steps) for node in ir.postorder(let.value))
    return any(node == ir.TRAINING or isinstance(node, ir.Draw) for node in nodes)


def in_mode(steps: Iterable[ir.Step], training: bool) -> tuple[ir.Step, ...]:
    """The same with `training` decided."""

    def let(old: ir.Let) -> ir.Let:
        return replace(old, value=rebuild(old.value, lambda node: _decided(node, training)))

    def step(old: ir.Step) -> ir.Step:
        return let(old) if isinstance(old, ir.Let) else replace(old, lets=tuple(let(x) for x in old.lets))

    return tuple(step(s) for s in steps)


def _decided(node: ir.Expr, training: bool) -> ir.Expr:
    """Of a node whose arguments are decided."""
    match node:
        case ir.TRAINING:
            return _TRUTH[training]
        case ir.Apply("not", (ir.Const(known),)):
            return _TRUTH[not known]
        case ir.Apply("and" | "or" as op, (ir.Const(known), other) | (other, ir.Const(known))):
            return other if bool(known) == (op == "and") else _TRUTH[bool(known)]
        case ir.Apply("select", (ir.Const(known), a, b)):
            return spread(a if known else b, node.axes)  # a sum around it counts as before
    return node


def gives_states_of(rule: ir.Rule) -> Callable[[ir.Evaluate], bool]:
    """Of which evaluations the first one of an iteration gives the states of layers their next values: of the gradient on
    the iteration's batch, or, where the rule visits the batches itself, on any."""

    def gives(s: ir.Evaluate) -> bool:
        return bool(s.gradient) and not s.tested

    own = any(gives(s) and s.batch == "current" for s in evaluations(rule.body))
    return lambda s: gives(s) and (s.batch == "current" or not own)


def evaluations(body: Iterable[ir.Stmt]) -> Iterator[ir.Evaluate]:
    """All of them, whatever loop or branch they stand in."""
    for s in body:
        match s:
            case ir.Evaluate():
                yield s
            case ir.For(body=inner) | ir.Repeat(body=inner):
                yield from evaluations(inner)
            case ir.If(_, then, otherwise):
                yield from evaluations((*then, *otherwise))


def reads(let: ir.Let) -> list[ir.Var]:
    return list(dict.fromkeys(node for node in ir.postorder(let.value) if isinstance(node, ir.Var)))


def wanted(steps: tuple[ir.Step, ...], names: set[str]) -> tuple[ir.Step, ...]:
    """The steps that these lets need, in order, each as it is."""
    needed = set(names)
    found: list[ir.Step] = []
    for step in reversed(steps):
        lets = list(ir.flat((step,)))
        if any(let.name in needed for let in lets):
            needed |= {v.name for let in lets for v in reads(let)}
            found.append(step)
    return tuple(reversed(found))


def reduced(steps: tuple[ir.Step, ...], names: set[str]) -> tuple[ir.Step, ...]:
    """The lets that these ones need, in order; of a Scan those alone."""
    lets = {let.name: let for let in ir.flat(steps)}
    needed, todo = set[str](), list(names)
    while todo:
        name = todo.pop()
        if name in lets and name not in needed:
            needed.add(name)
            todo += [v.name for v in reads(lets[name])]
    found: list[ir.Step] = []
    for step in steps:
        kept = tuple(let for let in ir.flat((step,)) if let.name in needed)
        found += kept if isinstance(step, ir.Let) else [replace(step, lets=kept)] if kept else []
    return tuple(found)
