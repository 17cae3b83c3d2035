"""From a text to something that can be trained: the compiler's stages, the data, the kernels, put together.

The face of netc (`api/`) calls this; it knows no terminal and makes no folder. What trains and judges is imported where
it is needed, so that a check waits for none of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from netc.compiler import pipeline
from netc.compiler.calculus import ir
from netc.compiler.check.sweep_point import with_folds
from netc.compiler.meaning.inside import FISHER, LAWS, NO_LAW, parts_of
from netc.compiler.meaning.resolve_tree import walk
from netc.compiler.meaning.spec import GIVEN_WEIGHTS, PARTS, DataSpec, Facts, Spec
from netc.dsl import ast, reading
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Source, Span
from netc.runtime.aligned import zeros
from netc.runtime.data import dataset as datasets
from netc.runtime.data.columns import require_scalable, require_single
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.scaling import Scaler
from netc.runtime.data.validation import require_every_class, require_judged
from netc.runtime.interrupt import Interrupt
from netc.runtime.parameters import Array, states_of_rows
from netc.runtime.training.learned import Learned
from netc.runtime.training.loss_targets import Targets, encoded, kind_of, targets_of, untrained
from netc.runtime.training.target_domain import require_taken

if TYPE_CHECKING:
    from netc.compiler.kernels.machine import Machine
    from netc.runtime.results.hessian import Hessians
    from netc.runtime.results.result import Result
    from netc.runtime.results.verdict import Verdict
    from netc.runtime.training.augmenting import Augmenter
    from netc.runtime.training.input_slopes import InputSlopes
    from netc.runtime.training.inside import Inside
    from netc.runtime.training.metrics import Metric
    from netc.runtime.training.report import Evaluator
    from netc.runtime.training.sample_layout import Samples
    from netc.runtime.training.train import Outcome, Task, Watcher
    from netc.runtime.training.varying import Varying

Overrides = Mapping[str, str | float | ast.Expr]


@dataclass(frozen=True)
class File:
    """A `.net` text, parsed, and where its paths begin."""

    source: Source
    folder: Path
    program: ast.Program


def read_file(path: Path, name: str | None = None) -> File:
    """Raises OSError or SpecError."""
    name = name or str(path)
    return read_text(reading.read_text(path, name), name, path.absolute().parent)


def read_text(text: str, name: str, folder: Path) -> File:
    source = Source(name, text)
    return File(source, folder, with_folds(pipeline.to_ast(source)))


def read_data(file: File) -> Dataset | None:
    """What the `data` statement names; None where the file has none. What is wrong with them hides nothing else that
    is wrong with the file. Raises DataError, or SpecError where there is more."""
    try:
        spec = pipeline.to_data_spec(file.program, file.folder)
        return None if spec.kind in ("none", "arrays") else datasets.load(spec, file.folder)
    except SpecError as error:
        others = [d for d in _errors_without_data(file) if d not in error.diagnostics]
        if not others:
            raise
        raise SpecError([*error.diagnostics, *others]) from None


def _errors_without_data(file: File) -> list[Diagnostic]:
    try:
        pipeline.to_spec(file.program, None, file.folder)
    except SpecError as error:
        return [d for d in error.diagnostics if d.severity == "error"]
    return []


def known_facts(file: File) -> Facts | None:
    """What is known of the file's data before they are read: the sizes of a named set."""
    return datasets.known_facts(pipeline.to_data_spec(file.program, file.folder))


def check(file: File, data: Dataset | None, overrides: Overrides) -> Spec:
    """The checked file. Raises SpecError."""
    facts = datasets.facts(data) if data else known_facts(file)
    return pipeline.to_spec(file.program, facts, file.folder, overrides)


