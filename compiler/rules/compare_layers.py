"""Are two layers the same? Values in training and in use, derivatives, and the next values of states, on the same input and
the same parameters: proved the same where their equations are equal but for names, refuted by a case, else not
distinguished.

What is tried is a random batch of one shape: "not distinguished" is no proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice, product
from math import isfinite

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.lower.layer_faults import LayerFault
from netc.compiler.meaning.spec import Block
from netc.compiler.rules.layer_sides import SAMPLES, Array, LayerSide, both, with_numbers
from netc.compiler.rules.paired_parameters import Pairing, pairings
from netc.compiler.rules.same_equations import Numbered
from netc.compiler.rules.same_terms import written_out
from netc.dsl.record import record

TOLERANCE = 1e-9
"""Of values around 1, in float64: rounding is six digits below."""
MOST_CHANGES = 130


@record
class Aspect:
    """What was compared: `values in training`, `values in use`, or a state."""

    name: str
    verdict: str
    """`proved`, `not distinguished`, or `differs`."""
    case: str = ""
    written_out: bool = False
    """Proved for the extents that were tried, where its scalars are written out."""

    @property
    def same(self) -> bool:
        return self.verdict != "differs"


@record
class Compared:
    a: LayerSide
    b: LayerSide
    pairing: Pairing | None
    aspects: tuple[Aspect, ...]
    changes: Mapping[str, float]
    """Numbers of parameters of B with which more is the same."""
    changed: tuple[Aspect, ...] = ()
    twice: str = ""
    """The arrays that take a derivative each where the other layer has one."""


def compare_layers(a: str, b: str) -> Compared:
    """Raises SpecError where one is no layer that takes an input the other takes."""
    one, other = both(a, b)
    found = _written_out(one, other, _best(one, other))
    changes, changed = ({}, ()) if all(x.same for x in found[1]) else _changes(one, other, found)
    return Compared(one, other, found[0], found[1], changes, changed, _twice(one, other, found[0]))


Found = tuple[Pairing | None, tuple[Aspect, ...]]


def _best(a: LayerSide, b: LayerSide) -> Found:
    """The first pairing of parameters with which most is the same."""
    best: Found = (None, ())
    for pairing in pairings(a, b):
        aspects = _Trial(a, b, pairing).aspects()
        if not best[1] or _same(aspects) > _same(best[1]):
            best = (pairing, aspects)
        if all(x.same for x in aspects):
            break
    return best


def _written_out(a: LayerSide, b: LayerSide, found: Found) -> Found:
    """With a proof for these extents where numbers do not distinguish what equations do not prove."""
    pairing, aspects = found
    if pairing is None or not all(x.same for x in aspects) or all(x.verdict == "proved" for x in aspects):
        return found
    if (shown := written_out(a, b, pairing)) is None:
        return found
    known = {
        "values in training": shown.training,
        "derivatives by the input": shown.training and shown.smooth,
        "values in use": shown.use,
    }
    return pairing, tuple(
        Aspect(x.name, "proved", written_out=True) if x.verdict != "proved" and known.get(x.name) else x
        for x in aspects
    )


def _same(aspects: Sequence[Aspect]) -> int:
    """Values in training count most: without them the parameters may be the wrong ones."""
    return sum(x.same * (10 if x.name == "values in training" else 1) for x in aspects)


def _changes(a: LayerSide, b: LayerSide, found: Found) -> tuple[Mapping[str, float], tuple[Aspect, ...]]:
    """Numbers for B's parameters, those of A or what they leave of 1, with which more is the same."""
    best, changes, changed = _same(found[1]), dict[str, float](), tuple[Aspect, ...]()
    if found[0] is None:
        return changes, changed
    for numbers in islice(_numbers(a, b), MOST_CHANGES):
        try:
            other = with_numbers(b, numbers)
        except LayerFault:
            continue
        aspects = _Trial(a, other, found[0]).aspects()
        if _same(aspects) > best:
            best, changes, changed = _same(aspects), numbers, aspects
    return changes, changed


