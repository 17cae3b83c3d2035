"""A network of any lets -> loops for CUDA: loss and gradient by a team of threads, let after let, over all samples at once.

The samples of an evaluation, or as many as the work space holds, go through every let together. Where something of a
sample hangs on a sum over all of them (statistics of a batch) it holds all. What is made of finished sums comes behind.
Every sum has one owner and one order, as in a chain of dense layers, which has faster loops of its own (`network`).
"""

from __future__ import annotations

from collections.abc import Sequence

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.buffers import places
from netc.compiler.kernels.cuda.elements import parted
from netc.compiler.kernels.cuda.passes import LetWriter, Part, Waits, over_team
from netc.compiler.kernels.cuda.plan import Plan
from netc.compiler.kernels.cuda.rule import BARRIER, SUMS, mine
from netc.compiler.kernels.names import constant_name, constant_names
from netc.compiler.kernels.objective import parameters_of
from netc.compiler.kernels.rule_memory import CLOCK
from netc.compiler.kernels.sweeps import Lists, is_sum, lists, waits
from netc.compiler.kernels.values import Layout, strides
from netc.dsl.record import record

GIVEN = {"input": "samples_x", "target": "samples_y"}
"""What the places of the samples in the work space are called."""
MEMORY = ("scratch", "seats", *SUMS)
SEAT = L.let("member", L.At(L.Name("seats"), L.call("thread")))
"""The number of this thread in its team, from memory: as in `network`, so that what follows from it takes no registers."""


@record
class Mode:
    """A problem's lists of steps, and where its arrays are."""

    problem: ir.Problem
    steps: Lists
    layouts: dict[str, Layout]
    parts: dict[str, Part]
    prefix: str
    """Of the names of its functions."""
    columns: int
    """Samples that go through the lets together."""
    several: bool
    """Whether an evaluation may have more than those."""

    @property
    def clock(self) -> tuple[str, ...]:
        return CLOCK if self.problem.draws else ()

    @property
    def size(self) -> int:
        """Numbers of the work space."""
        return max(stop for _, stop in self.parts.values())


@record
class Lets:
    plan: Plan
    modes: tuple[Mode, ...]
    """The one, or training mode and test mode."""
    shuffled: bool
    """Then x is sample by sample, and `order` says which one is next."""

    @property
    def size(self) -> int:
        return max(m.size for m in self.modes)


