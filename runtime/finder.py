"""A finder: losses of a short training whose rate grows, smoothed, and the rate at which they fall most steeply.

Smith 2017 (arXiv 1506.01186, section 3.3), with the smoothing of GLO-4030: an exponential mean with weight 0.98, corrected
for its start, which ends where it is four times its best.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.runtime.parameters import Array
from netc.runtime.results.expect import judge
from netc.runtime.results.expect_names import Scope
from netc.runtime.results.plain import figure
from netc.runtime.results.verdict import Verdict
from netc.runtime.session import Session

WEIGHT = 0.98
"""Of what was before, in the smoothed loss."""
WORSE = 4.0
"""Times the best smoothed loss: there it ends."""
SEEN = 5
"""Smoothed losses that a slope is looked for in, at least."""
MEMORY = round(1 / (1 - WEIGHT))
"""Losses: before so many the mean is noise, and no slope is looked for there; at most a quarter is left out."""


@dataclass(frozen=True, eq=False)
class FinderResult:
    """What a finder found; the first axis of arrays with runs counts them."""

    parameter: str
    rates: Array
    """(N,) of each iteration."""
    losses: Array
    """(runs, N) that each iteration saw on its batch, before its step."""
    smoothed: Array
    """(runs, N) NaN behind the end of a run."""
    suggestion: Array
    """(runs,) the rate at which the smoothed loss falls most steeply against the logarithm of the rate."""
    file: str = ""
    expect: tuple[Verdict, ...] = ()
    folder: Path | None = field(default=None)
    interrupted: bool = False

    @property
    def best(self) -> Array:
        """(runs,) the rate at the lowest smoothed loss: too large for a training, as a bound."""
        found: Array = self.rates[np.nanargmin(self.smoothed, axis=1)]
        return found

    @property
    def summary(self) -> dict[str, Any]:
        """What `netc run --json` prints."""
        return {
            "file": self.file,
            "finder": self.parameter,
            "runs": len(self.losses),
            "suggestion": figure(self.suggestion),
            "lowest_at": figure(self.best),
            "steps": figure((~np.isnan(self.smoothed)).sum(axis=1)),
            "expect": [v.plain for v in self.expect],
            "folder": str(self.folder) if self.folder else "",
        }


def run(session: Session) -> FinderResult:
    """Raises SpecError where nothing is seen to fall."""
    from netc.runtime.training.train import iterations

    seen: list[Array] = []
    for losses in iterations(session.task):
        seen.append(losses)
        if len(seen) % SEEN == 0 and (_ends(smooth(np.array(seen).T)) < len(seen)).all():
            break
    return found(session, np.array(seen).T)


def found(session: Session, losses: Array) -> FinderResult:
    """Of the losses (runs, N) of each iteration, to the last one or to where all runs are lost. Raises SpecError."""
    finder = session.spec.finder
    assert finder is not None
    rates = finder.low * (finder.high / finder.low) ** (np.arange(finder.steps) / (finder.steps - 1))
    over = int(_ends(smooth(losses)).max())
    losses = losses[:, : (over // SEEN + 1) * SEEN]  # as far as `run` looks
    smoothed, ends = smooth(losses), _ends(smooth(losses))
    if (ends < SEEN).any():
        message = f"the loss is lost before it falls: already at {finder.parameter} = {finder.low:g} it grows"
        raise SpecError([Diagnostic("E0455", message, finder.span, hints=("begin at a smaller rate",))])
    smoothed = np.where(np.arange(losses.shape[1]) < ends[:, None], smoothed, np.nan)
    steepest = [_steepest(row[:end]) for row, end in zip(smoothed, ends, strict=True)]
    result = FinderResult(finder.parameter, rates[: losses.shape[1]], losses, smoothed, rates[steepest])
    return replace(result, file=session.file.source.name, expect=verdicts(session, result))


def _steepest(smoothed: Array) -> int:
    first = min(MEMORY, len(smoothed) // 4)
    return first + int(np.argmin(np.gradient(smoothed)[first:]))


def smooth(losses: Array) -> Array:
    """(runs, N) -> (runs, N)"""
    mean, found = np.zeros(len(losses)), np.empty_like(losses)
    for t in range(losses.shape[1]):
        mean = WEIGHT * mean + (1 - WEIGHT) * losses[:, t]
        found[:, t] = mean / (1 - WEIGHT ** (t + 1))
    return found


def _ends(smoothed: Array) -> Array:
    """(runs,) how many losses there are before it is lost or far above its best."""
    with np.errstate(invalid="ignore"):
        best = np.minimum.accumulate(smoothed, axis=1)
        over = ~np.isfinite(smoothed) | ((smoothed > WORSE * best) & (best > 0))
    found: Array = np.where(over.any(axis=1), over.argmax(axis=1), smoothed.shape[1])
    return found


def verdicts(session: Session, found: FinderResult) -> tuple[Verdict, ...]:
    """What the file expects of it."""
    if not session.spec.expectations:
        return ()
    figures = {"suggestion": found.suggestion, "lowest_at": found.best}
    return judge(
        session.spec.expectations, Scope(len(found.suggestion), figures, {"pi": np.pi, "inf": np.inf})
    )


def blank(session: Session) -> None:
    """SpecError where an `expect` speaks of what a finder does not have."""
    runs = session.spec.training.runs
    figures = {name: np.ones(min(runs, 2)) for name in ("suggestion", "lowest_at")}
    judge(session.spec.expectations, Scope(runs, figures, {"pi": np.pi, "inf": np.inf}))
