"""`netc explain FILE --init`: V[z_l]/V[z_1] before anything is trained, and whether the start keeps it, as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from netc.compiler.rules.explain import Section
from netc.runtime.results.first_variances import STARTS, Row, first_variances

if TYPE_CHECKING:
    from netc.runtime.session import Session

MOST = 1000
"""Samples that are looked at."""
HEADS = ("", "behind", "fan_in", "fan_in V[w]", "keeps", "so V[z]", "V[z_l]/V[z_1]")


def explain_init(session: Session) -> list[Section]:
    network = session.spec.network
    assert network is not None
    if session.data is None:
        x = np.random.default_rng(0).normal(size=(MOST, network.inputs))
        of = f"{MOST} normal inputs"
    else:
        x = session.scaled_training[0][:MOST]
        of = f"{len(x)} training samples"
    rows = first_variances(session.program, x, np.zeros((len(x), session.program.problem.targets)))
    title = f"the variance of what layers sum, of {STARTS} starts on {of}"
    return [Section(title, ()), Section("", tuple(_lines(rows))), Section("", tuple(_words(rows)))]


def _lines(rows: list[Row]) -> Iterator[str]:
    table = [HEADS, *(_cells(r) for r in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        yield "  ".join(
            f"{c:>{w}}" if i in (2, 3, 4, 6) else f"{c:{w}}"
            for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()


def _cells(r: Row) -> tuple[str, ...]:
    wanted = "" if r.wanted is None else f"{r.wanted:.3g}"
    return r.name, r.behind, str(r.fan_in), f"{r.spread:.3g}", wanted, r.judged, f"{r.ratio:.3g}"


def _words(rows: list[Row]) -> Iterator[str]:
    """The lecture's condition, V[z_l] = V[z_1] in all layers."""
    judged = [r for r in rows if r.wanted is not None]
    if not judged:
        yield "nothing here for the condition of Glorot and He: it is of layers behind an odd activation or relu"
        return
    lost = [r.name for r in judged if r.judged != "kept"]
    yield "V[z_l] = V[z_1] asks for fan_in V[w] = 1 behind an odd activation (Glorot and Bengio 2010), for 2 behind relu"
    where = f"it does not hold in {_listed(lost)}" if lost else "it holds in all layers of which it speaks"
    yield f"(He et al. 2015): {where}."
    if any(r.wanted == 1 and r.behind != "lin" for r in judged):
        yield "An odd activation is taken for its argument, which it is near 0: V[z] shrinks more than that."


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) < 7 else f"{names[0]} and {len(names) - 1} more layers"
