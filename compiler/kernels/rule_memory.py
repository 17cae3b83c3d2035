"""Where what an update rule works with lies: theta and the states of a run, temporaries in the scratch, masks.

Vectors that a later pass, an evaluation or a state needs live in memory, all others in registers. A state's
new value is written straight over the old one where nothing reads the old one any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from netc.compiler.calculus import ir
from netc.compiler.calculus.masks import stretches
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.fuse import Pass, PerLayer, Scalar, Sweep, fuse, names_of
from netc.compiler.kernels.rule_flow import flat, reads, runs
from netc.compiler.kernels.vectors import Space
from netc.dsl.record import record

ARGUMENTS = (
    "theta", "vectors", "scalars", "counters", "figures", "hyper", "x", "y", "bounds", "order", "scratch", "key",
)  # fmt: skip
PER_RUN = ("theta", "vectors", "scalars", "counters", "figures", "order")
COUNTED = ("iteration", "losses", "gradients", "status")
MASKS = ("weights", "biases")
CLOCK = ("key", "run", "iteration")
"""On which hangs, of a run, what layers draw."""


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

    offsets: tuple[tuple[str, int], ...] = ()
    """Of the states of layers, among them."""

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


def offsets(problem: ir.Problem) -> tuple[tuple[str, int], ...]:
    """As `Vectors` has them."""
    return tuple((t.name, t.offset) for t in problem.states)


def marks(problem: ir.Problem, rule: ir.Rule) -> tuple[tuple[str, tuple[tuple[int, int, bool], ...]], ...]:
    """As `Vectors` has them."""
    return tuple((m.name, tuple(stretches(problem, m.of))) for m in rule.masks)


@dataclass
class Memory:
    """Names of a rule -> places; which vectors live in memory is found out while its statements are written."""

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
    live: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        rule = self.rule
        committed = {c.value for c in rule.commits}
        self.live = frozenset((*reads(rule.body), *reads(rule.test))) | committed
        self.homes = dict(self._in_place())

    @property
    def fetched(self) -> frozenset[str]:
        """Vectors that are looked at where a per-batch state holds them."""
        return frozenset(s.name for s in flat(self.rule.body) if isinstance(s, ir.Fetch) and s.axes)

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

    def vector_states(self) -> list[str]:
        """Those of `vectors`: all but theta, and but those per batch, which follow."""
        return [s.name for s in self.rule.states if s.axes and s.name != "theta" and not s.per_batch]

    def _scalars(self) -> list[str]:
        return [s.name for s in self.rule.states if not s.axes and not s.per_batch]

    def sizes(self) -> tuple[int, int]:
        """How many vectors and how many numbers the states are."""
        kept = [s.axes for s in self.rule.states if s.per_batch]
        vectors = len(self.vector_states()) + self.parts * kept.count(ir.THETA)
        return vectors, len(self._scalars()) + self.parts * kept.count(ir.SCALAR)

    def views(self) -> list[L.Stmt]:
        """What the code calls its vectors' memory."""
        return [L.let(v, L.At(L.Name("vectors"), L.Int(i))) for i, v in enumerate(self.vector_states())]

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


def _pass_reads(p: Pass) -> frozenset[str]:
    match p:
        case Sweep(items):
            return frozenset().union(*(names_of(x) for x in items))
        case Scalar() | PerLayer():
            return names_of(p)
