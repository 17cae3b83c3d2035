"""The checked program as a whole."""

from __future__ import annotations

from math import prod

from netc.compiler.meaning.spec_data import DataSpec, Expectation, Points
from netc.compiler.meaning.spec_network import Loss, Network, Objective
from netc.compiler.meaning.spec_sweeps import Ensemble, Finder, Phase, Sweep
from netc.compiler.meaning.spec_training import Init, Monitor, Optimizer, Schedule, Training
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.record import record


@record
class Spec:
    """One of network (with loss and data) and objective is set."""

    network: Network | None
    objective: Objective | None
    loss: Loss | None
    data: DataSpec
    init: Init
    optimizer: Optimizer
    schedules: tuple[Schedule, ...]
    training: Training
    monitor: Monitor
    expectations: tuple[Expectation, ...]
    points: tuple[Points, ...]
    functions: tuple[ast.Activation, ...]
    """Activations that expressions call, directly or by way of others."""
    schedule_functions: tuple[ast.Schedule, ...]
    """Schedules in closed form that pieces call."""
    program: ast.Program
    """As written."""
    warnings: tuple[Diagnostic, ...]
    sweep: Sweep | None = None
    """Where there is one, all else is that of its first point."""
    phases: tuple[Phase, ...] = ()
    """Where there are some, all else is that of the last one, with nothing frozen."""
    ensemble: Ensemble | None = None
    layer_schedules: tuple[Schedule, ...] = ()
    """Of the numbers of layers, under the names by which the network reads them."""
    finder: Finder | None = None
    """Where there is one, the rest is that of the training that finds."""
    attacks: tuple[ast.Attack, ...] = ()
    """Of the training, and of figures that are looked at."""
    frozen: tuple[str, ...] = ()
    """Of a single phase: names of the arrays of parameters that are not trained."""

    @property
    def targets(self) -> int:
        """Numbers of a sample's target: those of the outputs, unless the loss reads some by their places."""
        if self.network is None or self.loss is None:
            return 0
        last = self.loss.places["y"] or self.network.output[-1]
        return prod(self.network.output[:-1]) * last

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Of the layers that learn."""
        return self.network.layer_names if self.network else ()

    @property
    def parameters(self) -> int:
        """The number of parameters, P."""
        return (
            self.network.parameters
            if self.network
            else len(self.objective.variables)
            if self.objective
            else 0
        )