def _numbers(a: LayerSide, b: LayerSide) -> Iterator[dict[str, float]]:
    mine = list(dict.fromkeys(v for v in _free(a).values() for v in (v, 1 - v)))
    theirs = _free(b)
    ways = [[None, *(v for v in mine if v != old and 0 <= v < 1)] for old in theirs.values()]
    found = [dict(zip(theirs, way, strict=True)) for way in product(*ways)]
    few = sorted(found, key=lambda numbers: sum(v is not None for v in numbers.values()))
    yield from ({n: v for n, v in numbers.items() if v is not None} for numbers in few[1:])


def _free(side: LayerSide) -> dict[str, float]:
    """Parameters that are numbers between 0 and 1, no flags or sizes; of a block none, they are inside of it already."""
    if isinstance(side.use, Block):
        return {}
    plain = {p.name for p in side.use.definition.parameters if _is_number(p.default)}
    return {n: v for n, v in side.values if n in plain and isfinite(v) and 0 < v < 1}


def _is_number(default: object) -> bool:
    from netc.dsl import ast

    return isinstance(default, ast.Expr) and not isinstance(default, ast.Name | ast.Shape)


class _Trial:
    """Two layers on the same input, with parameters that a pairing makes the same."""

    def __init__(self, a: LayerSide, b: LayerSide, pairing: Pairing) -> None:
        self.a, self.b, self.pairing = a, b, pairing
        rng = np.random.default_rng(11)
        shape = (SAMPLES, *(axis.size or 0 for axis in a.x.axes[1:]))
        self.words = any(
            isinstance(n, ir.Pick) for let in ir.flat(a.flow.steps) for n in ir.postorder(let.value)
        )
        self.x = rng.integers(0, 3, shape).astype(float) if self.words else rng.normal(0.3, 1.5, shape)
        numbers = {g.tensors[0].name: rng.normal(0.5, 0.7, g.shape) for g in pairing.a}
        numbers |= {t.name: rng.normal(size=t.shape) for t in pairing.extra}
        one, other = pairing.given(numbers)
        states = [rng.uniform(0.5, 1.5, t.shape) for t in a.states]
        self.pairs = list(zip(a.states, b.states, strict=False))
        one |= {t.name: s for t, s in zip(a.states, states, strict=True)}
        other |= {
            t.name: s.reshape(t.shape)
            for (_, t), s in zip(self.pairs, states, strict=False)
            if s.size == t.size
        }
        other |= {t.name: np.ones(t.shape) for t in b.states if t.name not in other}
        self.given = (one | {a.x.name: self.x}, other | {b.x.name: self.x})
        self._draw(rng)

    def _draw(self, rng: np.random.Generator) -> None:
        """The same numbers for a draw of the same law; each has its own otherwise."""
        for d, e in zip(self.a.draws, self.b.draws, strict=False):
            u = rng.uniform(size=[axis.size or SAMPLES for axis in d.axes])
            self.given[0][d.purpose] = _drawn(d, u)
            if len(e.axes) == len(d.axes):
                self.given[1][e.purpose] = _drawn(e, u)

    def aspects(self) -> tuple[Aspect, ...]:
        if self.a.shape() != self.b.shape():
            here, there = (" x ".join(map(str, s.shape())) for s in (self.a, self.b))
            return (Aspect("values in training", "differs", f"A gives {here}, B gives {there}"),)
        found = []
        for name, training in (("values in training", True), ("values in use", False)):
            values = [
                side.run(given, training) for side, given in zip((self.a, self.b), self.given, strict=True)
            ]
            same = self._proved(training, self.a.value.name, self.b.value.name)
            found.append(_aspect(name, values[0][0], values[1][0], same, "z"))
            if training:
                after = [v[1] for v in values]
                found += self._derivatives(same)
        updates = zip(self.a.flow.updates, self.b.flow.updates, after[0], after[1], strict=False)
        for mine, theirs, p, q in updates:
            word = mine.state.partition(".")[2]
            same = self._proved(True, mine.value, theirs.value)
            found.append(_aspect(f"the next {word}", p, q, same, word))
        if len(after[0]) != len(after[1]):
            case = f"A keeps {len(after[0])} arrays from iteration to iteration, B {len(after[1])}"
            found.append(Aspect("states", "differs", case))
        return tuple(found)

    def _derivatives(self, proved: bool) -> Iterator[Aspect]:
        """By the input, at whole numbers, where a maximum has ties."""
        if self.words:
            return
        rng = np.random.default_rng(12)
        x = rng.integers(-1, 3, self.x.shape).astype(float)
        seed = rng.normal(size=(SAMPLES, *self.a.shape()))
        p, q = (side.slopes({**given, side.x.name: x}, seed, True)[side.x.name]
                for side, given in zip((self.a, self.b), self.given, strict=True))  # fmt: skip
        yield _aspect("derivatives by the input", p, q, proved, "dR/dx")

    def _proved(self, training: bool, mine: str, theirs: str) -> bool:
        labels = self._labels
        if labels is None:
            return False
        texts = [Numbered(axes, arrays).text(side.steps(training, {name}), name)
                 for side, (axes, arrays), name in zip((self.a, self.b), labels, (mine, theirs), strict=True)]  # fmt: skip
        return texts[0] == texts[1]

    @cached_property
    def _labels(self) -> tuple[tuple[dict[ir.Axis, str], dict[str, str]], ...] | None:
        """Numbers of what is paired: axes of inputs, values and parameters; parameters and states. None: no plain pairs."""
        if not self.pairing.plain:
            return None
        sides = tuple(({ir.SAMPLES: "n"}, {side.x.name: "x"}) for side in (self.a, self.b))
        (axes, arrays), (other_axes, other_arrays) = sides
        paired = [*zip(self.a.x.axes[1:], self.b.x.axes[1:], strict=True)]
        for k, (g, h, perm) in enumerate(zip(self.pairing.a, self.pairing.b, self.pairing.axes, strict=True)):
            arrays[g.tensors[0].name] = other_arrays[h.tensors[0].name] = f"p{k}"
            paired += [(g.tensors[0].axes[i], h.tensors[0].axes[p]) for i, p in enumerate(perm)]
        for k, (s, t) in enumerate(self.pairs):
            arrays[s.name] = other_arrays[t.name] = f"s{k}"
            paired += zip(s.axes, t.axes, strict=False)
        for p, q in paired:
            label = axes.setdefault(p, f"i{len(axes)}")
            if other_axes.setdefault(q, label) != label:
                return None
        return sides


