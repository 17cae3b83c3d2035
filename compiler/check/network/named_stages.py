"""Stages of a network that have a name, `(conv 3x3 same) 8 as e1`, and what is joined to them: (concat e1), (add e1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netc.compiler.check.network.place import Place
from netc.compiler.meaning.spec import Join, Named
from netc.dsl import ast
from netc.dsl.names import did_you_mean

if TYPE_CHECKING:
    from netc.compiler.check.network.operations import Operations

CODE = "E0258"


def call_stage(here: Operations, stage: ast.Stage, place: Place) -> None:
    if stage.called in place.named:
        here.error(stage.span, f"the name '{stage.called}' is given twice", code=CODE)
    place.named[stage.called] = (place.value, stage.span)
    place.made.append(Named(stage.called))


def join_stage(here: Operations, operation: ast.Operation, place: Place) -> None:
    name = operation.words[0] if len(operation.words) == 1 else None
    if operation.arguments or not isinstance(name, ast.Name):
        hint = f"({operation.name} e1), of a stage before it: (conv 3x3 same, relu) 8 as e1"
        here.error(operation.span, f"'{operation.name}' takes one name of a stage", hint, code=CODE)
        return
    if name.id not in place.named:
        hints = did_you_mean(name.id, place.named) or ("a stage is named behind it: (conv 3x3 same) 8 as e1",)
        here.error(name.span, f"no stage before this is called '{name.id}'", *hints, code=CODE)
        return
    place.read.add(name.id)
    join = Join("concat" if operation.name == "concat" else "add", name.id, operation.span)
    place.made.append(join)
    place.inputs = False
    with here.faults_told():
        place.value = here.flow.join(join, place.value, place.named[name.id][0])


def require_all_read(here: Operations, place: Place) -> None:
    for name in place.named.keys() - place.read:
        span, hint = place.named[name][1], f"(concat {name}) or (add {name})"
        here.error(span, f"nothing reads '{name}'", hint, code=CODE)
