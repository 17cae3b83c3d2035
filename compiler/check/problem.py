"""What is trained: a network on data by a loss, or an objective by itself."""

from __future__ import annotations

from pathlib import Path

from netc.compiler.check.data.data import check_data
from netc.compiler.check.loss.functions import check_objective
from netc.compiler.check.loss.loss_places import check_units
from netc.compiler.check.parts.statements import Statements
from netc.compiler.meaning.resolve import Definitions, head
from netc.compiler.meaning.spec import DataSpec, Facts, Learns, Loss, Network, Objective
from netc.dsl import ast
from netc.dsl.record import record

NO_DATA = DataSpec("none")


@record
class Problem:
    """None where there is no such part, or where it is wrong."""

    network: Network | None
    objective: Objective | None
    loss: Loss | None
    data: DataSpec

    @property
    def size(self) -> int:
        """The number of parameters."""
        if self.network:
            return self.network.parameters
        return len(self.objective.variables) if self.objective else 0

    @property
    def layers(self) -> tuple[Learns, ...]:
        """Of the network, those that learn."""
        return self.network.layers if self.network else ()


def check_problem(
    here: Statements, definitions: Definitions, facts: Facts | None, folder: Path, sound: bool
) -> Problem:
    """`sound`: whether all activations that the file defines are; a network of others is not looked at."""
    objective = here.one(ast.Objective)
    if objective is not None:
        return _objective(here, objective, definitions)
    # Half of the compiler, which a rule by itself has no use for.
    from netc.compiler.check.loss.loss import check_loss, check_pair
    from netc.compiler.check.network.network import check_fit, check_network

    stated, losses, statement = here.one(ast.Network), here.all(ast.Loss), here.one(ast.Data)
    settings = statement.settings if statement else ()
    weights = next((s.value.span for s in settings if s.name == "weights"), None)
    loss = check_loss(losses, definitions, here.report, weights) if losses else None
    if stated is None:
        here.missing("network", "'network [13(tanh)15(lin)1]', or 'objective R(x, y) = ...'")
    elif not losses:
        here.missing("loss", "'loss half_mse' or 'loss cross_entropy'")
    network = None
    if stated and sound:
        network = check_network(stated, definitions, here.scheduled, here.report)
    data = check_data(statement, folder, here.report) if statement else DataSpec("arrays")
    if network and stated and facts:
        where = data.span if statement else head(stated)
        check_fit(stated, network, loss, facts, where, data.classes, here.report)
    if network and loss and sound:
        check_pair(network, loss, definitions, here.report)
        check_units(loss, data, here.report)
    return Problem(network, None, loss, data)


def _objective(here: Statements, statement: ast.Objective, definitions: Definitions) -> Problem:
    for other in (here.one(ast.Network), *here.all(ast.Loss), *here.all(ast.Data)):
        if other is not None:
            here.report.error(
                "E0513",
                head(other),
                "an objective stands for itself: it has no network, loss or data",
                related=((head(statement), "the objective"),),
                hints=("remove one of the two",),
            )
    return Problem(None, check_objective(statement, definitions, here.report), None, NO_DATA)
