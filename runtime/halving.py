"""`by = halving`: all points of a sweep train a little, the better half goes on for twice as long, and so on: successive
halving (Jamieson and Talwalkar 2016, Non-stochastic best arm identification, AISTATS 51).

What goes on continues from its state, so that a point that comes to its end has the bits that it has alone. Who keeps
states and figures, memory or folder, is the caller's matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from netc.runtime.parameters import Array

if TYPE_CHECKING:
    from netc.runtime.results.result import Result
    from netc.runtime.session import Session

HALTED = "halted"
"""Figure of the runs of a point: the epochs (or steps) after which it was stopped, NaN of one that came to its end."""

Figures = dict[str, Array]
States = dict[str, Array]


@dataclass
class Kept:
    """Of each point what is known at the end of each round; here in memory."""

    figures: dict[tuple[int, int], Figures] = field(default_factory=dict)
    states: dict[int, States] = field(default_factory=dict)

    def read(self, number: int, turn: int) -> Figures | None:
        return self.figures.get((number, turn))

    def state(self, number: int) -> States | None:
        return self.states.get(number)

    def write(self, number: int, turn: int, figures: Figures, state: States) -> None:
        self.states[number], self.figures[number, turn] = state, figures


def rounds(points: int, epochs: int) -> int:
    """Halvings until one point is left, as far as there are epochs for them."""
    return min((points - 1).bit_length(), max(1, epochs).bit_length() - 1)


def shares(halvings: int) -> list[int]:
    """Of the epochs, one in so many is trained by the end of each round."""
    return [2 ** (halvings - turn) for turn in range(halvings + 1)]


def lengths(session: Session) -> tuple[int, int]:
    """Epochs of a training, or steps where it counts these; and iterations of one."""
    from netc.runtime.training.task import total_steps

    total, per_epoch = total_steps(session.program, session.samples)
    return (total // per_epoch, per_epoch) if total % per_epoch == 0 else (total, 1)


def halve(
    numbers: Sequence[int],
    halvings: int,
    trained: Callable[[Sequence[int], int], Mapping[int, Figures]],
    worth: Callable[[Figures], float],
) -> dict[int, int]:
    """The round after which each point was stopped; `trained` brings these points to the end of a round."""
    stopped: dict[int, int] = {}
    alive = list(numbers)
    for turn in range(halvings + 1):
        values = {number: worth(figures) for number, figures in trained(alive, turn).items()}
        order = sorted(alive, key=lambda number: (values[number], number))
        stay = -(-len(alive) // 2) if turn < halvings else len(alive)
        stopped |= dict.fromkeys(order[stay:] if turn < halvings else order, turn)
        alive = sorted(order[:stay])
    return stopped


def advanced(session: Session, share: int, state: States | None) -> tuple[Result, States]:
    """The training as far as one in `share` of its epochs, from a state within it; and the state there. KeyboardInterrupt
    where it was interrupted."""
    from netc.runtime.ensemble import with_ensemble
    from netc.runtime.training.task import Watcher
    from netc.runtime.training.train import train

    epochs, each = lengths(session)
    task = replace(session.task, until=max(1, epochs // share) * each)
    outcome = train(task, Watcher(), state)
    if outcome.interrupted:
        raise KeyboardInterrupt
    return with_ensemble(session, session.result_of(task, outcome)), outcome.checkpoint


def with_halted(figures: Figures, session: Session, share: int) -> Figures:
    """`share`: 1 of a point that came to its end."""
    epochs, _ = lengths(session)
    value = np.nan if share == 1 else float(max(1, epochs // share))
    return {**figures, HALTED: np.full(len(figures["steps"]), value)}
