"""Assignments -> passes: which of them run once, which run per element, and which share one pass.

    passes  = (Scalar | Sweep | LayerNorm)*        in order
    Sweep   = one pass over the elements: element-by-element assignments and the sums it gathers

A straight run of assignments mixes numbers and vectors. A vector assignment joins the open sweep unless it
needs a sum that this very sweep gathers; a number is computed before or after the sweep, never in it. So an update such
as `v = b*v + g; theta = theta - eta*v` is one pass over the parameters, and a step with one norm is two.
This holds for every target and for both kinds of vectors: parameters (`theta`) and units of a layer
(`output`). It does not choose loops, lanes or threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import TRUTHS
from netc.dsl.record import record


@record
class Scalar:
    name: str
    value: ir.Expr


@record
class Element:
    """name := value for every element; `kept` where a later pass, a state or an evaluation reads it."""

    name: str
    value: ir.Expr
    kept: bool = True


@record
class Gather:
    """name := reduction of `value` over all elements; known once the sweep is over."""

    name: str
    op: str
    value: ir.Expr


@record
class Sweep:
    """In order: an assignment may give a name again after a gathering has read it."""

    items: tuple[Element | Gather, ...]


@record
class PerLayer:
    """name := reduction of `value` over the parameters of each layer (or tensor), spread over them again."""

    name: str
    op: str
    value: ir.Expr
    per: ir.Per = "layer"


Pass = Scalar | Sweep | PerLayer


def fuse(assigns: Iterable[ir.Assign], live: frozenset[str], prefix: str = "r") -> list[Pass]:
    """The passes of a straight run of assignments; vectors named in `live` are kept in memory.

    `prefix` begins the names of the sums, which must differ between runs that see each other's names.
    """
    builder = _Builder()
    for item in _items(assigns, prefix):
        builder.take(item)
    builder.close()
    return _mark_kept(builder.passes, live)


class _Extractor:
    """Takes out of an expression what is computed once, not per element: reductions, and numbers made of numbers."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.known: dict[ir.Expr, ir.Var] = {}
        self.found: list[Scalar | Gather | PerLayer] = []
        self.count = 0

    def value(self, e: ir.Expr) -> ir.Expr:
        """Reductions become variables of their own."""
        match e:
            case ir.Reduce(op, arg, over, per):
                inner = ir.Reduce(op, self.numbers(self.value(arg)), over, per)
                if per:
                    return self._name(inner, lambda name: PerLayer(name, op, inner.arg, per))
                return self._name(inner, lambda name: Gather(name, op, inner.arg))
            case _:
                return ir.with_children(e, tuple(self.value(c) for c in ir.children(e)))

    def numbers(self, e: ir.Expr) -> ir.Expr:
        """Within a vector expression, numbers that need computing become variables of their own."""
        match e:
            case ir.Apply(op) if not e.axes and op not in TRUTHS:
                return self._name(e, lambda name: Scalar(name, e))
            case ir.Apply(_, args) if e.axes:
                return replace(e, args=tuple(self.numbers(a) for a in args))
            case _:
                return e

    def _name(self, e: ir.Expr, item: Callable[[str], Scalar | Gather | PerLayer]) -> ir.Var:
        if e not in self.known:
            self.count += 1
            self.known[e] = ir.Var(f"{self.prefix}{self.count}", e.axes)
            self.found.append(item(self.known[e].name))
        return self.known[e]

    def forget(self, name: str) -> None:
        """What was computed from the old value of a name no longer holds."""
        for e in [e for e in self.known if name in names(e)]:
            del self.known[e]


def _items(assigns: Iterable[ir.Assign], prefix: str) -> Iterator[Scalar | Element | Gather | PerLayer]:
    """Every reduction, and every number inside a vector expression, becomes an item; equal ones are computed once."""
    extractor = _Extractor(prefix)
    for assign in assigns:
        value = extractor.value(assign.value)
        if not value.axes:
            item: Scalar | Element = Scalar(assign.name, value)
        else:
            item = Element(assign.name, extractor.numbers(value))
        yield from extractor.found
        extractor.found = []
        yield item
        extractor.forget(assign.name)


@dataclass
class _Builder:
    """Holds the open sweep with the numbers that wait for its end."""

    passes: list[Pass] = field(default_factory=list)
    items: list[Element | Gather] = field(default_factory=list)
    after: list[Scalar] = field(default_factory=list)

    def take(self, item: Scalar | Element | Gather | PerLayer) -> None:
        waits = names_of(item) & self._late()
        match item:
            case PerLayer():
                self.close()
                self.passes.append(item)
            case Scalar():
                touched = item.name in self._seen()
                if waits or touched:
                    if touched and item.name not in {s.name for s in self.after}:
                        self.close()  # a pass that reads the old number must be over first
                        self.passes.append(item)
                    else:
                        self.after.append(item)
                else:
                    self.passes.append(item)
            case Element() | Gather():
                if waits:
                    self.close()
                self.items.append(item)

    def close(self) -> None:
        if self.items:
            self.passes.append(Sweep(tuple(self.items)))
        self.passes += self.after
        self.items, self.after = [], []

    def _late(self) -> frozenset[str]:
        """Names known only when the open sweep is over."""
        gathers = (x.name for x in self.items if isinstance(x, Gather))
        return frozenset(gathers) | {x.name for x in self.after}

    def _seen(self) -> frozenset[str]:
        """Names the open sweep and what waits for it read or set."""
        return frozenset(n for x in (*self.items, *self.after) for n in (x.name, *names_of(x)))


def _mark_kept(passes: list[Pass], live: frozenset[str]) -> list[Pass]:
    """Keeps in memory only what a later pass or `live` reads; the rest lives in registers."""
    marked: list[Pass] = []
    needed = set(live)
    for p in reversed(passes):
        match p:
            case Sweep(items):
                last = {x.name: i for i, x in enumerate(items)}
                marked.append(
                    Sweep(
                        tuple(
                            replace(x, kept=x.name in needed and last[x.name] == i)
                            if isinstance(x, Element)
                            else x
                            for i, x in enumerate(items)
                        )
                    )
                )
                needed |= {n for x in items for n in names_of(x)}
            case Scalar() | PerLayer():
                needed |= names_of(p)
                marked.append(p)
    return marked[::-1]


def names_of(item: Scalar | Element | Gather | PerLayer) -> frozenset[str]:
    return names(item.value)


def names(e: ir.Expr) -> frozenset[str]:
    """The variables an expression reads."""
    return frozenset(node.name for node in ir.postorder(e) if isinstance(node, ir.Var))
