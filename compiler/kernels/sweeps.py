"""Which lets wait for a sum over the samples: what feeds on one can only be computed when all samples have been seen.

Dense layers and norms over units wait for nothing: block after block of samples goes through all lets, and only what
is made of finished sums comes behind. Statistics of a batch (`waits`) need all its samples at once. Places nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import reads, wanted
from netc.compiler.calculus.simplify import rebuild
from netc.dsl.record import record


def sums_apart(problem: ir.Problem) -> ir.Problem:
    """The same problem with every sum over the samples a let of its own."""
    return ir.with_steps(problem, _apart)


def draws_apart(problem: ir.Problem) -> ir.Problem:
    """The same problem with every draw a let of its own, in front, under its purpose: forward and backward read what was
    drawn once. Such a let may be there already, also inside a Scan."""

    def change(node: ir.Expr) -> ir.Expr:
        return ir.Var(node.purpose, node.axes) if isinstance(node, ir.Draw) else node

    def lets(old: Iterable[ir.Let]) -> tuple[ir.Let, ...]:
        return tuple(replace(x, value=rebuild(x.value, change)) for x in old if x.name not in drawn)

    def steps(old: Iterable[ir.Step]) -> Iterator[ir.Step]:
        for step in old:
            if isinstance(step, ir.Let):
                yield from lets([step])
            elif left := lets(step.lets):
                yield replace(step, lets=left)

    drawn = {d.purpose: ir.Let(d.purpose, d.axes, d) for d in problem.draws}
    forward = (*drawn.values(), *steps(problem.forward))
    return replace(problem, forward=forward, backward=tuple(steps(problem.backward))) if drawn else problem


def is_sum(let: ir.Let) -> bool:
    """Over the samples."""
    return isinstance(let.value, ir.Reduce) and ir.SAMPLES in let.value.over


def _apart(step: ir.Step) -> Iterator[ir.Step]:
    if isinstance(step, ir.Scan):
        yield step
        return
    made: dict[ir.Expr, ir.Let] = {}

    def change(node: ir.Expr) -> ir.Expr:
        if isinstance(node, ir.Reduce) and ir.SAMPLES in node.over:
            name = f"{step.name}.sum{len(made) + 1}"
            return made.setdefault(node, ir.Let(name, node.axes, node, span=step.span)).var
        return node

    value = rebuild(step.value, change)
    if isinstance(value, ir.Var) and len(made) == 1:  # it is one already
        yield step
        return
    yield from made.values()
    yield replace(step, value=value)


def ahead(problem: ir.Problem) -> frozenset[str]:
    """The sums over the samples that hang on the targets alone, and that something of each sample hangs on: the sum of the
    weights, where it divides. They can be finished before anything else is computed, however many samples there are."""
    known = {t.name for t in problem.tensors if t.role == "target"}
    sums: set[str] = set()
    for let in (s for s in problem.forward if isinstance(s, ir.Let)):
        drawn = any(isinstance(node, ir.Draw) for node in ir.postorder(let.value))
        if all(v.name in known for v in reads(let)) and not drawn:
            (sums if is_sum(let) else known).add(let.name)
    each = {let.name for let in problem.lets.values() if ir.SAMPLES in let.axes}
    below = ir.flat(wanted((*problem.forward, *problem.backward), each))
    return frozenset(sums & {let.name for let in below})


def levels(problem: ir.Problem, finished: frozenset[str] = frozenset()) -> dict[str, int]:
    """How many sums over the samples lie below each let, itself included, those that are `finished` left out."""
    found = {t.name: 0 for t in problem.tensors}
    for step in (*problem.forward, *problem.backward):
        lets = list(ir.flat((step,)))
        below = max((found.get(v.name, 0) for let in lets for v in reads(let)), default=0)
        found |= {let.name: below + (is_sum(let) and let.name not in finished) for let in lets}
    return found


def waits(problem: ir.Problem, finished: frozenset[str] = frozenset()) -> bool:
    """Whether something of each sample hangs on a sum over all of them that is not `finished` ahead."""
    level = levels(problem, finished)
    return any(ir.SAMPLES in let.axes and level[let.name] for let in problem.lets.values())


@record
class Lists:
    """The steps of a problem, by what needs them."""

    ahead: tuple[ir.Step, ...]
    """Sums that are finished before the others begin, and what they are made of; that is in the other lists as well."""
    forward: tuple[ir.Step, ...]
    """What the loss needs."""
    loss: ir.Let
    """The sum of the samples' losses."""
    outputs: tuple[ir.Step, ...]
    """What only the outputs need besides."""
    backward: tuple[ir.Step, ...]
    """What only the gradient needs besides, and the next values of states."""
    behind: tuple[ir.Step, ...]
    """What is made of finished sums."""

    @property
    def all(self) -> tuple[ir.Step, ...]:
        others = (*self.forward, self.loss, *self.outputs, *self.backward, *self.behind)
        return (*self.ahead, *(s for s in others if s not in self.ahead))


def lists(problem: ir.Problem, outputs: bool, finished: frozenset[str] = frozenset()) -> Lists:
    """Of a problem whose sums stand apart; `outputs`: whether they are wanted; `finished`: sums that go ahead."""
    forward = wanted(problem.forward, {problem.loss})
    only = wanted(problem.forward, {problem.output}) if outputs else ()
    only = tuple(s for s in only if s not in forward)
    updates = tuple(
        s for s in wanted(problem.forward, {u.value for u in problem.updates}) if s not in forward
    )
    level = levels(problem, finished)
    derived = (*updates, *problem.backward)
    behind = () if waits(problem, finished) else tuple(s for s in derived if _is_behind(s, level))
    loss = problem.lets[problem.loss]
    gone = {loss.name, *finished}
    return Lists(
        wanted(problem.forward, {*finished}),
        tuple(s for s in forward if not (isinstance(s, ir.Let) and s.name in gone)),
        loss,
        only,
        tuple(s for s in derived if s not in behind),
        behind,
    )


def _is_behind(step: ir.Step, level: dict[str, int]) -> bool:
    return (
        isinstance(step, ir.Let) and not is_sum(step) and ir.SAMPLES not in step.axes and level[step.name] > 0
    )
