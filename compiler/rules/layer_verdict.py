"""What comparing two layers found, in words: whether they are the same, what differs, and how they start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from netc.compiler.calculus import ir
from netc.compiler.meaning.layer_families import comment, equations
from netc.compiler.meaning.spec import Use
from netc.compiler.rules.compare_layers import Aspect, Compared, compare_layers
from netc.compiler.rules.layer_sides import SAMPLES, LayerSide

WIDTH = 98
BY_INIT = "as 'init' says"


def diff_layers(a: str, b: str) -> str:
    return "\n".join(_lines(compare_layers(a, b)))


def _lines(found: Compared) -> Iterator[str]:
    yield f"  {found.a.call}"
    yield f"  {found.b.call}"
    yield from wrap(_verdict(found), WIDTH)
    if found.aspects:
        yield ""
        yield from _table(found.aspects)
    if found.changes:
        yield ""
        numbers = ", ".join(f"{n} = {v:.6g}" for n, v in found.changes.items())
        yield f"With {numbers} in B:"
        yield from _table(found.changed)
    if words := list(_paired(found)):
        yield ""
        yield from wrap(f"Here {'; '.join(words)}.", WIDTH)
    if found.twice:
        yield ""
        yield from wrap(found.twice, WIDTH)
    yield from _starts(found.a, found.b)
    yield from _texts(found.a, found.b)


def _verdict(found: Compared) -> str:
    last = [w for w, side in (("A", found.a), ("B", found.b)) if len(side.operations) > 1]
    of_last = f" (of {last[0]}, which gives all steps, the last one)" if last else ""
    what = "layer" if isinstance(found.a.use, Use) or isinstance(found.b.use, Use) else "block"
    shape = " x ".join(str(axis.size) for axis in found.a.x.axes[1:])
    on = f"a random batch of {SAMPLES} samples of {shape}{of_last}"
    if found.pairing is None:
        return f"are not the same {what}: no parameters of A are those of B, by their numbers, extents and order."
    if all(x.verdict == "proved" for x in found.aspects) and any(x.written_out for x in found.aspects):
        learn = ", and learn otherwise" if found.twice else ""
        return (
            f"compute the same{learn}: proved for an input of {shape} and all numbers, written out they are equal but for "
            f"rounding{of_last}."
        )
    if all(x.verdict == "proved" for x in found.aspects):
        return f"compute the same: proved, their equations are equal but for names and rounding{of_last}."
    if all(x.same for x in found.aspects):
        return f"are not distinguished on {on}; that is no proof."
    first = next(x for x in found.aspects if not x.same)
    return f"are not the same {what}: on {on}, {first.name}, {first.case}."


def _paired(found: Compared) -> Iterator[str]:
    """How parameters of the two were put together, where it is not array by array as they stand."""
    pairing, a, b = found.pairing, found.a, found.b
    if pairing is None:
        return
    for k, (g, h, perm) in enumerate(zip(pairing.a, pairing.b, pairing.axes, strict=True)):
        mine, theirs = (" and ".join(map(s.word, x.tensors)) for s, x in ((a, g), (b, h)))
        added = (
            [s.word(t) for t in pairing.extra for s in ((b if pairing.swapped else a),)]
            if k == pairing.base
            else []
        )
        mine = f"{mine} + {added[0]}" if added and not pairing.swapped else mine
        theirs = f"{theirs} + {added[0]}" if added and pairing.swapped else theirs
        turned = f", its axes in the order {tuple(p + 1 for p in perm)}" if list(perm) != sorted(perm) else ""
        if turned or added or len(g.tensors) != len(h.tensors):
            yield f"{mine} of A is {theirs} of B{turned}"
    if pairing.gates and list(pairing.gates) != sorted(pairing.gates):
        yield f"gates 0, 1, ... of A are {', '.join(map(str, pairing.gates))} of B"


def _table(aspects: Sequence[Aspect]) -> Iterator[str]:
    width = max(len(x.name) for x in aspects)
    words = {"proved": "the same: proved, the equations are equal but for names and rounding",
             "not distinguished": "not distinguished on random numbers"}  # fmt: skip
    for x in aspects:
        told = "the same: proved, written out" if x.written_out else words.get(x.verdict)
        yield f"  {x.name:{width}}  {told or f'differs: {x.case}'}"


def _starts(a: LayerSide, b: LayerSide) -> Iterator[str]:
    """Where weights and biases start without `init`."""
    mine, theirs = (list(map(_own, _drawn(side))) for side in (a, b))
    if sorted(mine) == sorted(theirs) or {*mine, *theirs} == {BY_INIT}:
        return
    yield ""
    yield "Without 'init' they start differently:"
    for word, side in (("A", a), ("B", b)):
        told = ", ".join(f"{side.word(t)} {_own(t)}" for t in _drawn(side))
        yield from wrap(f"{word}: {told}", WIDTH, initial_indent="  ", subsequent_indent="     ")


def _drawn(side: LayerSide) -> list[ir.Tensor]:
    return [t for t in side.parameters if t.role != "gain"]


def _own(t: ir.Tensor) -> str:
    if t.own is None:
        return BY_INIT
    law, numbers = t.own
    inside = ", ".join(f"{n:.4g}" for n in numbers)
    return f"= {inside}" if law == "constant" else f"~ {law}({inside})"


def _texts(a: LayerSide, b: LayerSide) -> Iterator[str]:
    """The equations that are not in both."""
    mine, theirs = (equations(side.use.definition.name) for side in (a, b))
    if mine == theirs:
        return
    for word, side in (("A", a), ("B", b)):
        if about := comment(side.use.definition.name):
            yield ""
            yield from wrap(f"Of {word}: {about}", WIDTH)
    for word, lines, others in (("A", mine, theirs), ("B", theirs, mine)):
        own = [line for line in lines if line not in others and not line.startswith("learn ")]
        if own:
            yield ""
            yield f"Lines of {word} alone:"
            for line in own:
                yield from wrap(
                    line, WIDTH, initial_indent="    ", subsequent_indent="        ", break_long_words=False
                )
