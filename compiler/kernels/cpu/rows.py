"""The weight gradient of a wide layer: the lanes are its inputs, so that no vector of sums has to be folded.

For that the inputs of a block are brought sample by sample, each a row of whole tiles of numbers; the cotangents stay as
they are and are broadcast. Which layers are wide is in `plan`, which layer calls what in `network`.
"""

from __future__ import annotations

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu import tiles
from netc.compiler.kernels.cpu.plan import TILE_VECTORS, Plan


def transposed(plan: Plan) -> L.Function:
    """W x W numbers at a time, in registers."""
    w = plan.lanes
    move = L.call("transpose", "source", L.add(L.add(L.mul("i", "stride"), "j"), "at"), "stride",
                  L.call("sub", "rows", "i"), "scratch", L.add(L.add(L.mul("j", "apart"), "i"), "out"), "apart")  # fmt: skip
    parameters = ("source", "at", "stride", "rows", "scratch", "out", "apart", "width")
    body = L.loop("i", "rows", [L.loop("j", "width", [L.Do(move)], step=w)], step=w)
    note = "scratch[out + j*apart + i] = source[at + i*stride + j]; what fills up the last vector of rows is the last row."
    return L.Function("transposed", parameters, (body,), note, types=tiles.types(parameters))


def outer_rows(plan: Plan) -> L.Function:
    """Tiles of `plan.sums_height` outputs (what is left: single ones) times two vectors of inputs."""

    def tile(height: int) -> list[L.Stmt]:
        spots = [(r, v) for r in range(height) for v in range(TILE_VECTORS)]
        places = [L.add(L.add("p", tiles.times(r, "padded")), v * plan.lanes) for r, v in spots]
        step: list[L.Stmt] = [
            L.let(f"x{v}", L.load("scratch", L.add("s", v * plan.lanes))) for v in range(TILE_VECTORS)
        ]
        for r in range(height):
            step.append(L.let(f"d{r}", L.call("broadcast", "scratch", L.add("q", r * plan.block))))
            step += [
                L.let(f"g{r}_{v}", L.call("fma", f"d{r}", f"x{v}", f"g{r}_{v}")) for v in range(TILE_VECTORS)
            ]
        step += [L.let("s", L.add("s", "apart")), L.let("q", L.add("q", 1))]
        return [
            L.let("p", L.add(L.add(L.mul("o", "padded"), "i"), "sums")),
            *(L.let(f"g{r}_{v}", L.load("scratch", at)) for (r, v), at in zip(spots, places, strict=True)),
            L.let("s", L.add("first", "i")),
            L.let("q", L.add(L.mul("o", plan.block), "at")),
            L.loop("j", "valid", step),
            *(L.store("scratch", at, f"g{r}_{v}") for (r, v), at in zip(spots, places, strict=True)),
        ]

    parameters = ("scratch", "at", "outputs", "first", "apart", "padded", "sums", "valid")
    body = L.loop("i", "padded", tiles.tiles("o", "outputs", plan.sums_height, tile), step=plan.step)
    note = "sums[o, i] += sum over a block's samples of scratch[at + o, j] * scratch[first + j*apart + i]."
    before = tiles.multiples("padded", plan.sums_height)
    return L.Function("outer_rows", parameters, (*before, body), note, types=tiles.types(parameters))