@dataclass(frozen=True)
class Session:
    """A checked file together with its data; kernels are made when they are first needed."""

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

    @cached_property
    def slopes(self) -> InputSlopes:
        """The derivative of the loss by the inputs, by kernels of its own."""
        from netc.compiler.calculus.by_inputs import by_inputs
        from netc.compiler.kernels.cpu.target import Cpu
        from netc.runtime.devices.load import load_kernels
        from netc.runtime.training.input_slopes import InputSlopes

        target = Cpu(self.machine)
        program = replace(self.program, problem=by_inputs(self.program.problem))
        text = pipeline.to_text(pipeline.to_loops(program, target, self.samples), target)
        return InputSlopes(load_kernels(text), self.program.problem, self.real)

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
        return self.data.made("inputs", spec, self._fit_inputs)

    def _fit_inputs(self) -> Scaler:
        assert self.data is not None
        spec = self.spec.data
        scaler = Scaler.fit(
            self.data.x[self.data.train],
            spec.scale,
            spec.factor,
            self.data.rounding,
            self.data.trained_weights,
        )
        require_scalable(scaler, self.data.input_names, self.spec.data, "scale")
        return scaler

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
    def _samples(self) -> tuple[Samples, Samples | None, Samples | None]:
        """Of the training, the validation and the test part."""
        from netc.runtime.training.sample_layout import no_samples

        if self.data is None:
            return no_samples(self.kernels.BLOCK, self.real), None, None
        layout = self.kernels.BLOCK, self.kernels.REAL, self.kernels.BY_SAMPLE
        return self.data.made("samples", (*self._scaling, *layout), self._lay_out_parts)

    @property
    def samples_by_part(self) -> tuple[Samples, Samples | None, Samples | None]:
        """Laid out for the kernels, of the training, the validation and the test part."""
        return self._samples

    def _lay_out_parts(self) -> tuple[Samples, Samples | None, Samples | None]:
        train, *others = self._scaled
        held, test = (self.lay_out(*part) if len(part[0]) else None for part in others)
        return self.lay_out(*train), held, test

    @property
    def _scaled(self) -> tuple[tuple[Array, Array], ...]:
        """(N, inputs) and (N, outputs) of the training, the validation and the test part, as the loss sees them: behind
        the outputs the weight of the sample, where samples have one."""
        assert self.data is not None
        x, y = self.inputs.apply(self.data.x), encoded(self.targets, self.data)
        y = self.weighted(y, self.data.weights)
        return tuple((x[part], y[part]) for part in (self.data.train, self.data.validation, self.data.test))

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

    def require_fit(self) -> None:
        """SpecError where the loss cannot take the targets, or the data are too large for their scaling or the precision."""
        assert self.data is not None
        _ = self.inputs
        self._require_images()
        if self.targets.classes:
            parts = self.data.train, self.data.validation
            require_every_class(self.data.codes, parts, self.targets.classes, self.spec.data)
        require_taken(self.spec, self.data, self.targets, encoded(self.targets, self.data))
        if self.spec.training.precision == "f32":
            self.data.made("single", self._scaling, self._require_single)

    def _require_single(self) -> None:
        assert self.data is not None
        for x, y in self._scaled:
            require_single(x, self.data.input_names, self.spec.data)
            require_single(y, self.data.target_names, self.spec.data)

    @property
    def known(self) -> Learned | None:
        """What is known of the data that trained it; None where there are none."""
        if self.data is None:
            return self.learned
        data = self.data
        names = data.input_names, data.named, data.target_names
        return Learned(len(data.train), *names, self.inputs, data.fill, self.targets)

    def scaled_as(self, learned: Learned) -> Session:
        """The same with the scaling of other data."""
        other = replace(self, learned=learned)
        vars(other).update({name: vars(self)[name] for name in ("program", "kernels") if name in vars(self)})
        return other

    def started(self, theta: Array) -> Session:
        """The same with runs that begin at the rows of theta (runs, P)."""
        other = replace(self, starts=ir.Starts((), "", tuple(map(tuple, theta.tolist()))))
        vars(other).update({"kernels": self.kernels})  # they begin where they are told
        return other

    def with_data(self, data: Dataset | None) -> Session:
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

    def require_target(self) -> None:
        """Raises SpecError where the file's target cannot be had."""
        if self.spec.training.target == "cuda":
            from netc.runtime.devices.cuda_missing import require_gpu

            require_gpu(self.file.program)

    @cached_property
    def _training_kernels(self) -> ModuleType:
        """Those that train; the others stay the CPU's."""
        if self.spec.training.target == "cpu":
            return self.kernels
        from netc.runtime.devices.cuda_missing import span_of_target
        from netc.runtime.training.cuda_stretches import Gpu, trained_on_gpu

        self.require_target()
        train_part, _, _ = self._samples
        data = train_part.x.nbytes + train_part.y.nbytes
        return trained_on_gpu(self.kernels, Gpu(self.cuda_module(), span_of_target(self.file.program), data))

    def cuda_module(self) -> ModuleType:
        """The kernel for a GPU; numba compiles it when it is launched."""
        from netc.compiler.kernels.cuda.target import Cuda
        from netc.runtime.devices.load import load_kernels
        from netc.runtime.training.cuda_stretches import card

        target = Cuda(card())
        loops = pipeline.to_loops(self.program, target, self.samples)
        return sys.modules[load_kernels(pipeline.to_text(loops, target)).__name__]

    @cached_property
    def phases(self) -> tuple[Session, ...]:
        """Of each phase of the file. Raises SpecError where one does not fit."""
        from netc.runtime.phases import sessions_of

        return sessions_of(self)

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
    def task(self) -> Task:
        from netc.runtime.training.judge import Rules
        from netc.runtime.training.train import Task

        training = self.spec.training
        train_part, held_part, test_part = self._samples
        threads = self.spec.training.threads or available_cores()
        return Task(
            self.program,
            self._training_kernels,
            train_part,
            test_part,
            self.metric,
            self.spec.monitor.every,
            threads,
            self._history,
            self.spec.monitor.unit == "step",
            held_part,
            Rules(training.keep, training.patience) if training.keep or training.patience else None,
            self._slopes_of_training if any(s.by_inputs for s in self.spec.monitor.shown) else None,
            self.inside if any(s.inside for s in self.spec.monitor.shown) else None,
            varying=self._varying,
        )

    @property
    def _varying(self) -> Varying | None:
        """What changes the training samples, where something does."""
        from netc.runtime.attacks import attacker
        from netc.runtime.training.varying import Varying

        training = self.spec.training
        if training.against is None and not training.augment:
            return None
        attacks = attacker(self, training.against) if training.against else None
        return Varying(self.program, *self.scaled_training, attacks, self._augmenter)

    @property
    def _augmenter(self) -> Augmenter | None:
        from netc.runtime.data.augment import image_shape
        from netc.runtime.training.augmenting import Augmenter

        operations, network, data = self.spec.training.augment, self.spec.network, self.data
        if not operations or network is None or data is None:
            return None
        shape = image_shape(network.input, data.input_names)
        outside = self.inputs.apply(np.zeros((1, network.inputs)))[0]
        seed = self.program.training.seed
        return Augmenter(operations, *self.scaled_training, self.spec.targets, shape, outside, seed)

    @cached_property
    def inside(self) -> Inside:
        """Figures of the inside of the network, on the training part."""
        from netc.runtime.training.inside import Inside
        from netc.runtime.training.sample_layout import bounds
        from netc.runtime.training.start import first_theta

        problem, train = self.program.problem, self._samples[0]
        x, y = self.scaled_training if self.data is not None else (np.zeros((0, 0)), np.zeros((0, 0)))
        return Inside(
            problem,
            problem,
            x,
            y,
            bounds(self.program.training.batches, train.count),
            lambda row, first, count: self.evaluator.gradient(row, train, first, count),
            lambda run: first_theta(self.program, run, 1)[0],
        )

    def _slopes_of_training(self, row: Array) -> Array:
        """(N, inputs): of the training loss, by the scaled inputs."""
        return self.slopes.of(row, *self.scaled_training)

    @property
    def scaled_parts(self) -> tuple[tuple[Array, Array], ...]:
        """The same of the training, the validation and the test part."""
        return self._scaled

    @property
    def scaled_training(self) -> tuple[Array, Array]:
        """Its inputs and targets, (N, inputs) and (N, targets)."""
        return self._scaled[0]

    @property
    def _history(self) -> Literal["all", "summary"]:
        if self.spec.monitor.history == "auto":
            from netc.runtime.training.history import FOLLOWED

            return "all" if self.spec.training.runs <= FOLLOWED else "summary"
        return self.spec.monitor.history

    def train(
        self, watch: Watcher, resume: dict[str, Array] | None = None, rows: Path | None = None
    ) -> tuple[Outcome, Result]:
        """`rows`: a folder for the results of runs that are too many for the memory. SpecError where this machine
        has no room for them."""
        if self.spec.finder is not None:
            raise ValueError("the file has a finder: model.finder() runs it, or netc run")
        if self.spec.sweep is not None:
            raise ValueError("the file sweeps: each of its points is trained, by model.sweep() or netc run")
        from netc.runtime.ensemble import with_ensemble
        from netc.runtime.training.train import train

        self.require_room(rows)
        if self.spec.phases:
            from netc.runtime.phases import train_phases

            outcome, result = train_phases(self, watch, resume)
            return outcome, with_ensemble(self, result)
        task = self.task
        outcome = train(task, watch, resume, rows)
        with Interrupt():  # what was trained is not given up for a signal that comes late
            return outcome, with_ensemble(self, self.result_of(task, outcome))

    def result_of(self, task: Task, outcome: Outcome) -> Result:
        """Of a training of this task."""
        from netc.runtime.devices.load import seal
        from netc.runtime.results.make_result import make_result

        seal(self.kernels)
        result = make_result(task, outcome, self.spec.points, self.kinds)
        result = replace(result, fault=self._fault(result, outcome))
        if self.data is None:
            return result
        data = self.data
        return replace(
            result,
            classes=self.targets.classes,
            columns=data.input_names,
            target_columns=data.target_names,
        )

    def _fault(self, result: Result, outcome: Outcome) -> str:
        """Of the first run that was lost: what is not finite, and why."""
        from netc.runtime.training.blame import blame
        from netc.runtime.training.outcomes import first_lost

        run = first_lost(outcome.counters, outcome.final[:, 0])
        if run is None:
            return ""

        x, y = self._scaled[0] if self.data is not None else (np.zeros((1, 1)), np.zeros((1, 1)))
        real = self.real
        steps = int(outcome.counters[run, 0])
        found = blame(
            self.program,
            outcome.theta[run],
            outcome.states[run],
            steps,
            outcome.before,
            x.astype(real),
            y.astype(real),
        )
        return found if result.runs == 1 else f"in run {run}, {found}"

    def kinds(self, theta: Array, settled: Array, states: Array) -> Array:
        from netc.runtime.results.critical_points import kinds

        return kinds(self.curvature(), theta, settled, states)

    def curvature(self, samples: tuple[Array, Array] | None = None) -> Hessians:
        """Second derivatives of the loss on scaled samples, (N, inputs) and (N, outputs), or the training part."""
        from netc.runtime.results.hessian import Hessians

        problem = self.program.problem
        return Hessians(problem, *(samples or self._scaled[0])) if problem.sampled else Hessians(problem)

    def require_room(self, folder: Path | None) -> None:
        """SpecError where this machine is too small for all the runs."""
        from netc.runtime.results.capacity import too_little

        if self.spec.training.runs > 1 and (refused := too_little(self.task, folder, self._runs_span)):
            raise SpecError([refused])

    @property
    def _runs_span(self) -> Span:
        """Where the file says how many runs there are."""
        statements = self.file.program.statements
        settings = [s for t in statements if isinstance(t, ast.Train) for s in t.settings if s.name == "runs"]
        starts = [t.span for t in statements if isinstance(t, ast.Init)]
        return settings[0].span if settings else starts[0]

    @cached_property
    def evaluator(self) -> Evaluator:
        """On the training part."""
        from netc.runtime.training.report import Evaluator

        train_part, held_part, test_part = self._samples
        outputs = self.spec.network.outputs if self.spec.network else 0
        return Evaluator(self.kernels, train_part, test_part, self.metric, held_part, outputs)

    def loss(self, theta: Array) -> float:
        """The training loss at (P,) parameters."""
        return self.evaluator.loss(self.padded(theta), self.evaluator.train)

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

    def attacked(self, figure: str, part: str, attack: ast.Expr, result: Result | None) -> Array:
        """What `expect` may ask of attacked inputs."""
        from netc.runtime.attacks import figure_under

        return figure_under(self, figure, part, attack, result)

    def calibration(self, result: Result | None) -> dict[str, Callable[[], Array]]:
        """What `expect` may ask of it."""
        from netc.runtime.judging import calibration

        return calibration(self, result)

    def has_law(self) -> bool:
        """Whether the network stands for a law of its targets."""
        from netc.compiler.calculus.likelihood import law_of

        return law_of(self.program.problem) is not None

    def insides(self, result: Result | None, figures: tuple[ir.Inside, ...]) -> Array:
        """(runs, figures): what `expect` says of layers, where the parameters are that are kept."""
        if result is None:
            return np.ones((min(self.spec.training.runs, 2), len(figures)))
        rows = (self.padded(theta, states) for theta, states in zip(result.theta, result.states, strict=True))
        return np.array([self.inside.values(figures, row, run) for run, row in enumerate(rows)])

    def verdicts(self, result: Result) -> tuple[Verdict, ...]:
        """What the file expects, judged; of an interrupted training nothing is."""
        from netc.runtime.results.expect import judge
        from netc.runtime.results.expect_names import scope_of

        if result.interrupted or not self.spec.expectations:
            return ()
        return judge(self.spec.expectations, scope_of(self, result))


