"""`netc.update_rule` and `UpdateRule`: an update rule alone, without network and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netc.compiler.calculus.given_gradients import Given, RuleEnded, trajectory
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.m_as_state import shown
from netc.compiler.meaning.rule_equations import lines
from netc.compiler.meaning.spec import Optimizer
from netc.compiler.rules.cost import Cost, count
from netc.compiler.rules.latex import latex_rule
from netc.compiler.rules.rule_text import RuleText, read_rule

Reals = NDArray[Any]


def update_rule(text: str) -> UpdateRule:
    """The rule that `text` names, `torch.SGD(lr=0.1, momentum=0.9)`, or defines, an `optimizer` block. Raises SpecError.

    >>> netc.update_rule("torch.SGD(lr=0.1, momentum=0.9)").states
    ('v',)
    """
    return UpdateRule(text)


class UpdateRule:
    """A checked update rule with its parameters' numbers. Made by `netc.update_rule`."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(
                f"a rule is given as text, as in 'torch.SGD(lr=0.1)', not as {type(text).__name__}"
            )
        self._text = text
        self._read = read_rule(text)

    @property
    def name(self) -> str:
        return self._read.name

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters that the rule reads, and their numbers; a tuple `betas` is `betas_1`, `betas_2`."""
        return dict(self._read.optimizer.arguments)

    @property
    def states(self) -> tuple[str, ...]:
        """What it keeps from one iteration to the next, besides theta."""
        return tuple(shown(s.name) for s in self._read.rule.states if s.name != "theta")

    @property
    def evaluations(self) -> dict[str, int]:
        """Of the loss and the gradient in one iteration; rounds of loops and searches count once."""
        cost: Cost = count(self._read.rule)
        return {
            "loss": cost.losses + cost.losses_per_round + cost.losses_per_batch,
            "gradient": cost.gradients + cost.gradients_per_round + cost.gradients_per_batch,
        }

    def equations(self) -> list[str]:
        """The lines of the rule as it runs, valid in the block of an `optimizer` statement.

        >>> netc.update_rule("gd(eta = 0.1)").equations()
        ['theta[n+1] = theta[n] - eta*grad R(theta[n])']
        """
        return lines(self._read.optimizer.definition.body)

    def latex(self) -> str:
        """The equations for LaTeX's `align`."""
        return latex_rule(self._read.optimizer.definition.body)

    def trajectory(
        self,
        theta0: ArrayLike,
        gradients: ArrayLike,
        schedule: Mapping[str, Sequence[float]] | None = None,
        tensors: Sequence[int] | None = None,
        batches: int = 1,
        first: int = 0,
        weights: ArrayLike | None = None,
        losses: ArrayLike | None = None,
    ) -> Reals:
        """theta[0], theta[1], ... (T+1, d) from theta0 (d,) when the gradients are these (T, d), at any point.

        Of rules that ask several times in a step: gradients (T, k, d) and `losses` (T, k) in the order in which they ask.

        >>> netc.update_rule("gd(eta = 0.5)").trajectory([1.0], [[1.0], [0.5]])
        array([[1.  ],
               [0.5 ],
               [0.25]])

        `schedule` gives the value of a parameter, by name, in each of the T steps. `tensors` are the sizes of
        the tensors that make up theta, for rules that look at them one by one (`per = tensor`, `per = layer`); by
        default theta is one. `batches` is m, the steps of an epoch; `first` the n of the first step (the states start
        there as they do at 0); `weights` (d,) is 1 for a weight, 0 for a bias, by default all are weights. Computes
        in float64. Raises ValueError where shapes do not fit, where `schedule` names
        what is no parameter or gives it what the rule does not allow, where the rule asks for a loss that is not given,
        and where it ends before the last step, as a search does that finds no end; steps are counted from 0.
        """
        return self._gone(
            theta0, gradients, weights, losses,
            schedule=schedule, tensors=tensors, batches=batches, first=first,
        )[0]  # fmt: skip

    def points(self, theta0: ArrayLike, gradients: ArrayLike, **given: Any) -> list[Reals]:
        """Where the rule asks on this way: (k, d) of each of the T steps. The arguments are those of `trajectory`."""
        return [np.array(points) for points in self._gone(theta0, gradients, **given)[1]]

    def _gone(
        self,
        theta0: ArrayLike,
        gradients: ArrayLike,
        weights: ArrayLike | None = None,
        losses: ArrayLike | None = None,
        **told: Any,
    ) -> tuple[Reals, list[list[Reals]]]:
        """The way, and where the rule asks; `told` are the other fields of `Given`."""
        theta, steps = np.asarray(theta0, np.float64), np.asarray(gradients, np.float64)
        lost, mask = (None if a is None else np.asarray(a, np.float64) for a in (losses, weights))
        given = Given(steps, weights=mask, losses=lost, **told)
        _fitting(theta, given)
        rule = self._for(len(theta), given.schedule or {}, len(steps))
        try:
            return trajectory(rule.rule, theta, given)
        except RuleEnded as ended:
            from netc.runtime.training.outcomes import meaning

            why = f"'{self.name}' ends in step {ended.step} of {len(steps)}: {meaning(ended.status)}"
            raise ValueError(f"{why}; gradients[:{ended.step}] go as far as it goes") from None

    def _for(self, elements: int, schedule: Mapping[str, Sequence[float]], steps: int) -> RuleText:
        read = read_rule(self._text, elements=elements, varying=schedule)
        known = dict(read.optimizer.arguments)
        for name, values in schedule.items():
            if name not in known:
                raise ValueError(f"'{self.name}' has no parameter '{name}'; it has {', '.join(known)}")
            if np.shape(values) != (steps,):
                count = np.size(values) if np.ndim(values) == 1 else f"shape {np.shape(values)} as"
                raise ValueError(f"the schedule of '{name}' has {count} values for {steps} steps")
        _require(read.optimizer, schedule)
        return read


