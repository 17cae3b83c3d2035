"""A network layer by layer, for `explain --layers` and `show --stage spec`: shapes, parameters, memory, work.

Trains nothing. A multiply-add is one product and its addition in a sum of products, forward; the backward pass has about
twice as many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from math import prod

from netc.compiler import memory
from netc.compiler.calculus import ir
from netc.compiler.lower.flow import Flow, input_axes, shape_of
from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.spec import Spec
from netc.compiler.rules.explain import Section
from netc.dsl.record import record
from netc.dsl.walks import names_in

HEADS = ("", "gives", "parameters", "activations", "multiply-adds")


@record
class Row:
    name: str
    operation: str
    shape: tuple[int, ...]
    parameters: int
    numbers: int
    """Of one sample that are computed."""
    products: int


def rows(spec: Spec) -> list[Row]:
    """The network's layers in order, each with the activations behind it."""
    flow = _flow(spec)
    parameters: dict[str, int] = {}
    for t in flow.tensors:
        if t.role in ir.PARAMETERS:
            parameters[_word(t.name)] = parameters.get(_word(t.name), 0) + t.size
    found = []
    for name, lets in groupby(ir.flat(flow.steps), key=lambda let: _word(let.name)):
        part = list(lets)
        operation = ", ".join([flow.of.get(name, "join"), *(let.text for let in part if let.text)])
        numbers = sum(prod(shape_of(let.var)) for let in part if ir.SAMPLES in let.axes)
        products = sum(_products(let) for let in part)
        found.append(Row(name, operation, shape_of(part[-1].var), parameters.get(name, 0), numbers, products))
    return found


def _flow(spec: Spec) -> Flow:
    assert spec.network is not None
    flow = Flow({a.name.lower(): a for a in spec.functions})
    flow.chain(
        spec.network.operations,
        ir.Var("x", (ir.SAMPLES, *input_axes(spec.network.input, spec.network.operations))),
    )
    return flow


def explain_layers(spec: Spec) -> list[Section]:
    assert spec.network is not None
    item = 8 if spec.training.precision == "f64" else 4
    found = rows(spec)
    table: list[tuple[str, ...]] = [HEADS, ("inputs", _shape(spec.network.input), "", "", "")]
    table += [
        (
            f"{r.name}  {r.operation}",
            _shape(r.shape),
            _count(r.parameters),
            memory.in_words(item * r.numbers),
            _count(r.products),
        )
        for r in found
    ]
    totals = (spec.network.parameters, sum(r.numbers for r in found), sum(r.products for r in found))
    table.append(("together", "", _count(totals[0]), memory.in_words(item * totals[1]), _count(totals[2])))
    title = f"the layers, one sample in {spec.training.precision}"
    words = (*_depth(spec), *_counted(spec))
    return [Section(title, ()), Section("", tuple(_lines(table))), Section("", words)]


def as_comment(spec: Spec) -> str:
    """The same behind a spec as text, which stays one."""
    lines = (line for s in explain_layers(spec) for line in (s.title, *s.lines) if line)
    return "".join(f"# {line}\n" for line in lines)


def _depth(spec: Spec) -> Iterator[str]:
    """Of branches that one draw leaves out as a whole, how many stay on average."""
    chances = [
        draw.arguments[0]
        for let in ir.flat(_flow(spec).steps)
        if isinstance(draw := let.value, ir.Draw)
        and draw.law == "bernoulli"
        and set(draw.axes) <= {ir.SAMPLES}
    ]
    if chances:
        yield f"branches left out by chance: {len(chances)}, of which {sum(chances):g} stay on average"


def _counted(spec: Spec) -> Iterator[str]:
    """What the file expects of the number of parameters: it is known without training."""
    assert spec.network is not None
    for e in spec.expectations:
        if names_in(e.claim) == {"parameters"}:
            holds = number_or_none(e.claim, {"parameters": float(spec.network.parameters)})
            if holds is not None:
                yield f"expect {e.text}: {'holds' if holds else 'does not hold'}"


def _word(name: str) -> str:
    return name.partition(".")[0]


def _products(let: ir.Let) -> int:
    """Of the sums of products in what is computed for each sample."""
    found = 0
    if ir.SAMPLES in let.axes:
        for node in ir.postorder(let.value):
            match node:
                case ir.Reduce("sum", ir.Apply("mul", (a, b)) as inner) if not _number(a) and not _number(b):
                    found += prod(x.size or 1 for x in inner.axes)
    return found


def _number(e: ir.Expr) -> bool:
    return isinstance(e, ir.Const)


def _shape(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape))


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _lines(table: list[tuple[str, ...]]) -> Iterator[str]:
    """Names and shapes to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADS))]
    for row in table:
        cells = [
            c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        yield "   ".join(cells).rstrip()