def modes_of(problem: ir.Problem, samples: int, batch: int, few: int, room: int) -> tuple[Mode, ...]:
    """`batch`: of the largest evaluation in training mode, `samples`: in test mode; `room`: numbers that the work space may
    have, unless all samples must be there at once."""
    made: list[Mode] = []
    for one, columns in [(problem, batch), *([(problem.test, samples)] if problem.test else [])]:
        prefix = "training_" if problem.test and not made else ""
        parts = parted(one, few)
        mode = _mode(parts, prefix, columns, several=False)
        while mode.size > room and columns > 1 and not waits(parts):
            columns = -(-columns // 2)
            mode = _mode(parts, prefix, columns, several=True)
        made.append(mode)
    return tuple(made)


def _mode(problem: ir.Problem, prefix: str, columns: int, several: bool) -> Mode:
    steps = lists(problem, outputs=False)
    lasting = frozenset(
        let.name for let in problem.lets.values() if is_sum(let) or ir.SAMPLES not in let.axes
    )

    def size(let: ir.Let) -> int:
        return ir.elements(let.axes) * (columns if ir.SAMPLES in let.axes else 1)

    lets = tuple(ir.flat(steps.all))
    constants = constant_names([*(t.name for t in problem.tensors), *(prefix + let.name for let in lets)])
    parts: dict[str, Part] = {}
    layouts: dict[str, Layout] = {}
    top = 0
    for t in problem.tensors:
        if t.role in GIVEN:
            parts[t.name] = top, top + t.size * columns
            layouts[t.name] = _placed(t, top, constant_name(prefix + GIVEN[t.role]), columns)
            top += t.size * columns
        elif t.role == "state":
            layouts[t.name] = Layout(
                "theta", L.add("first_state", t.offset), L.Int(1), t.axes, strides(t.var)
            )
        else:
            first = L.Int(t.offset, constants[t.name])
            layouts[t.name] = Layout("theta", first, L.Int(1), t.axes, strides(t.var))
    found, _ = places(steps.all, size, lasting, top)
    for let in lets:
        parts[let.name] = found[let.name], found[let.name] + size(let)
        layouts[let.name] = _placed(let, found[let.name], constants[prefix + let.name], columns)
    return Mode(problem, steps, layouts, parts, prefix, columns, several)


def _placed(array: ir.Let | ir.Tensor, place: int, name: str, columns: int) -> Layout:
    stride = columns if ir.SAMPLES in array.axes else 1
    return Layout("scratch", L.Int(place, name), L.Int(stride), array.axes, strides(array.var))


# -- functions ---------------------------------------------------------------------------------------


def functions(lets: Lets) -> list[L.Function]:
    return [_over_samples(mode, name, lets.shuffled) for mode in lets.modes for name in ("loss", "gradient")]


def _over_samples(mode: Mode, name: str, shuffled: bool) -> L.Function:
    """`loss` or `gradient` of samples [first, first + count)."""
    problem, with_gradient = mode.problem, name == "gradient"
    steps = (*mode.steps.forward, *(mode.steps.backward if with_gradient else ()))
    drawn = frozenset(d.purpose for d in problem.draws)
    given = frozenset(t.name for t in problem.tensors if t.role in GIVEN)
    writer = LetWriter(mode.layouts, mode.several, Waits(mode.parts, given | drawn), problem.draws)
    some: list[L.Stmt] = [
        SEAT,
        L.let("valid", L.call("least", mode.columns, L.call("sub", "end", "base"))),
        L.Note("the samples"),
        *(s for t in problem.tensors if t.role in GIVEN for s in _given(mode, t, writer.waits, shuffled)),
        *(s for step in mode.steps.forward for s in writer.step(step)),
        *_losses(mode, writer.waits),
        *(s for step in mode.steps.backward if with_gradient for s in writer.step(step)),
    ]
    scale = L.call("div", 1.0, L.call("float64", "count")) if problem.mean else L.Real(1.0)
    body: list[L.Stmt] = [
        *([L.let("first_state", _end_of("theta", problem))] if problem.states else []),
        L.let("end", L.add("first", "count")),
        L.let("own", L.call("float64", 0.0)),
        BARRIER,
        L.let("member", L.call("member")),
        *(_cleared(mode, steps) if mode.several else []),
        L.loop(
            "base", "end", [*some, *([BARRIER] if mode.several else [])], start="first", step=mode.columns
        ),
    ]
    if with_gradient and mode.steps.behind:
        writer.waits.all_wait()
        body += [BARRIER, *(s for step in mode.steps.behind for s in writer.step(step))]
    body += [L.let("scale", scale), L.let("mean", L.call("mul", L.call("team_sum", "own", *SUMS), "scale"))]
    body += [*(_collected(mode) if with_gradient else []), L.Return(L.Name("mean"))]
    words = f"The {'mean' if problem.mean else 'sum'} of the losses of samples [first, first + count)"
    note = words + ("; its gradient into `grad`" if with_gradient else "")
    note += ", the next values of the layers' states behind it." if with_gradient and problem.updates else "."
    parameters = (*parameters_of(name)[:-1], *MEMORY, *mode.clock)
    return L.Function(mode.prefix + name, parameters, tuple(body), note)


def _end_of(array: str, problem: ir.Problem) -> L.Expr:
    """Where the states begin in a row: they end it."""
    return L.call("sub", L.call("len", array), problem.state_numbers)


def _given(mode: Mode, t: ir.Tensor, wait: Waits, shuffled: bool) -> list[L.Stmt]:
    """Neighbouring threads read neighbouring numbers, however the data lie."""
    place = L.add("base", "j")
    sample = L.At(L.Name("order"), place) if shuffled else place
    if shuffled and t.role == "input":
        unit, j = L.call("remainder", "p", t.size), L.call("quotient", "p", t.size)
        number = L.At(L.At(L.Name("x"), sample), L.Name("i"))
    else:
        unit, j = L.call("quotient", "p", "valid"), L.call("remainder", "p", "valid")
        number = L.At(L.At(L.Name("x" if t.role == "input" else "y"), L.Name("i")), sample)
    layout = mode.layouts[t.name]
    into = L.add(L.add(L.mul("i", layout.stride), "j"), layout.first)
    body: list[L.Stmt] = [L.let("i", unit), L.let("j", j), L.Store(L.Name("scratch"), into, number)]
    return [*wait.touch(mode.parts[t.name], (), ()), over_team("p", L.mul(t.size, "valid"), body)]


def _losses(mode: Mode, wait: Waits) -> list[L.Stmt]:
    """Those of the samples of this thread, which it has written itself, into `own`."""
    value = mode.steps.loss.value
    assert isinstance(value, ir.Reduce)
    assert isinstance(value.arg, ir.Var)
    assert value.over == (ir.SAMPLES,)
    wait.read.add(mode.parts[value.arg.name])
    each = L.At(L.Name("scratch"), L.add("p", mode.layouts[value.arg.name].first))
    body = [L.let("own", L.call("add", "own", L.call("float64", each)))]
    return [L.Note("loss of each sample"), over_team("p", L.Name("valid"), body)]


def _cleared(mode: Mode, steps: Sequence[ir.Step]) -> list[L.Stmt]:
    """Sums over the samples begin at 0."""
    return [
        over_team(
            "p",
            ir.elements(let.axes),
            [L.Store(L.Name("scratch"), L.add("p", mode.layouts[let.name].first), L.call("splat", 0.0))],
        )
        for let in ir.flat(steps)
        if is_sum(let)
    ]


def _collected(mode: Mode) -> list[L.Stmt]:
    """The derivatives by the parameters where these are in theta, the next states where the states are; each element by
    the thread whose it is in rules."""
    problem, layouts = mode.problem, mode.layouts
    out: list[L.Stmt] = []

    def let(t: ir.Tensor, name: str) -> L.Expr:
        """Element q of the row, which is that of the tensor."""
        here = L.call("sub", "q", t.offset) if t.offset else L.Name("q")
        return L.At(L.Name("scratch"), L.add(here, layouts[name].first))

    for t, gradient in zip(problem.weights, problem.gradients, strict=True):
        found = let(t, gradient)
        scaled = L.call("mul", found, L.call("splat", "scale"))
        out.append(mine([L.Store(L.Name("grad"), L.Name("q"), scaled)], t.offset, t.stop))
    if problem.updates:
        out.append(L.let("next_state", _end_of("grad", problem)))
    tensors = {t.name: t for t in problem.states}
    for u in problem.updates:
        t = tensors[u.state]
        put = L.Store(L.Name("grad"), L.add("q", "next_state"), let(t, u.value))
        out.append(mine([put], t.offset, t.stop))
    return out
