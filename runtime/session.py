"""From a text to something that can be trained: the compiler's stages, the data, the kernels, put together.

The face of netc (`api/`) calls this; it knows no terminal and makes no folder. What trains and judges is imported where
it is needed, so that a check waits for none of it. The task of a training is put together in `task_of.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from netc.compiler import pipeline
from netc.compiler.calculus import ir
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.source import Span
from netc.runtime.interrupt import Interrupt
from netc.runtime.parameters import Array
from netc.runtime.prepared import Prepared

if TYPE_CHECKING:
    from netc.runtime.results.hessian import Hessians
    from netc.runtime.results.result import Result
    from netc.runtime.results.verdict import Verdict
    from netc.runtime.training.input_slopes import InputSlopes
    from netc.runtime.training.inside import Inside
    from netc.runtime.training.report import Evaluator
    from netc.runtime.training.task import Outcome, Task, Watcher


@dataclass(frozen=True)
class Session(Prepared):
    """What trains, evaluates and judges a prepared file."""

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

    def require_target(self) -> None:
        """Raises SpecError where the file's target cannot be had."""
        if self.spec.training.target == "cuda":
            from netc.runtime.devices.cuda_missing import require_gpu

            require_gpu(self.file.program)

    @cached_property
    def training_kernels(self) -> ModuleType:
        """Those that train; the others stay the CPU's."""
        if self.spec.training.target == "cpu":
            return self.kernels
        from netc.runtime.devices.cuda_missing import span_of_target
        from netc.runtime.training.cuda_stretches import Gpu, trained_on_gpu

        self.require_target()
        train_part, _, _ = self.samples_by_part
        data = train_part.x.nbytes + train_part.y.nbytes
        return trained_on_gpu(self.kernels, Gpu(self.cuda_module(), span_of_target(self.file.program), data))

    def cuda_module(self) -> ModuleType:
        """The kernel for a GPU; numba compiles it when it is launched."""
        from netc.runtime.devices.load import load_kernels

        return sys.modules[load_kernels(self.cuda_text()).__name__]

    def cuda_text(self) -> str:
        """Of that kernel; the same on every machine without a GPU."""
        from netc.compiler.kernels.cuda.target import Cuda
        from netc.runtime.training.cuda_stretches import card

        target = Cuda(card())
        return pipeline.to_text(pipeline.to_loops(self.program, target, self.samples), target)

    @cached_property
    def phases(self) -> tuple[Session, ...]:
        """Of each phase of the file. Raises SpecError where one does not fit."""
        from netc.runtime.phase_plan import sessions_of

        return sessions_of(self)

    @property
    def task(self) -> Task:
        from netc.runtime.task_of import task_of

        return task_of(self)

    @cached_property
    def inside(self) -> Inside:
        """Figures of the inside of the network, on the training part."""
        from netc.runtime.training.inside import Inside
        from netc.runtime.training.sample_layout import bounds
        from netc.runtime.training.start import first_theta

        problem, train = self.program.problem, self.samples_by_part[0]
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

    def longer(self, n: int) -> Session:
        """The same with as many iterations more."""
        from netc.runtime.phase_plan import lasting
        from netc.runtime.training.task import total_steps

        steps, per_epoch = total_steps(self.program, self.samples)
        training = lasting(self.spec.training, n + steps, per_epoch)
        return replace(self, spec=replace(self.spec, training=training))

    def train(
        self,
        watch: Watcher,
        resume: dict[str, Array] | None = None,
        rows: Path | None = None,
        states: Mapping[str, Any] | None = None,
    ) -> tuple[Outcome, Result]:
        """`rows`: a folder for the results of runs that are too many for the memory. SpecError where this machine
        has no room for them. `states`: by name, where runs begin (`named_states.py`); ValueError where they are none."""
        if self.spec.finder is not None:
            raise ValueError("the file has a finder: model.finder() runs it, or netc run")
        if self.spec.sweep is not None:
            raise ValueError("the file sweeps: each of its points is trained, by model.sweep() or netc run")
        from netc.runtime.ensemble import with_ensemble
        from netc.runtime.training.train import train

        self.require_room(rows)
        if self.spec.phases:
            if states is not None:
                raise ValueError(
                    "the file has phases, which hand on their states themselves: it begins with theta= alone"
                )
            from netc.runtime.phases import train_phases

            outcome, result = train_phases(self, watch, resume)
            return outcome, with_ensemble(self, result)
        task = self.task
        if states is not None:
            from netc.runtime.training.named_states import begun_with

            task = begun_with(task, states)
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
        """Of the first run that was lost: what is not finite, and why; if none was, of one whose schedule left its range."""
        from netc.runtime.training.blame import blame, left_range
        from netc.runtime.training.outcomes import first_lost, first_out_of_range

        run = first_lost(outcome.counters, outcome.final[:, 0])
        if run is None:
            run = first_out_of_range(outcome.counters)
            samples = len(self.data.train) if self.data is not None else 1
            return "" if run is None else left_range(self.program, int(outcome.counters[run, 0]), samples)

        x, y = self.scaled_training if self.data is not None else (np.zeros((1, 1)), np.zeros((1, 1)))
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
        return Hessians(problem, *(samples or self.scaled_training)) if problem.sampled else Hessians(problem)

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

        train_part, held_part, test_part = self.samples_by_part
        outputs = self.spec.network.outputs if self.spec.network else 0
        return Evaluator(self.kernels, train_part, test_part, self.metric, held_part, outputs)

    def loss(self, theta: Array) -> float:
        """The training loss at (P,) parameters."""
        return self.evaluator.loss(self.padded(theta), self.evaluator.train)

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


def compiled_without_cache(session: Session) -> ModuleType:
    """Kernels that numba has compiled here and now, so that their LLVM and machine code can be looked at."""
    from netc.runtime.training.train import compile_kernels

    fresh = replace(session, cached=False)
    compile_kernels(fresh.task)
    return sys.modules[fresh.kernels.__name__]