def _require(rule: Optimizer, schedule: Mapping[str, Sequence[float]]) -> None:
    """Raises ValueError where the rule does not allow what a schedule gives."""
    from netc.compiler.check.parts.values import check_required

    fixed = dict(rule.off) | dict(rule.arguments)
    first: dict[tuple[float, ...], int] = {}
    for step, values in enumerate(zip(*schedule.values(), strict=True)):
        first.setdefault(values, step)
    for values, step in first.items():
        for name, value in zip(schedule, values, strict=True):
            if isnan(value):
                raise ValueError(f"the schedule of '{name}' has no number in step {step}")
        report = Report()
        now = fixed | {name: float(value) for name, value in zip(schedule, values, strict=True)}
        check_required(rule.definition, (), now, rule.definition.span, report)
        for found in report.diagnostics:
            raise ValueError(f"{found.message}, in step {step}")


def _fitting(theta: Reals, given: Given) -> None:
    """Raises ValueError where shapes do not fit, TypeError where the schedule has no names."""
    steps, losses, weights = given.gradients, given.losses, given.weights
    if given.schedule is not None and not isinstance(given.schedule, Mapping):
        raise TypeError("schedule gives the values of a parameter by its name: {'lr': [0.1, 0.05, ...]}")
    if theta.ndim != 1 or steps.ndim not in (2, 3) or steps.shape[-1:] != theta.shape:
        raise ValueError(f"theta0 is (d,) and gradients (T, d); these are {theta.shape}, {steps.shape}")
    if losses is not None and (losses.ndim != 2 or len(losses) != len(steps)):
        raise ValueError(f"losses are (T, k), of each of the {len(steps)} steps; these are {losses.shape}")
    if given.tensors is not None and sum(given.tensors) != len(theta):
        total = sum(given.tensors)
        raise ValueError(f"the sizes of the tensors sum up to {total}, theta0 has {len(theta)}")
    if weights is not None and weights.shape != theta.shape:
        raise ValueError(f"weights are (d,), one number for each of theta0; these are {weights.shape}")
    if given.batches < 1 or given.first < 0:
        these = f"{given.batches} and {given.first}"
        raise ValueError(f"there is at least 1 batch, and n counts from 0; these are {these}")
