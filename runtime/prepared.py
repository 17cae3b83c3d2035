"""A checked file with its data: what is scaled and encoded how, laid out for the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from netc.compiler import pipeline
from netc.compiler.calculus import ir
from netc.compiler.meaning.spec import PARTS, Spec
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.runtime.aligned import zeros
from netc.runtime.data.axes import in_other_order
from netc.runtime.data.blocks import blocks
from netc.runtime.data.columns import require_scalable, require_single
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.input_scaling import fit_inputs
from netc.runtime.data.parts import Indices
from netc.runtime.data.scaling import Scaler
from netc.runtime.data.validation import require_every_class, require_every_class_in_folds
from netc.runtime.host import machine
from netc.runtime.parameters import Array, states_of_rows
from netc.runtime.program_file import File
from netc.runtime.training.learned import Learned
from netc.runtime.training.loss_targets import Targets, encoded, kind_of, targets_of, untrained
from netc.runtime.training.target_domain import out_of_reach, require_taken

if TYPE_CHECKING:
    from netc.compiler.kernels.machine import Machine
    from netc.runtime.training.metrics import Metric
    from netc.runtime.training.sample_layout import Samples


@dataclass(frozen=True)
class Prepared:
    """A checked file with its data: scaled and encoded, laid out for kernels that are made when they are first needed."""

    file: File
    spec: Spec
    data: Dataset | None
    cached: bool = True
    """Whether machine code comes from the cache and goes there."""
    lanes: int = 0
    """Of float64 in the vectors of the kernels, on which the last bits of sums depend; 0: as this processor has."""
    learned: Learned | None = None
    """Of a model that was read back, whose data are not here; or that is trained further, with the scaling that it has."""
    starts: ir.Starts | None = field(default=None, compare=False)
    """In the place of the file's."""

    @cached_property
    def program(self) -> ir.Program:
        program = pipeline.to_ir(self.spec)
        return replace(program, starts=self.starts) if self.starts else program

    @cached_property
    def kernels(self) -> ModuleType:
        from netc.compiler.kernels.cpu.target import Cpu
        from netc.runtime.devices.load import load_kernels

        target = Cpu(self.machine)
        text = pipeline.to_text(pipeline.to_loops(self.program, target, self.samples), target)
        return load_kernels(text if self.cached else text.replace("cache=True, ", ""))

    @property
    def machine(self) -> Machine:
        """That the kernels are planned for."""
        return machine(self.lanes)

    @property
    def real(self) -> type[np.floating]:
        """What vectors are made of."""
        return np.float64 if self.spec.training.precision == "f64" else np.float32

    @cached_property
    def inputs(self) -> Scaler:
        """Of the inputs; fitted on the training part. ValueError where the file scales data that are not here yet."""
        spec = self.spec.data
        if self.learned:
            return self.learned.inputs
        if self.data is None and self.spec.network:
            if spec.scale != "none":
                raise ValueError(
                    f"the file says scale = {spec.scale}, which is that of a training part: first train(X, y)"
                )
            return Scaler.fit(np.zeros((1, self.spec.network.inputs)), "none", spec.factor)
        assert self.data is not None
        return self.data.made("inputs", spec, partial(fit_inputs, self.data, spec))

    @cached_property
    def targets(self) -> Targets:
        if self.learned:
            return self.learned.targets
        if self.data is None:
            return untrained(self.spec)
        return self.data.made("targets", self._scaling, self._fit_targets)

    @property
    def _scaling(self) -> tuple[Any, ...]:
        """What the scaled samples hang on besides the data."""
        assert self.data is not None
        data = self.data
        return kind_of(self.spec, data.y.shape[1], data.labels, data.text), self.spec.data, self.learned

    def _fit_targets(self) -> Targets:
        assert self.data is not None
        targets = targets_of(self.spec, self.data)
        require_scalable(targets.scaler, self.data.target_names, self.spec.data, "scale_target")
        return targets

    @cached_property
    def metric(self) -> Metric | None:
        own = self.spec.loss is None or self.spec.loss.of_outputs
        return self.targets.metric() if self.data and own else None

    @cached_property
    def samples_by_part(self) -> tuple[Samples, Samples | None, Samples | None]:
        """Laid out for the kernels, of the training, the validation and the test part."""
        from netc.runtime.training.sample_layout import no_samples

        if self.data is None:
            return no_samples(self.kernels.BLOCK, self.real), None, None
        kernels, batches = self.kernels, self.program.training.batches
        layout = kernels.BLOCK, kernels.REAL, kernels.BY_SAMPLE, kernels.PANELS and batches
        return self.data.made("samples", (*self._scaling, *layout), self._lay_out_parts)

    def _lay_out_parts(self) -> tuple[Samples, Samples | None, Samples | None]:
        assert self.data is not None
        held, test = (
            self._lay_out_part(part) if len(part) else None for part in (self.data.validation, self.data.test)
        )
        return self._lay_out_part(self.data.train), held, test

    def _lay_out_part(self, part: Indices) -> Samples:
        from netc.runtime.training.sample_layout import lay_out_pieces, panel_of

        assert self.data is not None
        kernels, outputs = self.kernels, self._encoded(part[:1]).shape[1]
        layout = kernels.BLOCK, self.real, bool(kernels.BY_SAMPLE), self.spec.targets
        x, y = self._scaled_pieces(part), self._encoded_pieces(part, outputs)
        panel = panel_of(self.program.training.batches, kernels.BLOCK) if kernels.PANELS else 0
        return lay_out_pieces((len(part), self.data.width, outputs), x, y, *layout, panel)

    def _scaled_pieces(self, part: Indices) -> Iterator[Array]:
        """Scaled inputs of a part, some samples at a time."""
        assert self.data is not None
        x = self.data.x
        return (self.inputs.apply(x[part[at]]) for at in blocks(len(part), x.shape[1]))

    def _encoded_pieces(self, part: Indices, outputs: int) -> Iterator[Array]:
        """Its targets likewise."""
        return (self._encoded(part[at]) for at in blocks(len(part), outputs))

    def _encoded(self, rows: Indices | slice) -> Array:
        """(len(rows), outputs) of samples as the loss sees them: behind the outputs the weight, where samples have one."""
        assert self.data is not None
        weights = None if self.data.weights is None else self.data.weights[rows]
        return self.weighted(encoded(self.targets, self.data, rows), weights)

    @property
    def scaled_parts(self) -> tuple[tuple[Array, Array], ...]:
        """(N, inputs) and (N, outputs) of the training, the validation and the test part, as the loss sees them."""
        assert self.data is not None
        x, y = self.inputs.apply(self.data.x), self._encoded(slice(None))
        return tuple((x[part], y[part]) for part in (self.data.train, self.data.validation, self.data.test))

    def _require_axes(self) -> None:
        """SpecError where images come with their axes in another order than the network reads them."""
        assert self.data is not None
        for name, axes in self.data.account.axes if self.spec.network else ():
            assert self.spec.network is not None
            if wrong := in_other_order(name, axes, self.spec.network.input):
                raise SpecError([Diagnostic("E0271", wrong, self.spec.data.span)])

    def _require_images(self) -> None:
        """SpecError where images are changed, and the inputs are none."""
        from netc.runtime.data.augment import image_shape

        assert self.data is not None
        network = self.spec.network
        lost = next((a for a in self.spec.training.augment if a.of_images), None)
        if network and lost and image_shape(network.input, self.data.input_names) is None:
            message = f"'{lost.name}' is of images, and the inputs are a row of {network.inputs} numbers"
            hint = "say the shape: network [28x28x1 (flatten) ...]"
            raise SpecError([Diagnostic("E0474", message, lost.span, hints=(hint,))])

    def require_fit(self) -> tuple[Diagnostic, ...]:
        """SpecError where the loss cannot take the targets, or the data are too large for their scaling or the precision;
        warnings where the network cannot give them."""
        assert self.data is not None
        _ = self.inputs
        self._require_axes()
        self._require_images()
        if self.targets.classes and len(self.data.validation):
            parts = self.data.train, self.data.validation
            require_every_class(self.data.codes, parts, self.targets.classes, self.spec.data)
            if self.spec.sweep is not None and any(axis.name == "fold" for axis in self.spec.sweep.axes):
                require_every_class_in_folds(self.data, self.targets.classes, self.spec.data)
        y = encoded(self.targets, self.data, slice(None) if self.targets.of_numbers else slice(0, 1))
        require_taken(self.spec, self.data, self.targets, y)
        if self.spec.training.precision == "f32":
            self.data.made("single", self._scaling, self._require_single)
        return out_of_reach(self.spec, self.data, self.targets, y)

    def _require_single(self) -> None:
        assert self.data is not None
        outputs = self._encoded(slice(0, 1)).shape[1]
        for part in (self.data.train, self.data.validation, self.data.test):
            require_single(self._scaled_pieces(part), self.data.input_names, self.spec.data)
            pieces = self._encoded_pieces(part, outputs)
            require_single(pieces, self.data.target_names, self.spec.data)

    @property
    def known(self) -> Learned | None:
        """What is known of the data that trained it; None where there are none."""
        if self.data is None:
            return self.learned
        data = self.data
        names = data.input_names, data.named, data.target_names
        return Learned(len(data.train), *names, self.inputs, data.fill, self.targets)

    def scaled_as(self, learned: Learned) -> Self:
        """The same with the scaling of other data."""
        other = replace(self, learned=learned)
        vars(other).update({name: vars(self)[name] for name in ("program", "kernels") if name in vars(self)})
        return other

    def started(self, theta: Array) -> Self:
        """The same with runs that begin at the rows of theta (runs, P)."""
        other = replace(self, starts=ir.Starts((), "", tuple(map(tuple, theta.tolist()))))
        vars(other).update({"kernels": self.kernels})  # they begin where they are told
        return other

    def with_data(self, data: Dataset | None) -> Self:
        """The same with other data of the same shape; what does not depend on their numbers is kept. SpecError where
        they are too large."""
        if data is self.data:
            return self
        other = replace(self, data=data)
        vars(other).update({name: vars(self)[name] for name in ("program", "kernels") if name in vars(self)})
        if data is not None:
            other.require_fit()
        return other

    def weighted(self, y: Array, weights: Array | None = None) -> Array:
        """Targets (N, outputs) with the weights of the samples behind them, where the loss has these: 1 unless given."""
        if self.spec.loss is None or not self.spec.loss.by_sample or y.shape[1] > self.spec.targets:
            return y
        return np.column_stack([y, np.ones(len(y)) if weights is None else weights])

    def lay_out(self, x: Array, y: Array) -> Samples:
        """Of scaled samples, (N, inputs) and (N, outputs)."""
        from netc.runtime.training.sample_layout import lay_out

        kernels, goals = self.kernels, self.spec.targets
        return lay_out(x, self.weighted(y), kernels.BLOCK, self.real, bool(kernels.BY_SAMPLE), goals)

    @property
    def statements(self) -> tuple[ast.Statement, ...]:
        return self.file.program.statements

    @property
    def parts(self) -> tuple[str, ...]:
        """Of the data: `train`, and `validation` and `test` where there is one."""
        others = (self.data.validation, self.data.test) if self.data is not None else ()
        return ("train", *(name for name, part in zip(PARTS[1:], others, strict=False) if len(part)))

    @property
    def samples(self) -> int:
        """Of the training part."""
        if self.data is None:
            return self.learned.samples if self.learned else 1
        return len(self.data.train)

    @property
    def scaled_training(self) -> tuple[Array, Array]:
        """(N, inputs) and (N, outputs) of the training part."""
        return self.scaled_parts[0]

    def padded(self, theta: Any, states: Array | None = None) -> Array:
        """(P,) numbers as a row for the kernels, with states (S,) of layers, by default those before training."""
        from netc.compiler.calculus.evaluate import initial_states

        problem = self.program.problem
        count = problem.parameters
        numbers = np.asarray(theta, np.float64).reshape(-1)
        if numbers.shape != (count,):
            raise ValueError(f"theta has {numbers.size} numbers; the model has {count} parameters")
        row = zeros(self.kernels.STRIDE, self.real)
        row[:count] = numbers
        if problem.states:
            given = initial_states(problem) if states is None else np.asarray(states, np.float64)
            if given.shape != (problem.state_numbers,):
                raise ValueError(
                    f"states has shape {given.shape}; the layers have {problem.state_numbers} numbers"
                )
            states_of_rows(problem, row)[:] = given
        return row

    def scalers(self) -> dict[str, Array]:
        """What is stored with the parameters."""
        return self.known.arrays() if self.known else {}
