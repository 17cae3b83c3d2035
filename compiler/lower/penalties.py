"""What a loss sums over parameters -> lets, and the loss with their names in the place of these sums.

sum(weights^2)                                array by array
sum[i, j, k](layer1.weight[i, k]*...)         as an equation of a layer whose arrays are those of the network
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from netc.compiler.calculus import ir
from netc.compiler.calculus.ir_expressions import children, with_children
from netc.compiler.calculus.masks import holds
from netc.compiler.calculus.simplify import rebuild as rebuild_ir
from netc.compiler.calculus.simplify import simplify
from netc.compiler.lower.expressions import Environment, lower_expr
from netc.compiler.lower.index_axes import index_axes
from netc.compiler.lower.index_ranges import index_ranges
from netc.compiler.lower.layer_faults import fault
from netc.compiler.lower.layer_text import LayerText
from netc.compiler.lower.layer_values import Array, Values
from netc.compiler.lower.reads import name_of, reads, reductions, subscripts
from netc.compiler.meaning.penalties import by_arrays, groups_in, indexed, names_parameters, penalties
from netc.compiler.meaning.spec import Loss
from netc.dsl import ast
from netc.dsl.source import Span
from netc.dsl.walks import called, names_in, rebuild

Functions = Mapping[str, ast.Activation | ast.Schedule]
NOUN = "penalty"
"""What the equation is called in messages, and the lets, numbered."""


def lower_penalties(
    loss: Loss, tensors: Sequence[ir.Tensor], functions: Functions
) -> tuple[list[ir.Let], tuple[ir.Var, ...], Loss]:
    """The lets, those of them that stand in the loss, and the loss with their names. Raises LayerFault where indices do
    not fit the arrays of the network."""
    lets: list[ir.Let] = []
    parts: list[ir.Var] = []
    assert loss.definition.value is not None
    learned = [t for t in tensors if t.role in ir.PARAMETERS]
    numbers = dict(loss.arguments)
    names: dict[str, ir.Expr] = {t.name: t.var for t in learned}
    names |= {name: ir.Const(value) for name, value in numbers.items()}

    def put(call: ast.Call) -> ast.Expr:
        name = f"{NOUN}{len(parts) + 1}"
        if indexed(call):
            steps = _in_steps(
                name, simplify(_over_indices(call, learned, numbers, functions, name)), call.span
            )
        else:
            (group,) = groups_in(call)
            arrays = [(t.name, t.size) for t in _arrays(group.id, learned)]
            value = simplify(lower_expr(by_arrays(call, arrays), Environment(names, functions)))
            steps = [ir.Let(name, ir.SCALAR, value, span=call.span)]
        lets.extend(steps)
        parts.append(steps[-1].var)
        names[name] = parts[-1]
        return ast.Name(name)

    value = penalties(loss.definition.value, put)
    if not parts:
        return [], (), loss
    return lets, tuple(parts), replace(loss, definition=replace(loss.definition, value=value))


def _arrays(group: str, learned: Sequence[ir.Tensor]) -> list[ir.Tensor]:
    return [t for t in learned if group == "theta" or holds(group, t)]


def _over_indices(
    call: ast.Call,
    learned: Sequence[ir.Tensor],
    numbers: Mapping[str, float],
    functions: Functions,
    name: str,
) -> ir.Expr:
    text, arrays, sizes = _with_ranges(call, learned, numbers)
    expr = text.formulas[0].value
    axes = index_axes(text, sizes, {n: array.slots for n, array in arrays.items()}, name)
    value = Values(arrays, set(), axes, sizes, (), functions, name, NOUN).of(expr)
    if value.axes:
        index = next(n for n, own in axes.items() if value.axes[0] in own)
        raise fault("E0224", call.span, f"the penalty has a value for each '{index}'",
                    f"sum[{index}](...) makes one number of them")  # fmt: skip
    return value


def ranges(call: ast.Call, tensors: Sequence[ir.Tensor], numbers: Mapping[str, float]) -> dict[str, int]:
    """How many places each index of a sum has. Raises LayerFault."""
    return _with_ranges(call, [t for t in tensors if t.role in ir.PARAMETERS], numbers)[2]


def _with_ranges(
    call: ast.Call, learned: Sequence[ir.Tensor], numbers: Mapping[str, float]
) -> tuple[LayerText, dict[str, Array], dict[str, int]]:
    _require_indices(call, numbers)
    expr = _with_numbers(call, numbers)
    arrays = {base.id: _array(base, learned) for base in _bases(expr)}
    extents = {n: [prod(a.size or 1 for a in slot) for slot in array.slots] for n, array in arrays.items()}
    text = LayerText(formulas=[ast.Formula(NOUN, (), expr, span=call.span)])
    return text, arrays, index_ranges(text, extents, NOUN)


def _in_steps(name: str, value: ir.Expr, span: Span) -> list[ir.Let]:
    """A sum inside of another one is a let, found once for its indices; with its root, which is a norm (`derive.py`)."""
    lets: dict[ir.Expr, ir.Let] = {}

    def named(node: ir.Expr) -> ir.Expr:
        if not (_is_sum(node) or _is_root(node)):
            return node
        fresh = ir.Let(f"{name}.{len(lets) + 1}", node.axes, node, span=span)
        return lets.setdefault(node, fresh).var

    def change(node: ir.Expr) -> ir.Expr:
        return node if _is_root(node) else with_children(node, tuple(map(named, children(node))))

    last = rebuild_ir(value, change)
    return [*lets.values(), ir.Let(name, ir.SCALAR, last, span=span)]


def _is_sum(node: ir.Expr) -> bool:
    return isinstance(node, ir.Reduce)


def _is_root(node: ir.Expr) -> bool:
    return isinstance(node, ir.Apply) and node.op == "sqrt" and _is_sum(node.args[0])


def _bases(expr: ast.Expr) -> list[ast.Name]:
    return [read.base for read in reads(expr) if isinstance(read.base, ast.Name)]


def _array(group: ast.Name, learned: Sequence[ir.Tensor]) -> Array:
    """The array that is meant: subscripts are of one."""
    found = _arrays(group.id, learned) if names_parameters(group) else []
    if not found:
        known = ", ".join(t.name for t in learned)
        raise fault("E0230", group.span, f"the network learns no array '{group.id}'", f"there are: {known}")
    if len(found) > 1:
        several = ", ".join(t.name for t in found[:3]) + (", ..." if len(found) > 3 else "")
        message = f"'{group.id}' are {len(found)} arrays, and indices are of one"
        raise fault("E0257", group.span, message, f"name it: {several}", "without indices a sum is over all")
    return Array(found[0].var, _slots(found[0]))


def _slots(t: ir.Tensor) -> tuple[ir.Axes, ...]:
    """The axes of each of its indices: several of one that runs over an image as one row."""
    found: list[ir.Axes] = []
    rest = list(t.axes)
    for size in t.stored or tuple(a.size or 1 for a in t.axes):
        slot = [rest.pop(0)]
        while prod(a.size or 1 for a in slot) < size:
            slot.append(rest.pop(0))
        found.append(tuple(slot))
    return tuple(found)


def _require_indices(call: ast.Call, numbers: Mapping[str, float]) -> None:
    """An index is summed over and is no parameter; what hangs on the sample stands outside."""
    over = {name_of(i): i for _, found, _ in reductions(call) for i in found}
    for name in over.keys() & numbers.keys():
        raise fault("E0257", over[name].span, f"'{name}' is a parameter of the loss, and an index here",
                    "another name for the index")  # fmt: skip
    for read in reads(call):
        assert isinstance(read.base, ast.Name)
        if read.base.id in ("u", "y"):
            raise _of_a_sample(read.base.id, read.span)
        for subscript in subscripts(read.index):
            for name in sorted(names_in(subscript) - called(subscript) - over.keys() - numbers.keys()):
                raise fault("E0220", subscript.span, f"nothing sums over the index '{name}'",
                            f"sum[{', '.join([*over, name])}](...)")  # fmt: skip
    for name in ("u", "y"):
        if name in names_in(call) - over.keys():
            raise _of_a_sample(name, call.span)


def _of_a_sample(name: str, span: Span) -> Exception:
    return fault("E0257", span, f"'{name}' is of a sample, and a sum over indices is over parameters alone",
                 "over outputs and targets a sum names no indices: sum((u - y)^2)")  # fmt: skip


def _with_numbers(expr: ast.Expr, numbers: Mapping[str, float]) -> ast.Expr:
    """Parameters of the loss as numbers; what is called or read is none of them."""

    def change(e: ast.Expr) -> ast.Expr:
        match e:
            case ast.Name(id) if id in numbers:
                return ast.Number(numbers[id], span=e.span)
            case ast.Call(ast.Name(), arguments):
                inner = tuple(replace(a, value=change(a.value)) for a in arguments)
                return replace(e, arguments=inner)
            case ast.Index(ast.Name(), index):
                return replace(e, index=change(index))
        return rebuild(e, change)

    return change(expr)
