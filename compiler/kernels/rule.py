"""Update rule -> loops: `start` and `advance`, the whole training loop inside one compiled call.

Vectors that a later pass, an evaluation or a state needs live in memory, all others in registers. A state's
new value is written straight over the old one where nothing reads the old one any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Literal, assert_never

from netc.compiler.calculus import ir
from netc.compiler.calculus.masks import stretches
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.fuse import Pass, PerLayer, Scalar, Sweep, fuse, names_of
from netc.compiler.kernels.names import python_names
from netc.compiler.kernels.rule_flow import flat, reads, runs, separate_commits
from netc.compiler.kernels.vectors import COMBINE, Space, lanes, number, vector_names
from netc.dsl.record import record

ARGUMENTS = (
    "theta", "vectors", "scalars", "counters", "figures", "hyper", "x", "y", "bounds", "order", "scratch", "key",
)  # fmt: skip
PER_RUN = ("theta", "vectors", "scalars", "counters", "figures", "order")
COUNTED = ("iteration", "losses", "gradients", "status")
MASKS = ("weights", "biases")
CLOCK = ("key", "run", "iteration")
"""On which hangs, of a run, what layers draw."""
ADVANCE = ("rows", *(f"all_{a}" if a in PER_RUN else a for a in ARGUMENTS), "last")


@record
class Region:
    """A run of parameters `[start, stop)`: one layer, and how many of its first ones are weights."""

    start: int
    stop: int
    weights: int


@record
class Vectors:
    """The shape of theta in memory, and where in the scratch the rule's own work space begins."""

    parameters: int
    lanes: int
    regions: tuple[Region, ...]
    scratch: int
    states: int = 0
    """Numbers of the states of layers: they end a row of theta, the next ones that of a gradient."""
    marks: tuple[tuple[str, tuple[tuple[int, int, bool], ...]], ...] = ()
    """Of the masks that a rule reads, besides `weights` and `biases`: (start, stop, whether it is 1 there)."""

    def parts(self, per: ir.Per) -> tuple[Region, ...]:
        """What a reduction is over: the layers, or in each the weights and the biases, where it has any."""
        if per == "layer":
            return self.regions
        cuts = ((r, r.start + r.weights) for r in self.regions)
        pairs = ((Region(r.start, at, r.weights), Region(at, r.stop, 0)) for r, at in cuts)
        return tuple(part for pair in pairs for part in pair if part.stop > part.start)

    @property
    def stride(self) -> int:
        # One vector more than needed: a layer's last vector may reach beyond the last parameter.
        whole = -(-self.parameters // self.lanes) * self.lanes + (self.lanes if self.lanes > 1 else 0)
        return whole + -(-self.states // self.lanes) * self.lanes

    @property
    def first_state(self) -> int:
        return self.stride - self.states

    @property
    def temporaries(self) -> int:
        """Where they begin in the scratch; the next states of layers wait before them."""
        return self.scratch + -(-self.states // self.lanes) * self.lanes


def regions(problem: ir.Problem) -> tuple[Region, ...]:
    """The layers; an objective is one."""
    if not problem.sampled:
        return (Region(0, problem.parameters, problem.parameters),)
    return tuple(
        Region(layer[0].offset, layer[-1].stop, sum(t.size for t in layer if t.role == "weight"))
        for layer in problem.layers
    )


def marks(problem: ir.Problem, rule: ir.Rule) -> tuple[tuple[str, tuple[tuple[int, int, bool], ...]], ...]:
    """As `Vectors` has them."""
    return tuple((m.name, tuple(stretches(problem, m.of))) for m in rule.masks)


def named(rule: ir.Rule) -> ir.Rule:
    """The rule as a writer wants it."""
    return separate_commits(python_names(rule))


@dataclass
class Writer:
    rule: ir.Rule
    """From `named`."""
    vectors: Vectors
    order: Literal["", "shuffle", "resample"]
    """What makes the order of an epoch, as in `ir.Batches`."""
    parts: int = 1
    """Batches, m."""
    homes: dict[str, str] = field(default_factory=dict)
    """Vector variable -> name of the array it lives in, where that is another one's."""
    temporaries: list[str] = field(default_factory=list)
    recorded: bool = False
    """The first evaluation of an iteration goes into `figures`; True once it is written."""
    live: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    """Loop indices that run over the batches."""
    runs: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        rule = self.rule
        committed = {c.value for c in rule.commits}
        self.live = frozenset((*reads(rule.body), *reads(rule.test))) | committed
        self.homes = dict(self._in_place())

    @property
    def fetched(self) -> frozenset[str]:
        """Vectors that are looked at where a per-batch state holds them."""
        return frozenset(s.name for s in flat(self.rule.body) if isinstance(s, ir.Fetch) and s.axes)

    def functions(self) -> tuple[list[L.Function], int]:
        """The functions, and how many numbers of scratch a worker needs."""
        made = [*self.starting(), self.advance()]
        return made, self.vectors.temporaries + len(self.temporaries) * self.vectors.stride

    @property
    def own(self) -> frozenset[str]:
        """Names the rule gives itself; they hide the kernel's `m` and `epoch`."""
        return frozenset(s.name for s in self.rule.states) | {h.name for h in self.rule.hypers}

    @property
    def space(self) -> Space:
        return Space("q", self.vectors.parameters, self.vectors.lanes, self._address, per_lane=False)

    def _address(self, name: str, at: L.Expr) -> tuple[L.Expr, L.Expr]:
        return L.Name(self._array(name)), at

    def _array(self, name: str) -> str:
        name = self.homes.get(name, name)
        known = {s.name for s in self.rule.states} | self.fetched
        if name not in known and name not in self.temporaries:
            self.temporaries.append(name)
        return name

    def _in_place(self) -> Iterator[tuple[str, str]]:
        """Commits whose value may be written over the state: set once, and nothing reads the state afterwards."""
        vector_states = {s.name for s in self.rule.states if s.axes}
        parts = list(runs(self.rule.body))
        assigned = [s.name for s in flat(self.rule.body) if isinstance(s, ir.Assign)]
        values = [c.value for c in self.rule.commits]
        for c in self.rule.commits:
            if c.state not in vector_states or assigned.count(c.value) != 1 or values.count(c.value) != 1:
                continue
            at = next(
                (i for i, p in enumerate(parts) if isinstance(p, list) and c.value in {a.name for a in p}),
                None,
            )
            if at is None:
                continue
            run = parts[at]
            assert isinstance(run, list)
            passes = fuse(run, self.live)
            position = next(
                i
                for i, p in enumerate(passes)
                if isinstance(p, Sweep) and c.value in {x.name for x in p.items}
            )
            later = {n for p in passes[position + 1 :] for n in _pass_reads(p)}
            later |= set(reads([s for p in parts[at + 1 :] for s in (p if isinstance(p, list) else [p])]))
            ends = any(isinstance(s, ir.Stop | ir.Repeat) for p in parts[at + 1 :] if isinstance(p, ir.Stmt)
                       for s in flat([p]))  # fmt: skip
            if c.state not in later and not (ends and c.state == "theta"):
                yield c.value, c.state

    # -- statements ----------------------------------------------------------------------------------

    def block(self, body: Iterable[ir.Stmt], searching: bool = False) -> list[L.Stmt]:
        """`searching`: inside a Repeat, where a loss that is not finite is a rejected trial, not a divergence."""
        out: list[L.Stmt] = []
        for part in runs(body):
            match part:
                case list():
                    out += self.run(part)
                case ir.Evaluate():
                    out += self.evaluate(part, searching)
                case ir.Fetch() | ir.Keep():
                    out += self.per_batch(part)
                case ir.For(index, low, high, inner):
                    counter = f"{index}_at"
                    first, stop = L.call("int64", number(low)), L.add(L.call("int64", number(high)), 1)
                    head = L.let(index, L.call("float64", counter))
                    with self.counting(part):
                        rounds = self.block(inner, searching)
                    out.append(L.loop(counter, stop, [head, *rounds], start=first))
                    out.append(leave())
                case ir.Repeat(inner, bound):
                    out += self.repeat(inner, bound, not searching)
                case ir.Until(condition):
                    out += [*self.condition(condition), L.If(L.Name("holds"), (L.Break(),))]
                case ir.If(condition, then, otherwise):
                    out += [*self.condition(condition), self.branches(then, otherwise, searching)]
                case ir.Stop(condition, ending):
                    out += [*self.condition(condition), *self.stop(ending)]
                case ir.Assign():
                    raise AssertionError("assignments come in runs")
                case _:
                    assert_never(part)
        return out

    @contextmanager
    def counting(self, loop: ir.For) -> Iterator[None]:
        """Inside it the loop's index is the number of a batch, where it runs within 1..m."""
        first, last = loop.first, loop.last
        whole = isinstance(first, ir.Const) and first.value >= 1 and last == ir.Var("m", ir.SCALAR)
        before = self.numbers
        if whole and loop.index not in {s.name for s in flat(loop.body) if isinstance(s, ir.Assign)}:
            self.numbers |= {loop.index}
        yield
        self.numbers = before

    def is_batch(self, index: ir.Expr) -> list[L.Stmt]:
        """Ends the run where the index is not the number of a batch: memory is read by it."""
        match index:
            case ir.Var(name) if name in self.numbers and "m" not in self.own:
                return []
            case ir.Const(value) if 1 <= value < self.parts + 1:
                return []
        inside = L.call("and", L.call("ge", number(index), 1), L.call("lt", number(index), self.parts + 1))
        return [L.If(L.call("not", inside), _end("batch"))]

    def per_batch(self, s: ir.Fetch | ir.Keep) -> list[L.Stmt]:
        return [*self.is_batch(s.index), *self.at_batch(s)]

    def at_batch(self, s: ir.Fetch | ir.Keep) -> list[L.Stmt]:
        """A number of a per-batch state is read into a variable, a vector is looked at in its place."""
        place = L.At(L.Name(s.memory), L.call("sub", L.call("int64", number(s.index)), 1))
        match s:
            case ir.Fetch(name):
                return [L.let(name, place)]
            case ir.Keep(value=value, axes=()):
                return [L.Store(place.array, place.index, L.Name(value))]
            case ir.Keep(value=value):
                return [self.copy(place, self._array(value))]

    def branches(self, then: tuple[ir.Stmt, ...], otherwise: tuple[ir.Stmt, ...], searching: bool) -> L.Stmt:
        """Either may hold the first evaluation of an iteration."""
        before, made = self.recorded, []
        seen = []
        for body in (then, otherwise):
            self.recorded = before
            made.append(tuple(self.block(body, searching)))
            seen.append(self.recorded)
        self.recorded = all(seen)
        return L.If(L.Name("holds"), *made)

    def run(self, assigns: list[ir.Assign]) -> list[L.Stmt]:
        out: list[L.Stmt] = []
        for text in _lines(assigns):
            out.append(L.Note(text))
        return out + self.passes(fuse(assigns, self.live, f"r{next(self.runs)}_"))

    def passes(self, passes: list[Pass]) -> list[L.Stmt]:
        out: list[L.Stmt] = []
        for p in passes:
            out += self.per_layer(p) if isinstance(p, PerLayer) else self.space.passes([p])
        return out

    def stop(self, ending: ir.Ending) -> list[L.Stmt]:
        return [L.If(L.Name("holds"), _end(ending))]

    def condition(self, condition: ir.Expr) -> list[L.Stmt]:
        return self.passes(fuse([ir.Assign("holds", condition)], self.live, f"r{next(self.runs)}_"))

    def evaluate(self, e: ir.Evaluate, searching: bool) -> list[L.Stmt]:
        name = e.loss or f"loss_{e.gradient}"
        out = [*self.samples_of(e.batch), *self.call(e, name)]
        if e.gradient and e.counts[1]:
            out.append(L.let("gradients", L.add("gradients", 1)))
        if e.loss and e.counts[0]:
            out.append(L.let("losses", L.add("losses", 1)))
        if searching or self.recorded or e.tested:
            return out  # a trial, or a measurement: its loss may be anything
        self.recorded = True
        out += _record(name)
        out.append(L.If(L.call("not", L.call("isfinite", name)), _end("diverged")))
        return out

    def samples_of(self, batch: Literal["current", "full"] | ir.Expr) -> list[L.Stmt]:
        """`first` and `rest`: which samples an evaluation reads."""
        out: list[L.Stmt] = []
        first: L.Expr
        match batch:
            case "current" if not self.rule.visits_batches:
                first, stop = L.Name("batch"), L.add("batch", 1)
            case "current" | "full":
                first, stop = L.Int(0), L.Name("batches")
            case expr:
                out += self.is_batch(expr)
                out.append(L.let("batch", L.call("sub", L.call("int64", number(expr)), 1)))
                first, stop = L.Name("batch"), L.add("batch", 1)
        out.append(L.let("first", L.At(L.Name("bounds"), first)))
        out.append(L.let("rest", L.call("sub", L.At(L.Name("bounds"), stop), "first")))
        return out

    @property
    def work(self) -> tuple[str, ...]:
        """The work space of an evaluation."""
        return ("scratch",)

    def call(self, e: ir.Evaluate, name: str) -> list[L.Stmt]:
        """The loss into `name`, the gradient where it is wanted into its vector."""
        where = (self._array(e.point), "x", "y", "order", "first", "rest")
        if e.gradient:
            return [L.let(name, L.call("gradient", *where, self._array(e.gradient), *self.work))]
        return [L.let(name, L.call("loss", *where, *self.work))]

    def repeat(self, body: tuple[ir.Stmt, ...], bound: int, outermost: bool) -> list[L.Stmt]:
        rounds = "rounds" if outermost else f"r{next(self.runs)}_rounds"
        failed = L.If(L.call("ge", rounds, bound), _end("search"))
        inner = [*self.block(body, searching=True), L.let(rounds, L.add(rounds, 1)), failed]
        return [L.let(rounds, 0), L.While(L.Name("True"), tuple(inner)), leave()]

    def per_layer(self, p: PerLayer) -> list[L.Stmt]:
        """A number per part, spread over its parameters; its last vector may reach into the next part."""
        space, w = self.space, self.vectors.lanes
        combine, neutral, across = COMBINE[p.op]
        out: list[L.Stmt] = []
        for region in self.vectors.parts(p.per):
            size = region.stop - region.start
            whole = region.start + size // w * w

            def part(at: L.Expr, valid: int) -> list[L.Stmt]:
                loads = [
                    L.let(space.register(n), L.call("load", *space.address(n, at)))
                    for n in sorted(vector_names(p.value))
                ]
                value = lanes(p.value, space.register, False)
                if valid < w:
                    value = L.call("keep", value, valid, neutral)
                return [*loads, L.let("part", L.call(combine, "part", value))]

            out.append(L.let("part", L.call("splat", neutral)))
            out.append(L.loop("q", whole, part(L.Name("q"), w), start=region.start, step=w))
            if whole < region.stop:
                out += part(L.Int(whole), region.stop - whole)
            spread = L.store(
                self._array(p.name), "q", L.call("splat", L.call("float64", L.call(across, "part")))
            )
            out.append(L.loop("q", region.stop, [spread], start=region.start, step=w))
        return out

    # -- functions -----------------------------------------------------------------------------------

    def starting(self) -> list[L.Function]:
        return [self.start(), _start()]

    def start(self) -> L.Function:
        rule = self.rule
        # Per-batch states start at 0, as their memory does.
        assigns = [ir.Assign(s.name, s.initial) for s in rule.states if s.name != "theta" and not s.per_batch]
        states = frozenset(s.name for s in rule.states)
        body: list[L.Stmt] = [
            *(L.let(h.name, L.At(L.Name("hyper"), L.Int(i))) for i, h in enumerate(rule.hypers)),
            *self.views(),
            *self.passes(fuse(self._initial(assigns), states, "r0_")),
            *self.stores(),
        ]
        return L.Function(
            "start_run", ("theta", "vectors", "scalars", "hyper"), tuple(body), "First values of the states."
        )

    def _initial(self, assigns: list[ir.Assign]) -> list[ir.Assign]:
        """A vector state that starts at a number starts there in every element."""
        axes = {s.name: s.axes for s in self.rule.states}
        one = ir.Const(1.0, ir.THETA)
        return [
            replace(a, value=ir.apply("mul", one, a.value))
            if axes[a.name] and not a.value.axes else a
            for a in assigns
        ]  # fmt: skip

    def _scalars(self) -> list[str]:
        return [s.name for s in self.rule.states if not s.axes and not s.per_batch]

    def vector_states(self) -> list[str]:
        """Those of `vectors`: all but theta, and but those per batch, which follow."""
        return [s.name for s in self.rule.states if s.axes and s.name != "theta" and not s.per_batch]

    def sizes(self) -> tuple[int, int]:
        """How many vectors and how many numbers the states are."""
        kept = [s.axes for s in self.rule.states if s.per_batch]
        vectors = len(self.vector_states()) + self.parts * kept.count(ir.THETA)
        return vectors, len(self._scalars()) + self.parts * kept.count(ir.SCALAR)

    def batch_views(self) -> list[L.Stmt]:
        """Per-batch states: m rows of `vectors`, or m numbers of `scalars`, behind the other states."""
        out: list[L.Stmt] = []
        after = {ir.THETA: len(self.vector_states()), ir.SCALAR: len(self._scalars())}
        for s in (s for s in self.rule.states if s.per_batch):
            array = "vectors" if s.axes else "scalars"
            first = after[s.axes]
            after[s.axes] = first + self.parts
            out.append(L.let(s.name, L.At(L.Name(array), L.Int(first), L.Int(first + self.parts))))
        return out

    def batches(self) -> L.Expr:
        return L.call("sub", L.call("len", "bounds"), 1)

    def views(self) -> list[L.Stmt]:
        """What the code calls its vectors' memory."""
        return [L.let(v, L.At(L.Name("vectors"), L.Int(i))) for i, v in enumerate(self.vector_states())]

    def scratch_views(self) -> list[L.Stmt]:
        """The same for temporaries, and the masks, which are made there."""
        out: list[L.Stmt] = []
        for i, t in enumerate(self.temporaries):
            start = self.vectors.temporaries + i * self.vectors.stride
            out.append(L.let(t, L.At(L.Name("scratch"), L.Int(start), L.Int(start + self.vectors.stride))))
        masks = (*MASKS, *(m.name for m in self.rule.masks))
        return out + [s for mask in masks if mask in self.temporaries for s in self.mask(mask)]

    def stores(self) -> list[L.Stmt]:
        """States that live in variables go back to memory."""
        return [L.Store(L.Name("scalars"), L.Int(i), L.Name(s)) for i, s in enumerate(self._scalars())]

    def advance(self) -> L.Function:
        body = (L.loop("row_at", L.call("len", "rows"), self.one_run()),)
        note = "The runs `rows`, one after the other, up to iteration `last`; those that have ended stay as they are."
        return L.Function("advance", ADVANCE, body, note)

    def one_run(self) -> list[L.Stmt]:
        """The run in row `rows[row_at]` up to iteration `last`; on every target."""
        loop = self.iteration()  # first: it finds out which temporaries there are
        going = L.call("lt", "iteration", "last")
        opening = [*self.rows(), *self.constants(), *self.opening()]
        return [*opening, L.While(going, (leave(), *loop)), *self.closing()]

    def rows(self) -> list[L.Stmt]:
        """What belongs to the run: its rows of the arrays."""
        return [
            L.let("r", L.At(L.Name("rows"), L.Name("row_at"))),
            *(L.let(a, L.At(L.Name(f"all_{a}"), L.Name("r"))) for a in PER_RUN),
        ]

    def constants(self) -> list[L.Stmt]:
        """What is the same for every run."""
        clocks: dict[str, L.Expr] = {
            "m": L.call("float64", "batches"),
            "samples": L.call("float64", L.At(L.Name("bounds"), L.Name("batches"))),
        }
        return [
            *(L.let(h.name, L.At(L.Name("hyper"), L.Int(i))) for i, h in enumerate(self.rule.hypers)),
            L.let("batches", self.batches()),
            *(L.let(c, value) for c, value in clocks.items() if c not in self.own),
        ]

    def opening(self) -> list[L.Stmt]:
        """States and counters of the run: views, and numbers in variables."""
        return [
            *self.views(),
            *self.batch_views(),
            *self.scratch_views(),
            *(L.let(s, L.At(L.Name("scalars"), L.Int(i))) for i, s in enumerate(self._scalars())),
            *(L.let(n, L.At(L.Name("counters"), L.Int(i))) for i, n in enumerate((*COUNTED, "run"))),
        ]

    def closing(self) -> list[L.Stmt]:
        return [
            *self.stores(),
            *(L.Store(L.Name("counters"), L.Int(i), L.Name(n)) for i, n in enumerate(COUNTED)),
        ]

    def iteration(self) -> list[L.Stmt]:
        rule = self.rule
        per_epoch = L.Int(1) if rule.visits_batches else L.Name("batches")
        n = L.call("float64", "iteration")
        opening: list[L.Stmt] = [
            L.let("batch", L.call("mod", "iteration", per_epoch)),
            L.let("n", n),
            *(
                []
                if "epoch" in self.own
                else [L.let("epoch", L.call("div", "n", L.call("float64", per_epoch)))]
            ),
        ]
        at_start: list[L.Stmt] = [L.Store(L.Name("figures"), L.Int(i), L.Real(0.0)) for i in (1, 2)]
        if self.order:
            at_start += self.ordered(L.call("floordiv", "iteration", per_epoch))
        self.recorded = True  # a test's losses are no batch's
        at_start += self.block(rule.test)
        self.recorded = False
        opening.append(L.If(L.call("eq", "batch", 0), tuple(at_start)))
        if rule.test:
            opening.append(leave())
        body = self.block(rule.body)
        closing = [*self.commits(rule.commits), L.let("iteration", L.add("iteration", 1))]
        if rule.epoch_end:
            mean = L.call("div", L.At(L.Name("figures"), L.Int(1)), L.At(L.Name("figures"), L.Int(2)))
            at_end = [
                L.let("epoch_loss", mean),
                *self.block(rule.epoch_end),
                *self.commits(rule.epoch_commits),
            ]
            closing.append(L.If(L.call("eq", L.call("mod", "iteration", per_epoch), 0), tuple(at_end)))
        return [*opening, *body, *closing]

    def commits(self, commits: tuple[ir.Commit, ...]) -> list[L.Stmt]:
        axes = {s.name: s.axes for s in self.rule.states}
        out: list[L.Stmt] = []
        for c in commits:
            if not axes[c.state]:
                out.append(L.let(c.state, c.value))
            elif self.homes.get(c.value) != c.state:
                out.append(self.copy(c.state, self._array(c.value)))
        return out

    def ordered(self, epoch: L.Expr) -> list[L.Stmt]:
        return [L.Do(L.call(self.order, "order", "key", "run", epoch))]

    def copy(self, into: L.Expr | str, source: str) -> L.Stmt:
        copy = L.store(into, "q", L.load(source, "q"))
        return L.loop("q", self.vectors.parameters, [copy], step=self.vectors.lanes)

    def mask(self, name: str) -> list[L.Stmt]:
        """1 on its parameters and 0 on the others."""
        return [
            L.loop("q", stop, [L.Store(L.Name(name), L.Name("q"), L.Real(float(held)))], start=start)
            for start, stop, held in self.marked(name)
        ]

    def marked(self, name: str) -> Iterator[tuple[int, int, bool]]:
        """(start, stop, whether the mask is 1 there)"""
        if name not in MASKS:
            yield from dict(self.vectors.marks)[name]
            return
        for region in self.vectors.regions:
            middle = region.start + region.weights
            yield region.start, middle, name == "weights"
            yield middle, region.stop, name != "weights"


def _start() -> L.Function:
    rows = [L.At(L.Name(a), L.Name("r")) for a in ARGUMENTS[:3]]
    body = (L.loop("r", L.call("len", "theta"), [L.Do(L.call("start_run", *rows, "hyper"))]),)
    return L.Function("start", (*ARGUMENTS[:3], "hyper"), body, "First values of the states, for every run.")


def _end(ending: ir.Ending) -> tuple[L.Stmt, ...]:
    return (L.let("status", ir.STATUS[ending]), L.Break())


def _record(name: str) -> list[L.Stmt]:
    figures = L.Name("figures")
    total, amount = L.At(figures, L.Int(1)), L.At(figures, L.Int(2))
    return [
        L.Store(figures, L.Int(0), L.Name(name)),
        L.Store(figures, L.Int(1), L.call("add", total, name)),
        L.Store(figures, L.Int(2), L.call("add", amount, 1.0)),
    ]


def leave() -> L.Stmt:
    """A run that has ended leaves the loop."""
    return L.If(L.call("ne", "status", 0), (L.Break(),))


def _lines(assigns: list[ir.Assign]) -> list[str]:
    """The lines of the file that these assignments come from, each once."""
    return list(dict.fromkeys(" ".join(a.span.text.split()) for a in assigns if a.span.text))


def _pass_reads(p: Pass) -> frozenset[str]:
    match p:
        case Sweep(items):
            return frozenset().union(*(names_of(x) for x in items))
        case Scalar() | PerLayer():
            return names_of(p)
