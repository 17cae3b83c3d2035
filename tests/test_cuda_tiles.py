"""Register tiles against NumPy: every total once, whatever the sizes; the text is run as plain Python, thread by thread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netc.compiler.kernels import emit
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cuda.tile_plan import PILE, REGISTERS, Tile, tiled
from netc.compiler.kernels.cuda.tiles import Product, Side

NAMES = {"splat": "float", "least": "min", "quotient": "int.__floordiv__", "remainder": "int.__mod__"}
PLAIN = emit.Spelling("", "", "", "", NAMES, counted=True)


def totals(
    left: np.ndarray, right: np.ndarray, tile: Tile, threads: int, *, adjacent: bool, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """What the loops make of (rows, K) and (columns, K), and how often they put each total."""
    rows, columns, depth = len(left), len(right), left.shape[1]
    padding = ((0, 0), (0, -depth % step))
    left, right = np.pad(left, padding), np.pad(right, padding)
    pitch = left.shape[1]

    def put(row: L.Expr, column: L.Expr, total: L.Expr) -> list[L.Stmt]:
        q = L.add(L.mul(row, columns), column)
        return [
            L.Store(L.Name("out"), q, total),
            L.Store(L.Name("seen"), q, L.call("add", L.At(L.Name("seen"), q), 1)),
        ]

    start = left.size + right.size
    product = Product(
        rows, columns, "valid",
        Side("memory", lambda r: L.mul(r, pitch)),
        Side("memory", lambda c: L.add(c, left.size), columns),
        tile, threads, start, adjacent, step,
    )  # fmt: skip
    memory = np.concatenate([left.ravel(), right.T.ravel(), np.full(rows * columns * tile.pitch, np.nan)])
    found = {"out": np.full(rows * columns, np.nan), "seen": np.zeros(rows * columns)}
    for phase in product.loops(put)[::2]:  # what stands between two barriers
        function = L.Function("phase", ("thread", "valid", "memory", "out", "seen"), (phase,))
        names: dict[str, Any] = {}
        exec(emit.emit(L.Module("phase", (), (function,)), PLAIN), names)
        for thread in reversed(range(threads)):
            names["phase"](thread, depth, memory, **found)
    return found["out"].reshape(rows, columns), found["seen"]


@given(
    *(st.integers(1, top) for top in (9, 9, 7)), st.integers(1, 5), st.integers(1, 4), st.sampled_from((1, 2, 4)),
    st.sampled_from((1, 4, 8)), st.booleans(), st.sampled_from((1, 2, 4)),
)  # fmt: skip
def test_every_total_is_put_once(
    rows: int,
    columns: int,
    depth: int,
    high: int,
    wide: int,
    parts: int,
    threads: int,
    adjacent: bool,
    step: int,
) -> None:
    columns = columns * wide if adjacent else columns
    across, along = -(-rows // high), -(-columns // wide)
    tile = Tile(-(-rows // across), -(-columns // along), parts)
    numbers = np.random.default_rng(rows * 100 + columns)
    left, right = numbers.integers(-9, 9, (rows, depth)), numbers.integers(-9, 9, (columns, depth))
    found, seen = totals(left.astype(float), right.astype(float), tile, threads, adjacent=adjacent, step=step)
    assert (seen == 1).all()
    assert (found == left @ right.T).all()


@pytest.mark.parametrize("sizes", [(15, 104, 13), (24, 4, 784), (10, 25, 64), (1, 16, 404), (300, 4, 784)])
@pytest.mark.parametrize("threads", [32, 128, 256])
@pytest.mark.parametrize("adjacent", [False, True])
def test_a_tile_is_chosen_within_its_limits(
    sizes: tuple[int, int, int], threads: int, adjacent: bool
) -> None:
    rows, columns, depth = sizes
    chosen = tiled(rows, columns, depth, threads, 4, adjacent=adjacent)
    tile = chosen.tile
    assert tile.height * tile.width <= REGISTERS
    assert (tile.across(rows) - 1) * tile.height < rows
    assert (tile.along(columns) - 1) * tile.width < columns
    assert not adjacent or columns % tile.width == 0
    assert chosen.piled <= PILE
    assert chosen.piled == (rows * columns * tile.pitch if tile.parts > 1 else 0)


def test_few_totals_of_long_sums_are_shared_among_threads() -> None:
    assert tiled(1, 16, 404, 128, 2, adjacent=False).tile.parts > 1
    assert tiled(64, 64, 16, 128, 2, adjacent=False).tile.parts == 1


def test_samples_are_loaded_16_bytes_at_a_time() -> None:
    assert tiled(15, 32, 13, 32, 4, adjacent=True).tile == Tile(4, 4, 1)
