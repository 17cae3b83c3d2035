"""Lets -> lets in which each sum of products stands alone and its factors have names, where a target has tiles for it.

`tanh(sum[i](W[k,i]*x[i]) + b[k])` becomes a let of the sum with the bias, and the rest. What in a Scan hangs on nothing
that the Scan computes goes before it, for all places at once. The values are the same; chooses no tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.kernels.contractions import parted

Fits = Callable[[ir.Let, ir.Axis | None], bool]
"""Whether the target has tiles for the let, inside of a Scan along that axis."""


def factored(problem: ir.Problem, fits: Fits) -> ir.Problem:
    return ir.with_steps(problem, _Work(fits).step)


@dataclass
class _Work:
    fits: Fits
    known: dict[ir.Expr, ir.Var] = field(default_factory=dict)
    """What has been computed before all places of what follows."""
    made: int = 0

    def step(self, step: ir.Step) -> Sequence[ir.Step]:
        match step:
            case ir.Let():
                place = _Place(self, step.name, step.axes)
                value = place.value(step.value)
                return (*place.before, replace(step, value=value))
            case ir.Scan():
                return self.scan(step)
            case _:
                assert_never(step)

    def scan(self, scan: ir.Scan) -> Sequence[ir.Step]:
        own = frozenset(let.name for let in scan.lets)
        before: list[ir.Let] = []
        inside: list[ir.Let] = []
        later: dict[ir.Expr, ir.Var] = {}
        for let in scan.lets:
            place = _Place(self, let.name, let.axes, scan.axis, own)
            value = place.value(let.value)
            before += place.before
            inside += [*place.inside, replace(let, value=value)]
            later |= place.known
        self.known |= later
        return (*before, replace(scan, lets=_in_order(scan.axis, inside)))

    def name(self, base: str) -> str:
        self.made += 1
        return f"{base}.part{self.made}"


def _in_order(axis: ir.Axis, lets: Sequence[ir.Let]) -> tuple[ir.Let, ...]:
    """Each after those that it reads at the same place along the axis."""
    named = {let.name: let for let in lets}
    done: dict[str, ir.Let] = {}

    def visit(let: ir.Let) -> None:
        for name in _here(let.value, axis):
            if name in named and name not in done and name != let.name:
                visit(named[name])
        done.setdefault(let.name, let)

    for let in lets:
        visit(let)
    return tuple(done.values())


def _here(e: ir.Expr, axis: ir.Axis) -> list[str]:
    """What is read, but not at other places along the axis."""
    found: list[str] = []
    ahead, seen = [e], set[int]()
    while ahead:
        node = ahead.pop()
        if id(node) in seen or (isinstance(node, ir.View) and node.axis == axis):
            continue
        seen.add(id(node))
        found += [node.name] if isinstance(node, ir.Var) else []
        ahead += ir.children(node)
    return found


@dataclass
class _Place:
    """Where a let stands."""

    work: _Work
    name: str
    axes: ir.Axes
    scan: ir.Axis | None = None
    own: frozenset[str] = frozenset()
    """Of the Scan around it."""
    before: list[ir.Let] = field(default_factory=list)
    inside: list[ir.Let] = field(default_factory=list)
    done: dict[int, tuple[ir.Expr, ir.Expr]] = field(default_factory=dict)
    """By identity: expressions are graphs with much sharing."""
    known: dict[ir.Expr, ir.Var] = field(default_factory=dict)
    """Of what stands inside, for what comes behind the Scan."""

    def value(self, e: ir.Expr) -> ir.Expr:
        """Of the let itself, which may be the sum of products."""
        found = self.tiled(e, self.axes, whole=True)
        return self.rest(e) if found is None else found

    def rest(self, e: ir.Expr) -> ir.Expr:
        """Sums of products and known values inside of it by name."""
        if id(e) not in self.done:
            self.done[id(e)] = (e, self.made(e))
        return self.done[id(e)][1]

    def made(self, e: ir.Expr) -> ir.Expr:
        if e in self.work.known:
            return self.work.known[e]
        found = self.tiled(e, samples_first(e.axes), whole=False)
        if found is not None:
            return self.named(found, e)
        return ir.with_children(e, tuple(self.rest(c) for c in ir.children(e)))

    def tiled(self, e: ir.Expr, axes: ir.Axes, whole: bool) -> ir.Expr | None:
        """The expression with its factors named, if there are tiles for it; `whole`: it is the let itself."""
        inner, bias = e, tuple[ir.Expr, ...]()
        match e:
            case ir.Apply("add", (ir.Reduce() | ir.View() as inner, ir.Var() as b)) if (
                ir.SAMPLES not in b.axes
            ):
                bias = (b,)
        parts = parted(inner)
        if parts is None:
            return None
        again, factors = parts
        stays = whole or self.stays(e)
        new = [f for f in factors if not isinstance(f, ir.Var)]
        if stays and self.scan and any(self.scan not in x.axes for x in (e, *new) if x is e or self.stays(x)):
            return None

        def value(arrays: list[ir.Expr]) -> ir.Expr:
            return ir.apply("add", again(arrays), *bias) if bias else again(arrays)

        drafts = [ir.Var(f"?{i}", samples_first(f.axes)) for i, f in enumerate(factors)]
        draft = value([f if isinstance(f, ir.Var) else d for f, d in zip(factors, drafts, strict=True)])
        if not self.work.fits(ir.Let("?", axes, draft), self.scan if stays else None):
            return None
        return value([f if isinstance(f, ir.Var) else self.named(self.rest(f), f) for f in factors])

    def stays(self, e: ir.Expr) -> bool:
        """Whether it hangs on what the Scan computes."""
        return any(isinstance(node, ir.Var) and node.name in self.own for node in ir.postorder(e))

    def named(self, value: ir.Expr, was: ir.Expr) -> ir.Expr:
        if isinstance(value, ir.Var):
            return value
        let = ir.Let(self.work.name(self.name), samples_first(was.axes), value)
        if self.stays(was):
            self.inside.append(let)
            self.known[was] = let.var
        else:
            self.before.append(let)
            self.work.known[was] = let.var
        return let.var


def samples_first(axes: ir.Axes) -> ir.Axes:
    return (*(a for a in axes if a == ir.SAMPLES), *(a for a in axes if a != ir.SAMPLES))
