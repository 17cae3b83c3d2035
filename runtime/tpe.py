"""`by = tpe`: each point of a sweep where those before it were good, by the tree-structured Parzen estimator of Bergstra et
al. 2011 (Algorithms for hyper-parameter optimization, NeurIPS 24), as Optuna has it.

The seed of the sweep fixes the points, given the figures of those before: a sweep that is resumed asks again for the points
that are done, tells their figures, and so comes to the same next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from netc.compiler.meaning.spec import Axis, Sweep
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError

Values = tuple[ast.Expr, ...]
DRAWN = 10
"""Points before Optuna looks at figures: its own number."""
MISSING = "'by = tpe' is done by Optuna, which is not installed"


def optuna_version(sweep: Sweep) -> str:
    """On which the points hang as well; SpecError where there is none."""
    try:
        return version("optuna")
    except PackageNotFoundError:
        hints = ('pip install "netc[tpe]"', "or leave 'by = tpe' out: the points are drawn by their laws")
        raise SpecError([Diagnostic("E0476", MISSING, sweep.span, hints=hints)]) from None


def rounds_by_tpe(sweep: Sweep, worth: Callable[[int], float]) -> Iterator[list[Values]]:
    """`trials` points: the first ones, which are drawn, then so many `at_once` as the sweep says. `worth` of a point, by its
    number from 1, is asked when the next round is wanted: lower is better."""
    import warnings

    optuna_version(sweep)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    lies = (
        {"constant_liar": True} if sweep.at_once > 1 else {}
    )  # what is under way counts as bad: no point twice
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is experimental
        sampler = optuna.samplers.TPESampler(seed=sweep.seed % 2**32, n_startup_trials=DRAWN, **lies)
    study = optuna.create_study(sampler=sampler)
    laws = {axis.name: _law(axis) for axis in sweep.axes}
    done = 0
    while done < sweep.trials:
        size = min(sweep.at_once if done else DRAWN, sweep.trials - done)
        trials = [study.ask(laws) for _ in range(size)]
        yield [tuple(_value(axis, trial.params[axis.name]) for axis in sweep.axes) for trial in trials]
        for number, trial in enumerate(trials, start=done + 1):
            study.tell(trial, worth(number))
        done += size


def _law(axis: Axis) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if axis.law:
        return FloatDistribution(axis.low, axis.high, log=axis.law == "log_uniform")
    return CategoricalDistribution(range(len(axis.values)))


def _value(axis: Axis, chosen: Any) -> ast.Expr:
    return ast.Number(float(chosen), span=axis.values[0].span) if axis.law else axis.values[chosen]
