"""Which parameters of one layer are which of another: by extents, in the order of both; axes may stand in another order,
several arrays may be one (bi, bf, bc, bo as b[g, k]), gates may have another order, and two biases may be one in the other.

Proposes; which proposal is right is tried on numbers in `compare_layers.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby, islice, permutations, product

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.rules.layer_sides import Array, LayerSide
from netc.dsl.record import record

MOST = 400
"""Proposals that are tried."""
GATES = 4


@record
class Group:
    """Arrays of one side that are one array of the other: one, or equal ones one below the other."""

    tensors: tuple[ir.Tensor, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        first = self.tensors[0].shape
        return first if len(self.tensors) == 1 else (len(self.tensors), *first)

    @property
    def role(self) -> ir.Role:
        return self.tensors[0].role

    def parts(self, whole: Array) -> dict[str, Array]:
        pieces = [whole] if len(self.tensors) == 1 else list(whole)
        return {t.name: p.reshape(t.shape) for t, p in zip(self.tensors, pieces, strict=True)}


@record
class Pairing:
    """Arrays of A, and the groups of B with the order of their axes; `extra` is a bias of A whose sum with the one before
    it is B's."""

    a: tuple[Group, ...]
    b: tuple[Group, ...]
    axes: tuple[tuple[int, ...], ...]
    """Of each pair: axis i of A's is axis axes[i] of B's."""
    gates: tuple[int, ...] = ()
    """Place g along A's axis of gates is place gates[g] along B's."""
    extra: tuple[ir.Tensor, ...] = ()
    swapped: bool = False
    """The extra bias is B's, not A's."""

    def given(self, numbers: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        """A's and B's parameters, from new numbers for each array of A and for the extra one."""
        one: dict[str, Array] = {}
        other: dict[str, Array] = {}
        for k, (g, h, perm) in enumerate(zip(self.a, self.b, self.axes, strict=True)):
            whole = numbers[g.tensors[0].name]
            added = (
                sum((numbers[t.name] for t in self.extra), np.zeros(())) if k == self.base else np.zeros(())
            )
            if self.swapped:  # B's extra one lies as B's arrays do
                one |= g.parts(whole + np.transpose(added, perm) if added.ndim else whole)
                other |= h.parts(self._as_b(whole, g, perm))
            else:
                one |= g.parts(whole)
                other |= h.parts(self._as_b(whole + added, g, perm))
        (other if self.swapped else one).update({t.name: numbers[t.name] for t in self.extra})
        return one, other

    def _as_b(self, whole: Array, g: Group, perm: tuple[int, ...]) -> Array:
        moved = np.transpose(whole, np.argsort(perm))
        axis = next((i for i, n in enumerate(g.shape) if n == len(self.gates)), None)
        return moved if axis is None else np.take(moved, np.argsort(self.gates), axis=perm[axis])

    @property
    def base(self) -> int:
        """The pair to which the extra bias belongs: the last one of its shape; -1: none."""
        groups = self.b if self.swapped else self.a
        fits = [
            k
            for k, g in enumerate(groups)
            if self.extra and g.shape == self.extra[0].shape and g.role == "bias"
        ]
        return fits[-1] if fits else -1

    @property
    def plain(self) -> bool:
        """Array by array, so that equations can be compared as text."""
        one = all(len(g.tensors) == 1 for g in (*self.a, *self.b))
        return one and not self.extra and list(self.gates) == sorted(self.gates)


def pairings(a: LayerSide, b: LayerSide) -> Iterator[Pairing]:
    """Proposals, the plainest first."""
    yield from islice(_all(a.parameters, b.parameters), MOST)


def _all(a: list[ir.Tensor], b: list[ir.Tensor]) -> Iterator[Pairing]:
    for mine, theirs in product(_ways(a), _ways(b)):
        if len(mine) == len(theirs):
            yield from _aligned(mine, theirs, (), False)
        elif abs(len(mine) - len(theirs)) == 1:
            swapped = len(theirs) > len(mine)
            longer, shorter = (theirs, mine) if swapped else (mine, theirs)
            *kept, extra = longer
            if extra.tensors[0].role == "bias" and len(extra.tensors) == 1:
                pair = (mine, tuple(kept)) if swapped else (tuple(kept), theirs)
                assert len(shorter) == len(kept)
                yield from _aligned(*pair, extra.tensors, swapped)


def _ways(tensors: list[ir.Tensor]) -> list[tuple[Group, ...]]:
    """Each array by itself; equal neighbours together, where there are any."""
    alone = tuple(Group((t,)) for t in tensors)
    runs = [tuple(run) for _, run in groupby(tensors, key=lambda t: (t.role, t.shape))]
    biases = tuple(g for run in runs for g in (_apart(run) if run[0].role == "weight" else [Group(run)]))
    return list(dict.fromkeys((alone, biases, tuple(Group(run) for run in runs))))


def _apart(run: tuple[ir.Tensor, ...]) -> list[Group]:
    return [Group((t,)) for t in run]


def _aligned(
    a: tuple[Group, ...], b: tuple[Group, ...], extra: tuple[ir.Tensor, ...], swapped: bool
) -> Iterator[Pairing]:
    """The arrays in order, with all orders of axes that fit, and of gates where there are some."""
    if any(g.tensors[0].role != h.tensors[0].role for g, h in zip(a, b, strict=True)):
        return
    ways = [list(_orders(g.shape, h.shape)) for g, h in zip(a, b, strict=True)]
    sizes = {n for g in a for n in g.shape[:1] if len(g.shape) > 1 and 2 <= n <= GATES}
    gates = [()] if len(sizes) != 1 else list(permutations(range(next(iter(sizes)))))
    for order in gates:
        for axes in product(*ways):
            yield Pairing(a, b, axes, order, extra, swapped)


def _orders(a: tuple[int, ...], b: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if sorted(a) == sorted(b):
        yield from (p for p in permutations(range(len(b))) if all(a[i] == b[p[i]] for i in range(len(a))))
