"""Product of matrices -> loops for the threads of a block: register tiles, and sums cut into parts.

    total[r][c] = sum over k of left[r][k]*right[c][k]

A thread holds height x width totals in registers: each k costs it height + width loads for height*width
multiplications and additions. Samples are neighbours in memory: where they are the columns, a tile's columns are
neighbours; where they are k, some are taken at a time. So the compiler can load 16 bytes of them at once. Where there
are fewer tiles than threads, several threads share a tile, each with every parts-th k; their totals meet in the
`pile` and are added in a fixed order. The three products of a layer (forward, cotangent of its input, gradient of its
weights) are all written here; `cuda_plan` chooses the tiles.
"""

from __future__ import annotations

from collections.abc import Callable

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cuda.tile_plan import Tile
from netc.dsl.record import record

BLOCK_BARRIER = L.Do(L.call("block_barrier"))
Put = Callable[[L.Expr, L.Expr, L.Expr], list[L.Stmt]]
"""(row, column, total) -> what becomes of it."""


@record
class Side:
    """One factor: row (or column) r begins at `start(r)` of `array`; from k to k + 1 are `stride` numbers."""

    array: str
    start: Callable[[L.Expr], L.Expr]
    stride: int = 1

    def at(self, start: str, ahead: int) -> L.Expr:
        return L.At(L.Name(self.array), L.add(L.add(start, L.mul("k", self.stride)), ahead * self.stride))


@record
class Product:
    rows: int
    columns: int
    depth: int | str
    """How many k; a name where only the kernel knows."""
    left: Side
    right: Side
    tile: Tile
    threads: int
    pile: int
    """Where in `memory` parts meet."""
    adjacent: bool = False
    """Whether the columns of a tile are neighbours; their number is a multiple of its width then."""
    step: int = 1
    """So many k at a time; what lies between `depth` and the next multiple adds nothing."""

    def loops(self, put: Put) -> list[L.Stmt]:
        """All totals; a barrier behind it is the caller's."""
        tiles = self._tiles(self._onto_pile if self.tile.parts > 1 else put)
        return [tiles, BLOCK_BARRIER, self._meeting(put)] if self.tile.parts > 1 else [tiles]

    def _tiles(self, put: Put) -> L.Stmt:
        t = self.tile
        high, wide = t.across(self.rows), t.along(self.columns)
        body: list[L.Stmt] = []
        at: L.Expr = L.Name("p")
        if t.parts > 1:
            body.append(L.let("part", L.call("remainder", "p", t.parts)))
            at = L.call("quotient", "p", t.parts)
        body.append(L.let("g", L.call("quotient", at, wide)))
        body.append(L.let("h", L.call("remainder", at, wide)))
        rows, columns = range(t.height), range(t.width)
        body += [self._line("row", "g", u, high, self.rows) for u in rows]
        if self.adjacent:
            body += [L.let(f"column{v}", L.add(L.mul("h", t.width), v)) for v in columns]
        else:
            body += [self._line("column", "h", v, wide, self.columns) for v in columns]
        body += [L.let(f"left{u}", self.left.start(L.Name(f"row{u}"))) for u in rows]
        body += [L.let(f"right{v}", self.right.start(L.Name(f"column{v}"))) for v in columns]
        body += [L.let(f"total{u}{v}", L.call("splat", 0.0)) for u in rows for v in columns]
        start = L.mul("part", self.step) if t.parts > 1 else L.Int(0)
        inner = [s for ahead in range(self.step) for s in self._turn(ahead)]
        body.append(L.loop("k", self.depth, inner, start=start, step=t.parts * self.step))
        for u in rows:
            done: list[L.Stmt] = []
            for v in columns:
                one = put(L.Name(f"row{u}"), L.Name(f"column{v}"), L.Name(f"total{u}{v}"))
                done += _where("h", self.columns - v * wide, wide, one)
            body += _where("g", self.rows - u * high, high, done)
        return self._over("p", high * wide * t.parts, body)

    def _turn(self, ahead: int) -> list[L.Stmt]:
        """One k onto all totals of the tile."""
        rows, columns = range(self.tile.height), range(self.tile.width)
        loads = [L.let(f"l{u}", self.left.at(f"left{u}", ahead)) for u in rows]
        loads += [L.let(f"r{v}", self.right.at(f"right{v}", ahead)) for v in columns]
        products = {f"total{u}{v}": L.call("mul", f"l{u}", f"r{v}") for u in rows for v in columns}
        return [*loads, *(L.let(total, L.call("add", total, term)) for total, term in products.items())]

    def _line(self, name: str, group: str, number: int, groups: int, count: int) -> L.Stmt:
        """Rows of a tile are `groups` apart, so that neighbours in a warp read neighbours in memory. Beyond the last
        one the last one is read again."""
        place = L.add(group, number * groups)
        beyond = (number + 1) * groups > count
        return L.let(f"{name}{number}", L.call("least", place, count - 1) if beyond else place)

    def _onto_pile(self, row: L.Expr, column: L.Expr, total: L.Expr) -> list[L.Stmt]:
        q = L.add(L.mul(row, self.columns), column)
        return [L.Store(L.Name("memory"), L.add(L.add(L.mul(q, self.tile.pitch), "part"), self.pile), total)]

    def _meeting(self, put: Put) -> L.Stmt:
        """The parts of each total, added in order."""
        part = L.At(L.Name("memory"), L.add(L.add(L.mul("q", self.tile.pitch), "part"), self.pile))
        body = [
            L.let("total", L.call("splat", 0.0)),
            L.loop("part", self.tile.parts, [L.let("total", L.call("add", "total", part))]),
            L.let("row", L.call("quotient", "q", self.columns)),
            L.let("column", L.call("remainder", "q", self.columns)),
            *put(L.Name("row"), L.Name("column"), L.Name("total")),
        ]
        return self._over("q", self.rows * self.columns, body)

    def _over(self, name: str, count: int, body: list[L.Stmt]) -> L.Stmt:
        return over_threads(name, count, self.threads, body)


def _where(group: str, left: int, groups: int, body: list[L.Stmt]) -> list[L.Stmt]:
    """Only in the first groups, where so few rows are left that the others have none."""
    return [L.If(L.call("lt", group, left), tuple(body))] if left < groups else body


def over_threads(name: str, count: int, threads: int, body: list[L.Stmt]) -> L.Stmt:
    """0, 1, ... below count over the threads of a block; without a loop where there are enough of them."""
    if count <= threads:
        return L.If(L.call("lt", "thread", count), (L.let(name, L.Name("thread")), *body))
    return L.Loop(name, L.Name("thread"), L.Int(count), L.Int(threads), tuple(body))