def open_session(file: File, overrides: Overrides, data: Dataset | None = None, lanes: int = 0) -> Session:
    """Checks everything that can be checked before training, with the file's data or the given ones."""
    data = data or read_data(file)
    session = Session(file, check(file, data, overrides), data, lanes=lanes)
    _check_weights(session)
    if any(f.figure in FISHER for shown in session.spec.monitor.shown for f in parts_of(shown.inside)):
        _require_law(session)
    if session.data is None and session.spec.objective is None:
        return session
    if session.data is not None:
        session.require_fit()
    session = _with_phases_checked(session) if session.spec.phases else _with_judges_checked(session)
    if session.spec.ensemble is not None:
        _require_voters(session)
    if session.spec.sweep is not None:
        from netc.runtime import sweep

        _, warnings = sweep.figure_of(session)
        session = replace(session, spec=replace(session.spec, warnings=(*session.spec.warnings, *warnings)))
    return _with_expectations_checked(session, overrides) if session.spec.expectations else session


def _require_voters(session: Session) -> None:
    """SpecError where members of an ensemble would vote for numbers, or folds have no common part to be judged on."""
    if session.spec.ensemble and session.spec.ensemble.folds and "test" not in session.parts:
        span = next(s.span for s in session.statements if isinstance(s, ast.Ensemble))
        message = (
            "an ensemble of folds is judged on samples that no fold has trained on, and there is no test part"
        )
        raise SpecError([Diagnostic("E0477", message, span, hints=("data ..., split = 80%, folds = 5",))])
    kind = session.metric.kind if session.metric else "accuracy"
    if session.spec.ensemble and session.spec.ensemble.by == "vote" and kind != "accuracy":
        span = next(s.span for s in session.statements if isinstance(s, ast.Ensemble))
        message = "votes are for classes, and the target is a number"
        raise SpecError([Diagnostic("E0452", message, span, hints=("by = mean",))])


