"""ast -> spec: names resolved, sizes and kinds checked, every default written out. Computes nothing.

All that is wrong is collected and raised once, as one SpecError.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from netc.compiler.check.attacks import attacks_in, check_against, check_attack_definitions, check_attacked
from netc.compiler.check.augment import check_augment
from netc.compiler.check.batch_statistics import check_statistics
from netc.compiler.check.data import check_data
from netc.compiler.check.definitions import check_definition_settings
from netc.compiler.check.ensemble import check_ensemble
from netc.compiler.check.expect import check_expectations, check_points
from netc.compiler.check.finder import check_finder
from netc.compiler.check.fixed_names import check_fixed_names, require_apart
from netc.compiler.check.functions import check_activations, check_objective
from netc.compiler.check.functions_called import closed_forms_called, functions_called
from netc.compiler.check.init import NONE as NO_INIT
from netc.compiler.check.init import check_init
from netc.compiler.check.layer_definitions import check_layer_definitions
from netc.compiler.check.layer_schedules import check_starts, schedules_read
from netc.compiler.check.loss_places import check_units
from netc.compiler.check.masks import check_masks
from netc.compiler.check.overrides import Overrides, apply_overrides
from netc.compiler.check.phases import check_phases, last_phase
from netc.compiler.check.points_in_modes import check_kinds
from netc.compiler.check.rule import check_optimizer
from netc.compiler.check.schedule import check_schedules
from netc.compiler.check.starts import check_runs
from netc.compiler.check.sweep import check_sweep, first_point
from netc.compiler.check.sweep_point import with_folds
from netc.compiler.check.train import check_batches, check_monitor, check_train, check_whole
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.gather import gather
from netc.compiler.meaning.kinds import SCALAR
from netc.compiler.meaning.m_as_state import INSIDE
from netc.compiler.meaning.resolve import Definitions, head
from netc.compiler.meaning.resolve_tree import walk
from netc.compiler.meaning.spec import (
    DataSpec,
    Facts,
    Init,
    Loss,
    Monitor,
    Network,
    Objective,
    Optimizer,
    Schedule,
    Spec,
    Training,
)
from netc.dsl import ast
from netc.dsl.source import Span

S = TypeVar("S", bound=ast.Statement)
NO_DATA = DataSpec("none")


def data_spec(program: ast.Program, folder: Path) -> DataSpec:
    """What the `data` statement says, to be read before `check`. Raises SpecError for what is wrong in it."""
    report, program = Report(), last_phase(first_point(with_folds(program)))
    statement = next((s for s in program.statements if isinstance(s, ast.Data)), None)
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


class _Check:
    def __init__(
        self,
        program: ast.Program,
        facts: Facts | None,
        folder: Path,
        overrides: Overrides,
        varying: Iterable[str],
        given: bool,
    ) -> None:
        self.varying, self.given = varying, given
        self.report = Report()
        self.program, self.overrides = apply_overrides(program, overrides, self.report)
        self.facts = facts
        self.folder = folder
        self.definitions: Definitions = gather(self.program, folder, self.report)
        objectives = [s.name for s in self.all(ast.Objective)]
        stated = self.all(ast.Loss)
        losses = [s.name for s in [s for s in stated if s.use is not None] or stated]
        self.losses = frozenset({"R", *objectives, *losses})
        """Names by which rules and criteria may call the loss."""

    def all(self, kind: type[S]) -> list[S]:
        return [s for s in self.program.statements if isinstance(s, kind)]

    def one(self, kind: type[S]) -> S | None:
        """The one statement of its kind; a second one is an error."""
        found = self.all(kind)
        for other in found[1:]:
            word = kind.__name__.lower()
            self.report.error(
                "E0505", head(other), f"'{word}' stands twice", related=((head(found[0]), "first here"),)
            )
        return found[0] if found else None

    def run(self) -> Spec:
        check_definition_settings(self.program, self.definitions, self.report)
        check_fixed_names(self.program, self.definitions, self.report)
        self.sound = check_activations(self.definitions, self.report)
        check_layer_definitions(self.definitions, self.report)
        check_attack_definitions(self.definitions, self.report)
        network, objective, loss, data = self._problem()
        size = network.parameters if network else len(objective.variables) if objective else 0
        optimizer = self._optimizer()
        require_apart(self.program, dict(optimizer.arguments) if optimizer else (), self.report)
        of_rule, of_layers = self._schedules(network, optimizer)
        training = self._training_on(network, loss, data, optimizer)
        init = self._init(size, network)
        training = check_runs(init, training, self.one(ast.Train), self.report)
        monitor = self._monitor(network, objective, optimizer, training, data)
        points = check_points(self.all(ast.Points), size, optimizer, self.report)
        ensemble = check_ensemble(self.program, training.runs, (), self.report)
        expectations = check_expectations(self.all(ast.Expect), self.report)
        check_kinds(network, self.all(ast.Expect), self.report)
        self.report.finish()
        assert optimizer is not None
        attacks = attacks_in(training, (*monitor.figures, *self.all(ast.Expect)), self.definitions)
        known = self.definitions
        functions = functions_called(network, loss, objective, optimizer, training, monitor, attacks, known)
        spec = Spec(
            network, objective, loss, data, init, optimizer, of_rule, training, monitor, expectations, points, functions,
            closed_forms_called((*of_rule, *of_layers), known), self.program, self.report.warnings,
            ensemble=ensemble, layer_schedules=of_layers, attacks=attacks,
        )  # fmt: skip
        check_starts(spec, self.report)
        self.report.finish()
        return spec

    def _schedules(
        self, network: Network | None, optimizer: Optimizer | None
    ) -> tuple[tuple[Schedule, ...], tuple[Schedule, ...]]:
        """Those of the rule's parameters, and those that layers read."""
        if optimizer is None:
            return (), ()
        hypers = [name for name, _ in optimizer.arguments]
        read = self._read(network, hypers)
        found = check_schedules(self.all(ast.Schedule), hypers, read, self.definitions, self.report)
        of_rule = tuple(s for s in found if s.name in hypers and s.name not in self.overrides)
        return of_rule, tuple(s for s in found if s.name not in hypers)

    def _training_on(
        self, network: Network | None, loss: Loss | None, data: DataSpec, optimizer: Optimizer | None
    ) -> Training:
        statement = self.one(ast.Train)
        training = self._training(optimizer)
        training = check_against(statement, training, optimizer, data, self.definitions, self.report)
        augmented = check_augment(self.one(ast.Augment), network, loss, training, self.report)
        training = replace(training, augment=augmented)
        if network and statement:
            samples = self.facts.samples if self.facts else None
            check_statistics(network, training, samples, statement, self.report)
        return training

    def _monitor(
        self,
        network: Network | None,
        objective: Objective | None,
        optimizer: Optimizer | None,
        training: Training,
        data: DataSpec,
    ) -> Monitor:
        statement = self.one(ast.Monitor)
        size = network.parameters if network else len(objective.variables) if objective else 0
        variables = objective.variables if objective else ()
        layers = network.layer_names if network else ()
        monitor = check_monitor(
            statement,
            optimizer,
            variables,
            size,
            self.losses,
            layers,
            self._scheduled(),
            self.definitions,
            self.report,
        )
        check_attacked(statement, training, data, self.definitions, self.report)
        if optimizer and (network or (objective and not self.given)):
            check_masks(optimizer, monitor.watched, network.layers if network else (), self.report)
        return monitor

    # -- parts -------------------------------------------------------------------------------------

    def _problem(self) -> tuple[Network | None, Objective | None, Loss | None, DataSpec]:
        stated, objective = self.one(ast.Network), self.one(ast.Objective)
        if objective is not None:
            for other in (stated, *self.all(ast.Loss), *self.all(ast.Data)):
                if other is not None:
                    self.report.error(
                        "E0513",
                        head(other),
                        "an objective stands for itself: it has no network, loss or data",
                        related=((head(objective), "the objective"),),
                        hints=("remove one of the two",),
                    )
            return None, check_objective(objective, self.definitions, self.report), None, NO_DATA
        # Half of the compiler, which a rule by itself has no use for.
        from netc.compiler.check.loss import check_loss, check_pair
        from netc.compiler.check.network import check_fit, check_network

        losses = self.all(ast.Loss)
        statement = self.one(ast.Data)
        weights = (
            next((s.value.span for s in statement.settings if s.name == "weights"), None)
            if statement
            else None
        )
        loss = check_loss(losses, self.definitions, self.report, weights) if losses else None
        if stated is None:
            self._missing("network", "'network [13(tanh)15(lin)1]', or 'objective R(x, y) = ...'")
        elif not losses:
            self._missing("loss", "'loss half_mse' or 'loss cross_entropy'")
        network = (
            check_network(stated, self.definitions, self._scheduled(), self.report)
            if stated and self.sound
            else None
        )
        data = check_data(statement, self.folder, self.report) if statement else DataSpec("arrays")
        if network and stated and self.facts:
            where = data.span if statement else head(stated)
            check_fit(stated, network, loss, self.facts, where, data.classes, self.report)
        if network and loss and self.sound:
            check_pair(network, loss, self.definitions, self.report)
            check_units(loss, data, self.report)
        return network, None, loss, data

    def _missing(self, keyword: str, example: str) -> None:
        self.report.error("E0504", self._end(), f"the file has no '{keyword}'", hints=(f"add {example}",))

    def _end(self) -> Span:
        """Where a missing statement is reported: at the first one."""
        return head(self.program.statements[0]) if self.program.statements else self.program.span

    def _optimizer(self) -> Optimizer | None:
        statements = self.all(ast.Optimizer)
        if not statements:
            self._missing("optimizer", "'optimizer gd(eta = 0.1)'")
            return None
        varying = self._scheduled() - set(self.overrides) | set(self.varying)
        reading = [*self.all(ast.Monitor), *self.all(ast.Expect)]
        names = {n.id for statement in reading for n in walk(statement) if isinstance(n, ast.Name)}
        watched = frozenset(names | ({INSIDE} if "m" in names else set()))
        given = self.losses, self.definitions, self.report, self.overrides
        return check_optimizer(statements, *given, varying, watched, self._scheduled())

    def _scheduled(self) -> frozenset[str]:
        return frozenset(s.name for s in self.all(ast.Schedule) if not s.defines)

    def _read(self, network: Network | None, hypers: list[str]) -> frozenset[str]:
        """Names of schedules that the network reads; of one that is wrong nobody knows."""
        unknown = network is None and bool(self.all(ast.Network))
        return self._scheduled() - set(hypers) if unknown else schedules_read(network)

    def _training(self, optimizer: Optimizer | None) -> Training:
        statement = self.one(ast.Train)
        if statement is None:
            self._missing("train", "'train epochs = 200, batch = full, seed = 1'")
        samples = self.facts.samples if self.facts else None
        hypers = {name: SCALAR for name, _ in optimizer.arguments} if optimizer else {}
        training = check_train(statement, samples, hypers, self.losses, self.definitions, self.report)
        if statement and self.all(ast.Objective) and not self.given:
            check_whole(statement, training, self.report)
        if optimizer and statement:
            check_batches(optimizer, training, samples, statement, self.report)
        return training

    def _init(self, size: int, network: Network | None) -> Init:
        statements = self.all(ast.Init)
        objective = bool(self.all(ast.Objective))
        if all(s.name is not None for s in statements):
            unknown = network is None and bool(self.all(ast.Network))  # told already
            if not unknown and (network is None or any(x.open for x in network.layers)):
                self._no_start(objective, network)
            return NO_INIT
        layers = network.layers if network else ()
        return check_init(statements, size, not objective, layers, self.folder, self.definitions, self.report)

    def _no_start(self, objective: bool, network: Network | None) -> None:
        message = "the file does not say where training starts: it has no 'init'"
        hint = "add 'init glorot_uniform', 'init he_normal', 'init torch_default', ...: libraries differ"
        if objective:
            hint = "add 'init theta = (...)' or 'init theta ~ uniform(-3, 3)'"
        layers = network.layers if network else ()
        without = [f"{x.name} ({x.operation})" for x in layers if x.open]
        notes = (
            (f"no start of their own have {', '.join(without)}",) if any(x.started for x in layers) else ()
        )
        self.report.error("E0507", self._end(), message, notes=notes, hints=(hint,))
