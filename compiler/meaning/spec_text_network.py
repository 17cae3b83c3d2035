"""A network of the spec as it is written: layers behind one another, blocks that repeat, sizes and arguments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netc.compiler.meaning.bind_arguments import is_flag
from netc.compiler.meaning.layer_parameters import choices
from netc.compiler.meaning.spec import Activation, Block, Join, Named, Network, Operation, Use
from netc.compiler.meaning.spec_text_values import arguments_of, number
from netc.dsl import ast, library

DENSE = "dense"
"""The layer whose size makes it: (tanh) 15."""
Defined = Activation | Use | Block


def written_network(network: Network) -> ast.Network:
    size: ast.Expr = ast.Shape(network.input) if len(network.input) > 1 else number(network.input[0])
    return ast.Network(ast.Architecture(size, tuple(_stages(network.operations))))


def _stages(operations: tuple[Operation, ...]) -> Iterator[ast.Stage]:
    """Each layer with the activations behind it; the size of a dense layer stands behind the parentheses."""
    groups: list[list[Operation]] = []
    for operation in operations:
        ended = bool(groups) and any(isinstance(o, Named) for o in groups[-1])
        if isinstance(operation, Activation | Named) and groups and not ended:
            groups[-1].append(operation)
        else:
            groups.append([operation])
    while groups:
        times = _times(groups)
        first, *rest = groups[0]
        groups = groups[times:]
        called = next((o.name for o in (first, *rest) if isinstance(o, Named)), "")
        rest = [o for o in rest if not isinstance(o, Named)]
        if isinstance(first, Join):
            words = (ast.Name(first.name),)
            yield ast.Stage((ast.Operation(first.kind, (), words), *_after(rest)), None, called=called)
            continue
        assert not isinstance(first, Named)
        size, written = _sized(first)
        if isinstance(first, Block) and times == 1:
            written = replace(written, arguments=(*written.arguments, *_which(first)))
        yield ast.Stage((written, *_after(rest)), size, times, called=called)


def _times(groups: list[list[Operation]]) -> int:
    """A block that stands there again and again, first of so many: what is in it may ask for its number."""
    match groups[0]:
        case [Block(definition, arguments) as first]:
            count = int(dict(arguments).get("L", 1))
            others = [g[0] for g in groups[:count] if len(g) == 1 and isinstance(g[0], Block)]
            numbers = [dict(o.arguments).get("l") for o in others if o.definition == definition]
            same = all(_written(o) == _written(first) for o in others)
            return count if same and numbers == [*range(1, count + 1)] else 1
    return 1


def _which(block: Block) -> tuple[ast.Argument, ...]:
    """Of a repetition that is written one by one; a block that stands alone is the first of one."""
    own = {p.name for p in block.definition.parameters}
    numbers = [(n, v) for n, v in block.arguments if n in ("l", "L") and n not in own]
    return arguments_of(tuple(numbers)) if any(v != 1 for _, v in numbers) else ()


def _after(rest: list[Operation]) -> Iterator[ast.Operation]:
    for o in rest:
        assert isinstance(o, Activation)
        yield ast.Operation(o.definition.name, arguments_of(o.arguments), ())


def _sized(operation: Defined) -> tuple[ast.Expr | None, ast.Operation]:
    name, arguments = operation.definition.name, dict(operation.arguments)
    if is_dense(operation.definition):
        words = () if arguments["bias"] else (ast.Name("nobias"),)
        return number(arguments["units"]), ast.Operation(DENSE, (), words)
    return None, ast.Operation(name, _written(operation), ())


def is_dense(definition: ast.Statement) -> bool:
    """The library's; a file may have a dense layer of its own."""
    return definition == library.lookup("layer", DENSE)


def _written(operation: Defined) -> tuple[ast.Argument, ...]:
    """`size_1 = 3, size_2 = 3` as `size = 3x3`."""
    given, definition = dict(operation.arguments), operation.definition
    words = choices(definition) if isinstance(definition, ast.Layer) else {}
    scheduled = dict(operation.scheduled) if isinstance(operation, Use) else {}
    return tuple(
        ast.Argument(p.name, scheduled[p.name])
        if p.name in scheduled
        else ast.Argument(
            p.name, ast.Name(words[p.name][int(given[p.name])]) if p.name in words else _value(p, given)
        )
        for p in definition.parameters
    )


def _value(p: ast.Parameter, given: dict[str, float]) -> ast.Expr:
    if is_flag(p):
        return ast.Name("true" if given[p.name] else "false")
    if not isinstance(p.default, ast.Shape):
        return number(given[p.name])
    return ast.Shape(tuple(int(given[f"{p.name}_{i + 1}"]) for i in range(len(p.default.sizes))))
