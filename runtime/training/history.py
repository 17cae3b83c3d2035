"""The course of many runs as quantiles over them, report by report.

Of very many runs a training follows FOLLOWED, evenly spaced over their numbers, and keeps what they report;
here their reports become a table with one row a report, whose size does not depend on the number of runs.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from netc.runtime.parameters import Array
from netc.runtime.training.report import COLUMNS, FIGURES

FOLLOWED = 1000
"""Up to so many runs the history holds every run, unless the file says otherwise."""
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def followed(first: int, count: int, of: int) -> Array:
    """Which of the runs `first`, `first + 1`, ... are followed, out of `of` runs: their places among these."""
    apart = -(-of // FOLLOWED)
    return np.arange(-first % apart, count, apart)


def summarise(
    history: Array, watched: tuple[str, ...], every: int, total: int, per_epoch: int
) -> dict[str, Array]:
    """`step`, `epoch`, `running` and quantiles (`loss_train_median`, ...) of a history (rows, COLUMNS and `watched`).

    A run that has ended stays in the table with its last figures, and what is not finite counts as worst, so
    that all rows speak of the same runs. `running` is the share that reached the row's step.
    """
    steps = np.unique(np.append(np.arange(0, total, every), total))
    at = np.minimum(-(-history[:, 1].astype(np.int64) // every), len(steps) - 1)
    steps = steps[: at.max(initial=0) + 1]  # none has come further
    runs, place = np.unique(history[:, 0], return_inverse=True)
    row = np.zeros((len(steps), len(runs)), np.int64)
    row[at, place] = np.arange(
        len(history)
    )  # in the order of time: a run's later report overwrites an earlier
    seen = np.zeros_like(row, bool)
    seen[at, place] = True
    last = np.maximum.accumulate(np.where(seen, np.arange(len(steps))[:, None], 0), axis=0)
    row = np.take_along_axis(row, last, axis=0)
    reached = (np.where(seen, history[row, 1], -1) >= steps[:, None]).mean(axis=1)
    table: dict[str, Array] = {"step": steps, "epoch": steps / per_epoch, "running": reached}
    for name in (*FIGURES, *watched):
        values = history[row, (*COLUMNS, *watched).index(name)]
        if np.isnan(values).all():
            continue
        values = np.where(np.isnan(values), -np.inf if name.startswith("metric") else np.inf, values)
        # The value of a run, not between two: infinities have no middle.
        values.sort(axis=1)
        table |= {f"{name}_{q}": values[:, ceil(share * len(runs)) - 1] for q, share in QUANTILES.items()}
    return table
