"""spec -> ir: problem, start, update rule and training, each by its own file. Nothing is checked any more."""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.lower.init import lower_init
from netc.compiler.lower.network import lower_problem
from netc.compiler.lower.rule import lower_rule
from netc.compiler.meaning.spec import Spec, Training


def lower(spec: Spec) -> ir.Program:
    problem = lower_problem(spec)
    rule = lower_rule(spec, modes=problem.test is not None)
    return ir.Program(problem, lower_init(spec, problem), rule, _training(spec.training))


def _training(training: Training) -> ir.Training:
    batches = ir.Batches(training.batch, training.count, training.shuffle, training.replacement)
    return ir.Training(
        training.epochs,
        training.steps,
        batches,
        training.precision,
        training.seed,
        training.runs,
        training.target,
    )
