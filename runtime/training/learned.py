"""What a training has learned of its data besides theta: all that predictions need when the data are gone."""

from __future__ import annotations

from dataclasses import dataclass

from netc.runtime.data.gaps import Fill
from netc.runtime.data.scaling import Scaler
from netc.runtime.parameters import Array
from netc.runtime.training.loss_targets import Targets


@dataclass(frozen=True, eq=False)
class Learned:
    samples: int
    """Of the training part."""
    columns: tuple[str, ...]
    """The names of the inputs, in order."""
    named: bool
    """Whether these are names of their own, so that a table is read by them."""
    target_columns: tuple[str, ...]
    inputs: Scaler
    fill: Fill | None
    """What stands in the place of missing inputs."""
    targets: Targets

    def arrays(self) -> dict[str, Array]:
        """What is stored with the parameters."""
        scalers = self.inputs.as_arrays("scale.inputs") | self.targets.scaler.as_arrays("scale.targets")
        return scalers | ({"scale.inputs.fill": self.fill.means} if self.fill else {})
