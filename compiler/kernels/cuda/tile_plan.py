"""Sizes of a product of matrices -> the tile with which a block of threads takes least time, by counts of cycles.

The loops over tiles are in `tiles`.
"""

from __future__ import annotations

from netc.dsl.record import record


@record
class Tile:
    """Totals that a thread holds in registers; and how many threads share a tile, each with a part of the sum."""

    height: int
    width: int
    parts: int

    def across(self, rows: int) -> int:
        return -(-rows // self.height)

    def along(self, columns: int) -> int:
        return -(-columns // self.width)

    @property
    def pitch(self) -> int:
        """Of the pile: odd, so that the parts of neighbours meet different banks."""
        return self.parts | 1


PILE = 1280
"""Numbers on the pile at most."""
REGISTERS, SCARCE = 16, 4
"""Totals that a thread holds at most, and where runs are scarce: then more threads work on each, since they wait for each
other anyway (H200, Boston's network, 100 runs, float32: 8.3 µs with 16, 7.0 with 8, 5.6 with 4; 10 000 runs: 70 and 83)."""
LOAD, FMA, STORE, BARRIER = 1.0, 0.25, 2.0, 30.0
"""Cycles of a warp, about: shared memory serves one load a cycle, the arithmetic units four warps in float32."""


@record
class Tiled:
    tile: Tile
    piled: int
    """Numbers on the pile."""


def tiled(
    rows: int, columns: int, depth: int, threads: int, vector: int, most: int = REGISTERS, *, adjacent: bool
) -> Tiled:
    """The tile of at most so many totals with which a product of matrices takes least time, by the counts at the head
    of this file.

    `adjacent`: the columns are samples, else the sums are over samples; either way `vector` of them are one load.
    """

    def cost(t: Tile) -> float:
        totals = t.height * t.width
        rounds = -(-t.across(rows) * t.along(columns) * t.parts // threads)
        loads = t.height + -(-t.width // vector) if adjacent else (t.height + t.width) / vector
        taken = rounds * (-(-depth // t.parts) * (LOAD * loads + FMA * totals) + STORE * totals)
        if t.parts > 1:
            taken += BARRIER + -(-rows * columns // threads) * (LOAD * t.parts + STORE)
        return taken

    def piled(t: Tile) -> int:
        return rows * columns * t.pitch if t.parts > 1 else 0

    widths = [w for w in range(1, 5) if not adjacent or columns % w == 0]
    least = 4 if adjacent else 2 * vector
    tiles = {
        Tile(-(-rows // -(-rows // h)), -(-columns // -(-columns // w)), parts)
        for h in range(1, 9) for w in widths for parts in (1, 2, 4, 8, 16, 32)
        if h * w <= most and parts <= max(1, depth // least)
    }  # fmt: skip
    fitting = [t for t in tiles if piled(t) <= PILE]
    chosen = min(fitting, key=lambda t: (cost(t), t.parts, t.height * t.width, t.height))
    return Tiled(chosen, piled(chosen))