def _require_law(session: Session) -> None:
    """SpecError where `monitor` asks for Fisher information that there is not."""
    if not session.has_law():
        calls = [node for s in session.statements if isinstance(s, ast.Monitor) for node in walk(s)]
        asked = next(c for c in calls if isinstance(c, ast.Call) and getattr(c.function, "id", "") in FISHER)
        raise SpecError([Diagnostic("E0466", NO_LAW, asked.span, hints=LAWS)])


def _with_phases_checked(session: Session) -> Session:
    """Each is checked with its own data; what is scaled is scaled as in the first one."""
    from netc.runtime.phases import legs_of

    first, warnings = session.phases[0], [w for s in session.phases for w in s.spec.warnings]
    spec = replace(session.spec, warnings=tuple(dict.fromkeys((*session.spec.warnings, *warnings))))
    phases, session = session.phases, replace(session, spec=spec)
    if first.data is not session.data and first.known is not None:
        session = session.scaled_as(first.known)
    vars(session)["phases"] = phases
    legs_of(session)
    return session


def _with_judges_checked(session: Session) -> Session:
    """SpecError where `keep` or `stop` judge by what is not there; with a warning where they choose by the test part."""
    kind = session.metric.kind if session.metric else ""
    warnings = require_judged(session.spec.training, session.parts, kind, session.statements)
    if not warnings:
        return session
    return replace(session, spec=replace(session.spec, warnings=(*session.spec.warnings, *warnings)))


