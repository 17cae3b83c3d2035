"""A session -> the task of its training: kernels, samples, what varies from iteration to iteration, what is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from netc.runtime.attacks import attacker, followed
from netc.runtime.host import available_cores
from netc.runtime.training.history import FOLLOWED
from netc.runtime.training.judge import Rules
from netc.runtime.training.task import Task
from netc.runtime.training.varying import Varying

if TYPE_CHECKING:
    from netc.runtime.session import Session
    from netc.runtime.training.augmenting import Augmenter


def task_of(session: Session) -> Task:
    training, monitor = session.spec.training, session.spec.monitor
    train_part, held_part, test_part = session.samples_by_part
    return Task(
        session.program,
        session.training_kernels,
        train_part,
        test_part,
        session.metric,
        monitor.every,
        training.threads or available_cores(),
        _history(session),
        monitor.unit == "step",
        held_part,
        Rules(training.keep, training.patience, training.goals) if training.judged else None,
        (lambda row: session.slopes.of(row, *session.scaled_training))
        if any(s.by_inputs for s in monitor.shown)
        else None,
        session.inside if any(s.inside for s in monitor.shown) else None,
        varying=_varying(session),
        attacked=followed(session),
    )


def _history(session: Session) -> Literal["all", "summary"]:
    if session.spec.monitor.history == "auto":
        return "all" if session.spec.training.runs <= FOLLOWED else "summary"
    return session.spec.monitor.history


def _varying(session: Session) -> Varying | None:
    """What changes the training samples, where something does."""
    training = session.spec.training
    if training.against is None and not training.augment:
        return None
    attacks = attacker(session, training.against) if training.against else None
    return Varying(session.program, *session.scaled_training, attacks, augmenter_of(session))


def augmenter_of(session: Session) -> Augmenter | None:
    from netc.runtime.data.augment import image_shape
    from netc.runtime.training.augmenting import Augmenter

    operations, network, data = session.spec.training.augment, session.spec.network, session.data
    if not operations or network is None or data is None:
        return None
    shape = image_shape(network.input, data.input_names)
    outside = session.inputs.apply(np.zeros((1, network.inputs)))[0]
    seed = session.program.training.seed
    return Augmenter(operations, *session.scaled_training, session.spec.targets, shape, outside, seed)
