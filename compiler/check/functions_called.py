"""Definitions that the expressions of a file call, which a spec written out has to bring along."""

from __future__ import annotations

from typing import assert_never

from netc.compiler.meaning.kinds import FUNCTION_NAMES
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.spec import (
    Activation,
    Block,
    Join,
    Loss,
    Monitor,
    Named,
    Network,
    Objective,
    Operation,
    Optimizer,
    Schedule,
    Training,
    Use,
    uses_of,
)
from netc.dsl import ast
from netc.dsl.walks import called


def functions_called(
    network: Network | None,
    loss: Loss | None,
    objective: Objective | None,
    optimizer: Optimizer,
    training: Training,
    monitor: Monitor,
    attacks: tuple[ast.Attack, ...],
    known: Definitions,
) -> tuple[ast.Activation, ...]:
    """Activations that expressions call, directly or by way of others."""
    roots: list[ast.Node] = [*optimizer.body.actions, *attacks]
    roots += [state.initial for state in optimizer.body.states if state.initial is not None]
    roots += [condition for condition in (training.stop, training.diverged) if condition is not None]
    roots += [watched.value for watched in monitor.watched]
    roots += [text for o in uses_of(network.operations) for text in _texts(o)] if network else []
    roots += [loss.definition.value] if loss and loss.definition.value else []
    roots += [objective.value] if objective else []
    found: dict[str, ast.Activation] = {}
    while roots:
        for name in called(roots.pop()) - set(FUNCTION_NAMES) - set(found):
            if name in known.activations:
                found[name] = known.activations[name]
                roots.append(found[name].value)
    return tuple(found[name] for name in sorted(found))


def closed_forms_called(schedules: tuple[Schedule, ...], known: Definitions) -> tuple[ast.Schedule, ...]:
    """Definitions of schedules that pieces of schedules call."""
    names = {name for s in schedules for piece in s.pieces for name in called(piece.value)}
    return tuple(known.schedules[n] for n in sorted(names) if n in known.schedules)


def _texts(operation: Operation) -> list[ast.Node]:
    """What may call activations, but for the operations inside of a block, which have their own."""
    match operation:
        case Use():
            return [operation.definition]
        case Activation():
            return [operation.definition.value]
        case Block():
            return [e for line in operation.lines for e in (line.value, *(b.of for b in line.brackets))]
        case Join() | Named():
            return []
        case _:
            assert_never(operation)
