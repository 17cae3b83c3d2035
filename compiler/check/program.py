"""ast -> spec: names resolved, sizes and kinds checked, every default written out. Computes nothing.

All that is wrong is collected and raised once, as one SpecError.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from netc.compiler.check.data.augment import check_augment
from netc.compiler.check.data.data import check_data
from netc.compiler.check.fixed_names import check_fixed_names, require_apart
from netc.compiler.check.functions_called import closed_forms_called, functions_called
from netc.compiler.check.loss.functions import check_activations
from netc.compiler.check.network.batch_statistics import check_statistics
from netc.compiler.check.network.layer_definitions import check_layer_definitions
from netc.compiler.check.network.layer_schedules import check_starts, schedules_read
from netc.compiler.check.network.masks import check_masks
from netc.compiler.check.network.points_in_modes import check_kinds
from netc.compiler.check.parts.definitions import check_definition_settings
from netc.compiler.check.parts.statements import Statements
from netc.compiler.check.problem import NO_DATA, check_problem
from netc.compiler.check.rule.attacks import (
    attacks_in,
    check_against,
    check_attack_definitions,
    check_attacked,
)
from netc.compiler.check.rule.batches_visited import check_batches
from netc.compiler.check.rule.first_rates import check_first_rates
from netc.compiler.check.rule.loops import check_bounds
from netc.compiler.check.rule.rule import check_optimizer
from netc.compiler.check.rule.schedule import check_schedules
from netc.compiler.check.several.ensemble import check_ensemble
from netc.compiler.check.several.finder import check_finder
from netc.compiler.check.several.phases import check_phases, last_phase
from netc.compiler.check.several.sweep import first_point
from netc.compiler.check.several.sweep_point import data_of, with_folds
from netc.compiler.check.several.sweep_values import check_sweep
from netc.compiler.check.start.init import NONE as NO_INIT
from netc.compiler.check.start.init import check_init
from netc.compiler.check.start.init_layers import require_start
from netc.compiler.check.start.starts import check_runs
from netc.compiler.check.training.expect import check_expectations, check_points
from netc.compiler.check.training.overrides import Overrides, apply_overrides
from netc.compiler.check.training.train import check_monitor, check_train, check_whole
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.gather import gather
from netc.compiler.meaning.kinds import SCALAR
from netc.compiler.meaning.m_as_state import INSIDE
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.spec import (
    DataSpec,
    Facts,
    Init,
    Monitor,
    Optimizer,
    Schedule,
    Spec,
    Training,
)
from netc.dsl import ast
from netc.dsl.walks import walk


def data_spec(program: ast.Program, folder: Path) -> DataSpec:
    """What the `data` statement says, to be read before `check`. Raises SpecError for what is wrong in it."""
    report, program = Report(), last_phase(first_point(with_folds(program)))
    statement = data_of(program)
    spec = check_data(statement, folder, report) if statement else NO_DATA
    report.finish()
    return spec


def check(
    program: ast.Program,
    facts: Facts | None,
    folder: Path,
    overrides: Overrides | None = None,
    varying: Iterable[str] = (),
    given: bool = False,
) -> Spec:
    """The whole meaning of a file.

    `facts` are what the data say of themselves, None where they are not at hand: sizes are then not compared.
    `overrides` replace hyper-parameters of the optimizer and settings of `train`. Hyper-parameters that are
    `varying` get their values from outside, step by step. Where gradients are `given`, an objective may have
    batches. Raises SpecError.
    """
    overrides, program = overrides or {}, with_folds(program)
    if any(isinstance(s, ast.Finder) for s in program.statements):
        return check_finder(
            program, lambda point: _Check(point, facts, folder, overrides, varying, given).run()
        )

    def alone(point: ast.Program, changed: Overrides, known: Facts | None) -> Spec:
        return _Check(point, known, folder, changed, varying, given).run()

    def whole(point: ast.Program, changed: Overrides, known: Facts | None) -> Spec:
        if not any(isinstance(s, ast.Phase) for s in point.statements):
            return alone(point, changed, known)
        return check_phases(point, changed, lambda p, c, same: alone(p, c, known if same else None))

    if not any(isinstance(s, ast.Sweep) for s in program.statements):
        return whole(program, overrides, facts)
    return check_sweep(
        program, overrides, lambda p, c, same: whole(p, {**overrides, **c}, facts if same else None)
    )


class _Check(Statements):
    def __init__(
        self,
        program: ast.Program,
        facts: Facts | None,
        folder: Path,
        overrides: Overrides,
        varying: Iterable[str],
        given: bool,
    ) -> None:
        report = Report()
        program, self.overrides = apply_overrides(program, overrides, report)
        super().__init__(program, report)
        self.varying, self.given = varying, given
        self.facts = facts
        self.folder = folder
        self.definitions: Definitions = gather(program, folder, report)
        objectives = [s.name for s in self.all(ast.Objective)]
        stated = self.all(ast.Loss)
        losses = [s.name for s in [s for s in stated if s.use is not None] or stated]
        self.losses = frozenset({"R", *objectives, *losses})
        """Names by which rules and criteria may call the loss."""

    def run(self) -> Spec:
        check_definition_settings(self.program, self.definitions, self.report)
        check_fixed_names(self.program, self.definitions, self.report)
        sound = check_activations(self.definitions, self.report)
        check_layer_definitions(self.definitions, self.report)
        check_attack_definitions(self.definitions, self.report)
        self.problem = problem = check_problem(self, self.definitions, self.facts, self.folder, sound)
        optimizer = self._optimizer()
        require_apart(self.program, dict(optimizer.arguments) if optimizer else (), self.report)
        of_rule, of_layers = self._schedules(optimizer)
        training = self._training(optimizer)
        init = self._init()
        training = check_runs(init, training, self.one(ast.Train), self.report)
        monitor = self._monitor(optimizer, training)
        points = check_points(self.all(ast.Points), problem.size, optimizer, self.report)
        ensemble = check_ensemble(self.program, training.runs, (), self.report)
        expectations = check_expectations(self.program, self.report)
        check_kinds(problem.network, self.all(ast.Expect), self.report)
        self.report.finish()
        assert optimizer is not None
        attacks = attacks_in(training, (*monitor.figures, *self.all(ast.Expect)), self.definitions)
        network, objective, loss, known = problem.network, problem.objective, problem.loss, self.definitions
        functions = functions_called(network, loss, objective, optimizer, training, monitor, attacks, known)
        spec = Spec(
            network, objective, loss, problem.data, init, optimizer, of_rule, training, monitor, expectations, points,
            functions, closed_forms_called((*of_rule, *of_layers), known), self.program, self.report.warnings,
            ensemble=ensemble, layer_schedules=of_layers, attacks=attacks,
        )  # fmt: skip
        check_starts(spec, self.report)
        check_first_rates(spec, self.report)
        self.report.finish()
        return spec

    # -- parts -------------------------------------------------------------------------------------

    @property
    def _network_is_wrong(self) -> bool:
        """This has been told, and nobody knows what the network reads and what it lacks."""
        return self.problem.network is None and bool(self.all(ast.Network))

    def _optimizer(self) -> Optimizer | None:
        statements = self.all(ast.Optimizer)
        if not statements:
            self.missing("optimizer", "'optimizer gd(eta = 0.1)'")
            return None
        varying = self.scheduled - set(self.overrides) | set(self.varying)
        reading = [*self.all(ast.Monitor), *self.all(ast.Expect)]
        names = {n.id for statement in reading for n in walk(statement) if isinstance(n, ast.Name)}
        watched = frozenset(names | ({INSIDE} if "m" in names else set()))
        given = self.losses, self.definitions, self.report, self.overrides
        return check_optimizer(statements, *given, varying, watched, self.scheduled)

    def _schedules(self, optimizer: Optimizer | None) -> tuple[tuple[Schedule, ...], tuple[Schedule, ...]]:
        """Those of the rule's parameters, and those that layers read."""
        if optimizer is None:
            return (), ()
        hypers = [name for name, _ in optimizer.arguments]
        left = self.scheduled - set(hypers)
        read = left if self._network_is_wrong else schedules_read(self.problem.network)
        found = check_schedules(self.all(ast.Schedule), hypers, read, self.definitions, self.report)
        of_rule = tuple(s for s in found if s.name in hypers and s.name not in self.overrides)
        return of_rule, tuple(s for s in found if s.name not in hypers)

    def _training(self, optimizer: Optimizer | None) -> Training:
        statement, problem = self.one(ast.Train), self.problem
        if statement is None:
            self.missing("train", "'train epochs = 200, batch = full, seed = 1'")
        samples = self.facts.samples if self.facts else None
        hypers = {name: SCALAR for name, _ in optimizer.arguments} if optimizer else {}
        training = check_train(statement, samples, hypers, self.losses, self.definitions, self.report)
        if statement and problem.objective and not self.given:
            check_whole(statement, training, self.report)
        if optimizer and statement:
            check_batches(optimizer, training, samples, statement, self.report)
        if optimizer:
            check_bounds(optimizer, self.report)
        training = check_against(statement, training, optimizer, problem.data, self.definitions, self.report)
        augment = self.one(ast.Augment)
        augmented = check_augment(augment, problem.network, problem.loss, training, self.report)
        training = replace(training, augment=augmented)
        if problem.network and statement:
            check_statistics(problem.network, training, samples, statement, self.report)
        return training

    def _monitor(self, optimizer: Optimizer | None, training: Training) -> Monitor:
        statement, problem = self.one(ast.Monitor), self.problem
        variables = problem.objective.variables if problem.objective else ()
        layers = problem.network.layer_names if problem.network else ()
        monitor = check_monitor(
            statement, optimizer, variables, problem.size, self.losses, layers, self.scheduled,
            self.definitions, self.report,
        )  # fmt: skip
        check_attacked(statement, training, problem.data, self.definitions, self.report)
        if optimizer and (problem.network or (problem.objective and not self.given)):
            check_masks(optimizer, monitor.watched, problem.layers, self.report)
        return monitor

    def _init(self) -> Init:
        statements, problem = self.all(ast.Init), self.problem
        of_network = problem.objective is None
        if all(s.name is not None for s in statements):
            if not self._network_is_wrong and (
                problem.network is None or any(x.open for x in problem.layers)
            ):
                require_start(of_network, problem.layers, self.end, self.report)
            return NO_INIT
        known = self.folder, self.definitions, self.report
        return check_init(statements, problem.size, of_network, problem.layers, *known)