def _drawn(d: ir.Draw, u: Array) -> Array:
    if d.law == "bernoulli":
        return (u < d.arguments[0]).astype(float)
    low, high = d.arguments
    return low + (high - low) * u


def _aspect(name: str, p: Array, q: Array, proved: bool, word: str) -> Aspect:
    p, q = np.broadcast_arrays(p, q.reshape(p.shape) if q.size == p.size else q)
    gap = np.nan_to_num(np.abs(p - q), nan=np.inf)
    if np.all(gap <= TOLERANCE * (1 + np.abs(p))):
        return Aspect(name, "proved" if proved else "not distinguished")
    at = np.unravel_index(int(np.argmax(gap)), gap.shape)
    where = f"{word}[{', '.join(map(str, at))}]"
    return Aspect(name, "differs", f"{where} is {p[at]:.6g} in A, {q[at]:.6g} in B")


def _twice(a: LayerSide, b: LayerSide, pairing: Pairing | None) -> str:
    """Two arrays of which only the sum matters: each has the derivative that the one of the other layer has."""
    if pairing is None or not pairing.extra:
        return ""
    trial = _Trial(a, b, pairing)
    seed = np.random.default_rng(5).normal(size=(SAMPLES, *a.shape()))
    longer = b if pairing.swapped else a
    slopes = longer.slopes(trial.given[pairing.swapped], seed)
    (extra,) = pairing.extra
    base = next(
        (t for t in longer.parameters if t.role == "bias" and t.shape == extra.shape and t != extra), None
    )
    if base is None or not np.allclose(slopes[base.name], slopes[extra.name], rtol=1e-9, atol=1e-12):
        return ""
    two, one = ("B", "A") if pairing.swapped else ("A", "B")
    return (
        f"{two} learns two biases, {longer.word(base)} and {longer.word(extra)}, of which only the sum matters; "
        f"{one} learns one. Each of the two has the derivative of the sum, so gradient descent moves the sum twice as "
        f"fast as {one}'s bias."
    )