def _with_expectations_checked(session: Session, overrides: Overrides) -> Session:
    from netc.runtime.results.expect import judge
    from netc.runtime.results.expect_names import blank_scope

    if session.spec.finder is not None:
        from netc.runtime import finder

        finder.blank(session)
        return session
    if session.spec.sweep is not None:
        from netc.runtime import sweep

        judge(session.spec.expectations, sweep.blank_scope(session))
        return session

    if "runs" in overrides:
        session = _without_figures_of_one_run(session)
    judge(session.spec.expectations, blank_scope(session))
    return session


def _without_figures_of_one_run(session: Session) -> Session:
    """A number of runs from outside the file: an `expect` about one run is set aside, with a warning."""
    from netc.runtime.results.expect import judge
    from netc.runtime.results.expect_names import blank_scope

    kept, warnings = [], list(session.spec.warnings)
    for expectation in session.spec.expectations:
        try:
            judge([expectation], blank_scope(session))
        except SpecError as error:
            if all(d.code == "E0701" for d in error.diagnostics):
                warnings += [replace(d, severity="warning") for d in error.diagnostics]
                continue
        kept.append(expectation)
    return replace(session, spec=replace(session.spec, expectations=tuple(kept), warnings=tuple(warnings)))


def _check_weights(session: Session) -> None:
    """Of `init from "weights.safetensors"`: they must be there and fit."""
    if not session.spec.init.file and not session.spec.init.files:
        return
    from netc.runtime.training.weights_file import held_in, weights_of

    problem, starts = session.program.problem, session.program.starts
    texts = [s.file for s in session.file.program.statements if isinstance(s, ast.Init) and s.file]
    for text in texts:
        path = str((session.file.folder / text.value).resolve())
        try:
            if starts.file:
                weights_of(problem, starts.file)
            for held in (h for h in starts.held if h.path == path):
                held_in(problem, held)
        except ValueError as error:
            message = f"training cannot start from '{Path(path).name}': {error}"
            raise SpecError([Diagnostic("E0690", message, text.span)]) from None


