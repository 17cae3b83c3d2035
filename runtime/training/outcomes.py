"""How runs end: why each one stopped, and what that means. Codes, since there may be millions."""

from __future__ import annotations

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.kernels.rule_flow import flat
from netc.runtime.parameters import Array
from netc.runtime.training.state import (
    CRITERION,
    DIVERGED,
    NO_GAIN,
    NO_SUCH_BATCH,
    NO_SUCH_LOOP,
    OUT_OF_RANGE,
    RUNNING,
    SEARCH_FAILED,
    STEP_TOO_SMALL,
)

MEANING = {
    "epochs": "all epochs done",
    "steps": "all steps done",
    "criterion": "the stop criterion holds",
    "diverged": "diverged",
    "search": "a search of the rule found no end: its 'until' never held",
    "step too small": "the step of a search fell below rounding",
    "no such batch": "the rule asked for the batch of a number that no batch has",
    "out of range": "a schedule left the range that the rule or a layer requires",
    "no such loop": "a bound of a loop of the rule is infinite or no number",
    "interrupted": "interrupted",
    "no gain": "the patience of 'stop' is over",
    "callback": "the callback ended it",
}
"""Why runs stop, and how it is said."""
STOPS = tuple(MEANING)
CUT_SHORT = ("diverged", "no such batch", "out of range", "no such loop")
"""There was no way on."""
OUTCOMES = ("converged", "not converged", "diverged", "step too small", "finished", "interrupted")
"""A run converged if its stop criterion holds; without a criterion one that came to its end has finished."""
SETTLED = ("converged", "finished")
"""Runs that have reached a point."""
CLAIMED = {name.replace(" ", "_"): name for name in OUTCOMES[:4]}
"""What an `expect` calls those of whole runs: `step_too_small`."""

_STOP_OF = {
    CRITERION: STOPS.index("criterion"),
    DIVERGED: STOPS.index("diverged"),
    SEARCH_FAILED: STOPS.index("search"),
    STEP_TOO_SMALL: STOPS.index("step too small"),
    NO_SUCH_BATCH: STOPS.index("no such batch"),
    OUT_OF_RANGE: STOPS.index("out of range"),
    NO_SUCH_LOOP: STOPS.index("no such loop"),
    NO_GAIN: STOPS.index("no gain"),
}


def meaning(status: int) -> str:
    """Why a rule has ended a run."""
    return MEANING[STOPS[_STOP_OF[status]]]


def stops(counters: Array, total: int, by_steps: bool, called: bool = False) -> Array:
    """(runs,) index into STOPS, of counters (runs, 4 or 5) as in docs/kernels.md. `called`: a callback ended those that
    were not done."""
    found = np.full(len(counters), STOPS.index("steps" if by_steps else "epochs"), np.int8)
    status = counters[:, 3]
    found[(status == RUNNING) & (counters[:, 0] < total)] = STOPS.index(
        "callback" if called else "interrupted"
    )
    for code, stop in _STOP_OF.items():
        found[status == code] = stop
    return found


def first_lost(counters: Array, loss: Array) -> int | None:
    """The number of the first run whose loss is not finite."""
    lost = np.flatnonzero((counters[:, 3] == DIVERGED) & ~np.isfinite(loss[: len(counters)]))
    return int(lost[0]) if len(lost) else None


def first_out_of_range(counters: Array) -> int | None:
    """The number of the first run that a schedule ended."""
    left = np.flatnonzero(counters[:, 3] == OUT_OF_RANGE)
    return int(left[0]) if len(left) else None


def outcomes(stopped: Array, criterion: bool) -> Array:
    """(runs,) index into OUTCOMES; `criterion`: there was one to meet."""
    at_end = OUTCOMES.index("not converged" if criterion else "finished")
    meaning = [
        at_end,
        at_end,
        *map(OUTCOMES.index, ("converged", "diverged", *5 * ("step too small",))),
    ]
    found: Array = np.array([*meaning, OUTCOMES.index("interrupted"), at_end, at_end], np.int8)[stopped]
    return found


def has_criterion(rule: ir.Rule) -> bool:
    """Whether `train` says when to stop."""
    return any(isinstance(s, ir.Stop) and s.ending == "criterion" for s in flat((*rule.test, *rule.body)))
