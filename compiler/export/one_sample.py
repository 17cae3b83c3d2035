"""ir.Problem -> what a prediction for one sample computes, ready to be written as loops: small lets, one reduction each.

Also the lets of the derivative of an output by the inputs. Writes no text (`writer.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.calculus.backward import backward
from netc.compiler.calculus.derive import cotangent
from netc.compiler.calculus.ir import Apply, Const, Expr, Let, Reduce, Scan, Step, Tensor, Var, apply
from netc.compiler.calculus.modes import wanted
from netc.compiler.calculus.primitives import TRUTHS, ZERO
from netc.compiler.calculus.simplify import expand, rebuild, simplify
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.record import record
from netc.dsl.source import Span

SEED, GOAL = "seed", "goal"
"""Of the derivative: which output, and what is derived."""


@record
class Prediction:
    """For one sample; no axis counts samples."""

    input: Tensor
    output: Let
    weights: tuple[Tensor, ...]
    """Those that are read, in the order of theta, and the states of layers that are."""
    steps: tuple[Step, ...]
    backward: tuple[Step, ...] = ()
    """d sum(seed*output) / d input, in terms of what `steps` give and of `seed`, an array like the output."""
    slope: str = ""
    """The let of that derivative."""


def prediction(problem: ir.Problem, derivative: bool = False) -> Prediction:
    """Raises SpecError (E0724) where the outputs of a sample hang on more than the sample and the parameters."""
    steps = tuple(_step_alone(step) for step in wanted(problem.tested.forward, {problem.output}))
    given = problem.given("input")
    x = replace(given, axes=_of_one(given.axes))
    back: tuple[Step, ...] = ()
    if derivative:
        back = _backward(steps, problem.output, x)
    forward = _small(steps)
    read = {v.name for let in ir.flat((*forward, *back)) for v in _reads(let.value)}
    weights = tuple(t for t in (*problem.weights, *problem.states) if t.name in read)
    output = next(let for let in ir.flat(forward) if let.name == problem.output)
    return Prediction(x, output, weights, forward, back, cotangent(x.name) if derivative else "")


def _of_one(axes: ir.Axes) -> ir.Axes:
    return tuple(a for a in axes if a != ir.SAMPLES)


def _step_alone(step: Step) -> Step:
    match step:
        case Scan(axis, lets, backward):
            return Scan(axis, tuple(alone(let) for let in lets), backward)
        case _:
            return alone(step)


def alone(let: Let) -> Let:
    """The let of one sample."""

    def change(node: Expr) -> Expr:
        match node:
            case Var(name, axes):
                return Var(name, _of_one(axes))
            case Const(value, axes):
                return Const(value, _of_one(axes))
            case Reduce(over=over) if ir.SAMPLES in over:
                raise _refused(f"'{let.name}' is made of all samples of a batch, not of one alone", let.span)
            case ir.Draw(law):
                raise _refused(f"'{let.name}' draws random numbers ({law})", let.span)
            case ir.View(axis=axis, index=index) if ir.SAMPLES in (axis, *(a for a, _ in index.terms)):
                raise _refused(f"'{let.name}' reads other samples of the batch", let.span)
            case ir.Place(axis) | ir.Pick(axis=axis) if axis == ir.SAMPLES:
                raise _refused(f"'{let.name}' looks at the number of the sample", let.span)
            case Reduce("norm", arg, over):
                return _norm(arg, over)
        return node

    return Let(let.name, _of_one(let.axes), rebuild(let.value, change), let.text, let.span)


def _norm(x: Expr, over: ir.Axes) -> Expr:
    """By the largest element, so that no square overflows or vanishes."""
    largest = Reduce("max", apply("abs", x), over)
    share = apply("div", x, largest)
    root = apply("sqrt", Reduce("sum", apply("mul", share, share), over))
    return apply("select", apply("gt", largest, ZERO), apply("mul", largest, root), largest)


def _refused(why: str, span: Span) -> SpecError:
    hint = "netc predict computes it; a network whose samples do not meet can be exported"
    return SpecError(
        [Diagnostic("E0724", f"this format holds what one sample goes through: {why}", span, hints=(hint,))]
    )


def _backward(steps: Sequence[Step], output: str, x: Tensor) -> tuple[Step, ...]:
    out = next(let for let in ir.flat(steps) if let.name == output)
    seeded = apply("mul", out.var, Var(SEED, out.axes))
    goal = Let(GOAL, ir.SCALAR, ir.total("sum", seeded) if out.axes else seeded)
    derived, _ = backward((*steps, goal), GOAL, [x])
    return _small(wanted(derived, {cotangent(x.name)}))


# -- one reduction a let ---------------------------------------------------------------------------


def _small(steps: Iterable[Step]) -> tuple[Step, ...]:
    found: list[Step] = []
    for step in steps:
        match step:
            case Scan(axis, lets, backward):
                small = tuple(part for let in lets for part in _named(let, axis))
                found.append(Scan(axis, small, backward))
            case _:
                found += _named(step)
    return tuple(found)


def _named(let: Let, scanned: ir.Axis | None = None) -> Iterator[Let]:
    """The let in pieces: a name for every reduction, and for what is used more than once. What a scan reads at another
    place stays where it is: when that place was computed, it was not there yet."""
    pool: dict[Expr, Expr] = {}
    root = rebuild(expand(simplify(let.value)), lambda node: pool.setdefault(node, node))
    uses = Counter(child for node in ir.postorder(root) for child in ir.children(node))
    views = [
        node for node in ir.postorder(root) if isinstance(node, ir.View | ir.Pick) and node.axis == scanned
    ]
    held = {*ir.postorder(*(node.arg for node in views))}
    done: dict[Expr, Expr] = {}
    count = 0
    for node in ir.postorder(root):
        new = ir.with_children(node, tuple(done[c] for c in ir.children(node)))
        shared = uses[node] > 1 and isinstance(node, Apply) and node.op not in TRUTHS
        if node is not root and node not in held and (shared or isinstance(node, Reduce)):
            part = Let(f"{let.name}.{count}", node.axes, new, span=let.span)
            yield part
            new, count = part.var, count + 1
        done[node] = new
    yield Let(let.name, let.axes, done[root], let.text, let.span)


def _reads(value: Expr) -> Iterator[Var]:
    return (node for node in ir.postorder(value) if isinstance(node, Var))


# -- what shares a loop ----------------------------------------------------------------------------


def groups(steps: Sequence[Step]) -> list[tuple[Let, ...] | Scan]:
    """Lets one behind the other over the same axes, of which none reads another one's elements but its own."""
    found: list[tuple[Let, ...] | Scan] = []
    for step in steps:
        last = found[-1] if found else None
        if isinstance(step, Scan):
            found.append(step)
        elif isinstance(last, tuple) and _joins(step, last):
            found[-1] = (*last, step)
        else:
            found.append((step,))
    return found


def _joins(let: Let, group: tuple[Let, ...]) -> bool:
    names = {other.name for other in group}
    return {*let.axes} == {*group[0].axes} and not (names & _elsewhere(let.value))


def _elsewhere(value: Expr) -> set[str]:
    """Names that are read at other elements than the one that is computed."""
    found: set[str] = set()
    for node in ir.postorder(value):
        if isinstance(node, Reduce | ir.View | ir.Pick):
            found |= {v.name for child in ir.children(node) for v in _reads(child)}
    return found


def local(group: tuple[Let, ...], everywhere: Sequence[Step], kept: set[str]) -> set[str]:
    """Names of the group that no one else reads: numbers, not arrays."""
    here = {let.name for let in group}
    others = {v.name for let in ir.flat(everywhere) if let.name not in here for v in _reads(let.value)}
    beside = {name for let in group for name in _elsewhere(let.value)}
    return here - others - beside - kept
