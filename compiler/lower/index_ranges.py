"""How far each index of a layer runs. Every index has one range in a layer; what cannot be inferred is an error.

o in out            it is said
x[i], h[t]          a plain subscript: as many places as the array has there
x[2*h + p - pad]    a compound one with one index that is open: the largest range that stays inside, in all that there
                    are; where it begins `pad` places before the array it may end as many behind it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import floor

from netc.compiler.lower.layer_faults import LayerFault, fault
from netc.compiler.lower.layer_text import LayerText
from netc.compiler.lower.reads import name_of, reads, reductions, subscripts
from netc.compiler.lower.subscripts import Floor, Linear, linear
from netc.compiler.meaning.resolve_values import number_or_none
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_expr
from netc.dsl.source import Span
from netc.dsl.walks import walk

LARGEST = 10**9
BATCH = "batch"
"""The index over which statistics of a batch are taken."""


Given = Mapping[str, Sequence[int]]
"""Extents of arrays that are there before: of the input, `x`, as the layer reads it."""


def index_ranges(text: LayerText, given: Given, noun: str = "layer") -> dict[str, int]:
    """The size of every index. `noun`: what the equations are of, for messages."""
    return _Ranges(text, given, noun).run()


def arrays_of(text: LayerText, given: Given) -> dict[str, tuple[str | int, ...]]:
    """Of each array its extents: the index that fixes it, or of those that are given the number."""
    found: dict[str, tuple[str | int, ...]] = {name: tuple(extents) for name, extents in given.items()}
    for array in _arrays(text):
        if array.name in found:
            raise fault("E0229", array.span, f"'{array.name}' is given twice")
        found[array.name] = tuple(_plain(i) for i in array.indices)
    return found


def _plain(index: ast.Expr) -> str:
    if not name_of(index):
        raise fault("E0228", index.span, "an index is expected here",
                    "what a layer gives is written z[h, w, o]: places are computed on the right")  # fmt: skip
    return name_of(index)


class _Ranges:
    def __init__(self, text: LayerText, given: Given, noun: str) -> None:
        self.text, self.noun = text, noun
        self.arrays = arrays_of(text, given)
        self.sizes: dict[str, int] = {}
        self.why: dict[str, tuple[Span, str]] = {}
        """Where the range of an index comes from, and in words."""
        self.known = _indices(text)
        self.places = [p for f in text.formulas for p in self._places(f)]

    def run(self) -> dict[str, int]:
        self._require_indices()
        self._said()
        while self._plain_ones() or self._compound_one():
            pass
        self._require_equal()
        self._require_all()
        return self.sizes

    def _places(self, formula: ast.Formula) -> Iterator[tuple[str, str | int, ast.Expr]]:
        """(array, its extent, subscript) of all that the equation reads."""
        for read in reads(formula.value):
            assert isinstance(read.base, ast.Name)
            name, found = read.base.id, subscripts(read.index)
            if name in self.text.absent:
                continue
            if name not in self.arrays:
                hints = did_you_mean(name, self.arrays) or (f"there are: {', '.join(self.arrays)}",)
                raise fault(
                    "E0230", read.base.span, f"there is no array '{name}' in this {self.noun}", *hints
                )
            extents = self.arrays[name]
            if len(found) != len(extents):
                given = all(isinstance(e, int) for e in extents)
                shape = f"it is {' x '.join(map(str, extents))}"
                raise fault(
                    "E0223", read.span, f"'{name}' has {len(extents)} indices, {len(found)} stand here",
                    shape if given else f"as in {name}[{', '.join(map(str, extents))}]",
                )  # fmt: skip
            yield from ((name, extent, subscript) for extent, subscript in zip(extents, found, strict=True))

    def _require_indices(self) -> None:
        for formula in self.text.formulas:
            for index in (i for _, over, _ in reductions(formula.value) for i in over):
                if not name_of(index):
                    raise fault(
                        "E0228",
                        index.span,
                        "an index is expected here",
                        "a sum is over indices: sum[i, j](...)",
                    )

    # -- what fixes a range ------------------------------------------------------------------------

    def _said(self) -> None:
        every = [i for a in _arrays(self.text) for i in a.indices]
        every += [i for f in self.text.formulas for _, over, _ in reductions(f.value) for i in over]
        for among in (i for i in every if isinstance(i, ast.Among)):
            name, size = name_of(among), number_or_none(among.values)
            if size is None:
                raise fault(
                    "E0226", among.values.span, f"the range of '{name}' must be known from the sizes alone"
                )
            if not (1 <= size <= LARGEST and size == floor(size)):
                value = print_expr(among.values)
                shown = value if value == f"{size:g}" else f"{value} = {size:g}"
                raise fault(
                    "E0226",
                    among.span,
                    f"the range of '{name}' is {shown}: a whole number from 1 on is needed",
                    *_no_multiple(among.values),
                )
            self._fix(name, int(size), among.span, f"'{name} in {int(size)}'")

    def _fix(self, name: str, size: int, span: Span, words: str) -> None:
        if name not in self.sizes:
            self.sizes[name], self.why[name] = size, (span, words)

    def _size(self, extent: str | int) -> int | None:
        return extent if isinstance(extent, int) else self.sizes.get(extent)

    def _plain_ones(self) -> bool:
        before = len(self.sizes)
        for array, extent, subscript in self.places:
            name, size = name_of(subscript), self._size(extent)
            if name in self.known and size is not None:
                self._fix(name, size, subscript.span, f"'{array}' has {size} places there")
            elif isinstance(extent, str) and name in self.sizes:
                self._fix(extent, self.sizes[name], subscript.span, f"'{name}' has {self.sizes[name]} places")
        return len(self.sizes) > before

    def _compound_one(self) -> bool:
        """Of several compound subscripts that are open in one index alone, all stay inside."""
        found: dict[str, list[tuple[int, Span, str]]] = {}
        for array, extent, subscript in self.places:
            place, size = linear(subscript, self.known), self._size(extent)
            if place is None or size is None or isinstance(subscript, ast.Name):
                continue
            free = place.names - set(self.sizes)
            if len(free) == 1:
                (name,) = free
                count = self._largest(place, name, size)
                if count is None:
                    continue
                if count < 1:
                    raise self._too_large(array, subscript, place, name, size)
                if count > LARGEST:
                    raise fault(
                        "E0226", subscript.span, f"the range of '{name}' would be {float(count):g} places"
                    )
                found.setdefault(name, []).append((count, subscript.span, array))
        for name, counts in found.items():
            count, span, array = min(counts, key=lambda c: c[0])
            self._fix(name, count, span, f"{count} places stay inside '{array}'")
            return True
        return False

    def _largest(self, place: Linear, name: str, size: int) -> int | None:
        """Values of the free index with which the place stays inside an array of this size."""
        whole = place
        if len(place.terms) == 1 and isinstance(place.terms[0][0], Floor) and place.terms[0][1] == 1:
            whole = place.terms[0][0].inner.plus(Linear((), place.offset))  # floor(a) < n where a < n
        factor = dict(whole.terms).get(name, Fraction(0))
        if factor <= 0:
            return None
        low, high = whole.bounds({**self.sizes, name: 1})
        top = (
            Fraction(size - 1)
            + max(Fraction(0), -low)
            + (1 - Fraction(1, whole.divisor) if whole != place else 0)
        )
        return floor((top - high) / factor) + 1

    def _too_large(self, array: str, subscript: ast.Expr, place: Linear, name: str, size: int) -> LayerFault:
        low, high = place.bounds({**self.sizes, name: 1})
        reach = int(high - low) + 1
        around = f" with {int(-low)} more on either side" if low < 0 else ""
        what = "the input" if array == "x" else f"'{array}'"
        return fault("E0222", subscript.span, f"a window of {reach} places does not fit on {what}, which has {size}{around}",
                     "a smaller window, or a larger pad, leaves at least one place")  # fmt: skip

    # -- what must hold ----------------------------------------------------------------------------

    def _require_equal(self) -> None:
        for array, extent, subscript in self.places:
            name, size = name_of(subscript), self._size(extent)
            if name in self.sizes and size is not None and self.sizes[name] != size:
                span, words = self.why[name]
                raise fault(
                    "E0221", subscript.span,
                    f"the index '{name}' has {self.sizes[name]} places, and '{array}' has {size} there",
                    f"an index of its own for '{array}', or {array}[0 + i] to read a part",
                    related=((span, f"its range: {words}"),),
                )  # fmt: skip

    def _require_all(self) -> None:
        for array in _arrays(self.text):
            for index in array.indices:
                self._require(name_of(index), index.span, array.name)
        for formula in self.text.formulas:
            for node in walk(formula.value):
                if isinstance(node, ast.Name) and node.id in self.known:
                    self._require(node.id, node.span, formula.name)

    def _require(self, name: str, span: Span, array: str) -> None:
        if name not in self.sizes and name != BATCH:
            size = f", or {name} in a size of the layer" if self.noun == "layer" else ""
            raise fault("E0220", span, f"the index '{name}' of '{array}' has no range: no plain subscript has it",
                        f"say it: {name} in 10{size}")  # fmt: skip


def _no_multiple(value: ast.Expr) -> tuple[str, ...]:
    match value:
        case ast.Binary("/", ast.Number(of), ast.Number(by)) if by > 1 and of % by:
            return (f"{of:g} is no multiple of {by:g}",)
    return ()


def _arrays(text: LayerText) -> list[ast.Learned | ast.Draws | ast.Formula]:
    return [*text.learned, *text.draws, *text.formulas]


def _indices(text: LayerText) -> frozenset[str]:
    left = (i for array in _arrays(text) for i in array.indices)
    over = (i for f in text.formulas for _, found, _ in reductions(f.value) for i in found)
    return frozenset(name_of(i) for i in (*left, *over)) - {""}
