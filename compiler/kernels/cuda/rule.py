"""Update rule -> loops for CUDA, a team of threads on each run: the threads of a block, or those of the grid.

Every thread of a team computes all numbers, from the same values in the same order, so that all take the same
turns and meet at the same barriers. Element q of a vector of parameters belongs to thread q mod members: passes
over the elements need no barrier, sums over them and evaluations of the network do (`cuda_network`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cuda.plan import Plan
from netc.compiler.kernels.cuda.threads import ARGUMENTS, OWN_FIGURES, figures_back, own_rows
from netc.compiler.kernels.fuse import Gather, Pass, PerLayer, Sweep
from netc.compiler.kernels.rule import Writer
from netc.compiler.kernels.vectors import COMBINE, Space, lanes, vector_names

TEAM = {"sum": "team_sum", "max": "team_max", "min": "team_min"}
BARRIER = L.Do(L.call("barrier"))
SUMS = ("sums", "partials", "turns")
"""What a sum over a team needs: a number per thread of a block, a number per block of the grid, and a count of
barriers over the grid."""


def memory_of(plan: Plan) -> tuple[str, ...]:
    """Work space: that of a block, and the numbers of its threads; in a grid its share of the gradient, and those of
    all blocks."""
    return ("memory", "seats", *(("share", "shares") if plan.shape == "grid" else ()), *SUMS)


def work_space(plan: Plan, parameters: int) -> int:
    """Numbers of `scratch` that these are: buffers that are not in shared memory, and a gradient for each block."""
    buffers = 0 if plan.shared else plan.size * plan.blocks
    return buffers + (parameters * plan.blocks if plan.shape == "grid" else 0)


def mine(body: list[L.Stmt], start: int, stop: int) -> L.Stmt:
    """A loop over the elements q of [start, stop) that belong to this thread."""
    members = L.call("members")
    first = (
        L.add(L.call("mod", L.call("sub", "member", start), members), start) if start else L.Name("member")
    )
    return L.Loop("q", first, L.Int(stop), members, tuple(body))


class TeamSpace(Space):
    """The elements of a vector of parameters, each at its thread."""

    def sweep(self, sweep: Sweep) -> list[L.Stmt]:
        gathers = [x for x in sweep.items if isinstance(x, Gather)]
        own = [L.let(self._sum(g.name), L.call("float64", COMBINE[g.op][1])) for g in gathers]
        total = [L.let(g.name, L.call(TEAM[g.op], self._sum(g.name), *SUMS)) for g in gathers]
        return [*own, mine(self._body(sweep, L.Name(self.index), 1), 0, self.stop), *total]


@dataclass
class TeamWriter(Writer):
    plan: Plan = field(kw_only=True)

    @property
    def space(self) -> Space:
        return TeamSpace("q", self.vectors.parameters, 1, self._address, per_lane=False)

    def passes(self, passes: list[Pass]) -> list[L.Stmt]:
        return [
            s
            for p in passes
            for s in (self.per_layer(p) if isinstance(p, PerLayer) else self.space.passes([p]))
        ]

    @property
    def work(self) -> tuple[str, ...]:
        return memory_of(self.plan)

    def per_layer(self, p: PerLayer) -> list[L.Stmt]:
        space = self.space
        combine, neutral, _ = COMBINE[p.op]
        out: list[L.Stmt] = []
        for region in self.vectors.parts(p.per):
            loads = [
                L.let(space.register(n), L.load(*space.address(n, L.Name("q"))))
                for n in sorted(vector_names(p.value))
            ]
            value = L.let("part", L.call(combine, "part", lanes(p.value, space.register, False)))
            spread = L.store(self._array(p.name), "q", L.call("splat", "part"))
            out += [
                L.let("part", L.call("float64", neutral)),
                mine([*loads, value], region.start, region.stop),
                L.let("part", L.call(TEAM[p.op], "part", *SUMS)),
                mine([spread], region.start, region.stop),
            ]
        return out

    def copy(self, into: L.Expr | str, source: str) -> L.Stmt:
        return mine([L.store(into, "q", L.load(source, "q"))], 0, self.vectors.parameters)

    def at_batch(self, s: ir.Fetch | ir.Store) -> list[L.Stmt]:
        """A number is written by one thread, when all have read the old one."""
        kept = super().at_batch(s)
        if isinstance(s, ir.Fetch) or s.axes:
            return kept
        return [BARRIER, L.If(L.call("eq", "member", 0), tuple(kept)), BARRIER]

    def ordered(self, epoch: L.Expr) -> list[L.Stmt]:
        """All threads wait before it (some may still read the old order) and after it."""
        return [L.Do(L.call(f"team_{self.order}", "order", "places", "key", "run", epoch, *SUMS))]

    def mask(self, name: str) -> list[L.Stmt]:
        return [
            mine([L.store(name, "q", L.call("splat", float(held)))], start, stop)
            for start, stop, held in self.marked(name)
        ]

    # -- who does what -------------------------------------------------------------------------------

    def advance(self) -> L.Function:
        body = [
            L.let("member", L.call("member")),
            OWN_FIGURES,
            L.let("scratch", L.At(L.Name("all_scratch"), L.call("team_of_grid"))),
            *self.memory(),
            *self.one_after_the_other(self.one_run()),
        ]
        note = "The runs `rows` up to iteration `last`: a team of threads takes one, and the next when that has ended."
        return L.Function("advance", ARGUMENTS, tuple(body), note, parallel=True)

    def one_after_the_other(self, run: list[L.Stmt]) -> list[L.Stmt]:
        """Blocks take the next run that none has taken; the grid is one team, and has them all."""
        if self.plan.shape == "grid":
            return [L.loop("row_at", L.call("len", "rows"), run)]
        take = L.let("row_at", L.call("next_run_of_block", "rows", "all_counters", "sums", "turns"))
        return [take, L.While(L.call("lt", "row_at", L.call("len", "rows")), (*run, take))]

    def memory(self) -> list[L.Stmt]:
        """Where a block works, and sums over its threads. In a grid, all of `scratch` belongs to all blocks."""
        plan = self.plan
        size, parameters = max(1, plan.size), self.vectors.parameters
        shares = work_space(plan, 0)

        def own(start: int, each: int) -> L.Expr:
            first = L.add(L.mul("block", each), start)
            return L.At(L.Name("scratch"), first, L.add(first, each))

        nothing = L.Store(L.Name("memory"), L.Name("p"), L.call("splat", 0.0))
        out: list[L.Stmt] = [
            L.let("block", L.call("block")),
            L.let("memory", L.call("shared", size, "real") if plan.shared else own(0, size)),
            L.let("seats", L.call("shared", plan.threads, "int64")),
            L.Store(L.Name("seats"), L.call("thread"), L.call("thread")),
            L.Loop("p", L.call("thread"), L.Int(size), L.Int(plan.threads), (nothing,)),
        ]
        if plan.shape == "grid":
            every = L.At(L.Name("scratch"), L.Int(shares), L.Int(shares + parameters * plan.blocks))
            out += [L.let("share", own(shares, parameters)), L.let("shares", every)]
        return [*out, *self.sums()]

    def sums(self) -> list[L.Stmt]:
        """Where a team shuffles, and where a block adds."""
        places = L.let("places", L.At(L.Name("all_places"), L.call("team_of_grid")))
        return [
            *([places] if self.order else []),
            L.let("sums", L.call("shared", self.plan.threads, "float64")),
        ]

    def rows(self) -> list[L.Stmt]:
        return own_rows()

    def closing(self) -> list[L.Stmt]:
        """By one thread of the team, when all have done their part."""
        return [BARRIER, L.If(L.call("eq", "member", 0), (*super().closing(), *figures_back()))]