def from_arrays(
    file: File, x: Any, y: Any, validation: tuple[Any, Any] | None = None, weights: Any = None
) -> Dataset:
    """Arrays in the place of the file's data, with the settings of its `data` statement; `validation`: (X, y) of a
    validation part, instead of the one that the file speaks of; `weights` (N,) of the samples."""
    stated = pipeline.to_data_spec(file.program, file.folder)
    columns = {} if y is None else {"target": (), "inputs": (), "computed": ()}
    fields = {**vars(stated), "kind": "arrays", "origin": (), "rows": (), "noisy": None, **columns}
    if validation is not None:
        fields |= {"validation": 0.0, "validation_files": ()}
    if weights is not None:
        fields["weights"] = GIVEN_WEIGHTS
    return datasets.from_arrays(x, y, DataSpec(**fields), validation, weights)


def compiled_without_cache(session: Session) -> ModuleType:
    """Kernels that numba has compiled here and now, so that their LLVM and machine code can be looked at."""
    from netc.runtime.training.train import compile_kernels

    fresh = replace(session, cached=False)
    compile_kernels(fresh.task)
    return sys.modules[fresh.kernels.__name__]


def machine(lanes: int = 0) -> Machine:
    """This one; or one with vectors of so many lanes, whose bits every processor can give."""
    from netc.compiler.kernels.machine import Machine
    from netc.runtime.devices.simd import host_lanes

    lanes = lanes or host_lanes("f64")
    return Machine(lanes=lanes, registers=32 if lanes >= 8 else 16)


_shared = 0


def share_cores(count: int) -> None:
    """From now on this process, which is one of several on its machine, takes so many cores by itself."""
    global _shared
    _shared = count


def available_cores() -> int:
    if _shared:
        return _shared
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
