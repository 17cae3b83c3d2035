"""`netc.compile`, `netc.load` and `Model`: train, predict, loss and gradient from Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netc.beginning import Beginning
from netc.dsl.parser import parse_expression
from netc.given_arrays import require_pair, samples_of, scaled_inputs, scaled_samples
from netc.judge import digest_of, judge, require_same_data
from netc.keywords import require_plain
from netc.reports import Calls, Report
from netc.result import Result, read_back, with_model
from netc.runtime import opening, program_file, saved
from netc.runtime.data.dataset import Dataset, facts
from netc.runtime.data.given import Given
from netc.runtime.finder import FinderResult
from netc.runtime.parameters import flatten, states_of_rows, unflatten
from netc.runtime.program_file import File
from netc.runtime.results.judgement import Judgement
from netc.runtime.results.sweep_result import SweepResult
from netc.runtime.session import Session

if TYPE_CHECKING:
    from netc.runtime.fold_ensemble import Folds

Reals = NDArray[Any]
NO_WEIGHTS = (
    "sample_weight comes beside X and y, to a file that says 'data given, weights = given', and by what weighted losses are"
    " divided: loss ..., divide = weights (as PyTorch) or divide = samples (as Keras)"
)
KNOWN = 8
"""Of different settings that a model remembers what follows from them."""


def compile(path_or_text: str | os.PathLike[str], **overrides: str | float) -> Model:
    """The model of a `.net` file, given by its path or as the text itself.

    `overrides` replace hyper-parameters of the optimizer and settings of `train`, as `--set` does:
    `netc.compile("boston.net", eta=0.05, epochs=20)`.

    A string is a path if it is one line that ends in `.net`. Paths inside the file begin at its folder, those
    inside a text at the working directory.

    Raises SpecError with all that is wrong in the file or its data, FileNotFoundError where there is no file.

    >>> bowl = "objective R(x) = x^2\\ninit theta = 1\\noptimizer gd(eta = 0.1)\\ntrain steps = 3"
    >>> netc.compile(bowl, eta=0.25).train().theta
    array([[0.125]])
    """
    require_plain("compile", overrides)
    text = os.fspath(path_or_text)
    is_path = not isinstance(path_or_text, str) or ("\n" not in text and text.strip().endswith(".net"))
    file = (
        program_file.read_file(Path(text)) if is_path else program_file.read_text(text, "<text>", Path.cwd())
    )
    return Model(file, overrides)


def load(path: str | os.PathLike[str], number: int = 0, *, ensemble: bool = False) -> Model:
    """The model of a run's folder, or of a file that `Model.save` has written: with its parameters, scaling, classes and
    columns, ready to predict; its data need not be there.

    Of a folder `model.result` has the figures, the history and the verdicts. Of several runs the model has the parameters
    of that `number`, counted from 0; `model.result.theta` has those of all. With `ensemble` the folder may be that of a
    sweep whose file says `ensemble folds`: `predict(X, ensemble=True)` answers with all folds of its best point, and the
    model is otherwise that of the first fold.

    Raises FileNotFoundError, and ValueError where it is no model, a damaged one, or one of a newer netc.

    >>> model.save("line.safetensors")
    >>> bool((netc.load("line.safetensors").predict(X) == model.predict(X)).all())
    True
    """
    if ensemble and (Path(path) / "points").is_dir():
        from netc.runtime import saved_folds

        first, folds = saved_folds.read(Path(path), number)
        model = Model._of(first, Path(path), number)
        model._folds, model._result = folds, None
        return model
    found = saved.read(Path(path))
    if not 0 <= number < len(found.theta):
        raise ValueError(f"there is no run {number}: '{path}' has {len(found.theta)}, counted from 0")
    return Model._of(found, Path(path), number)


class Model:
    """A checked `.net` file, ready to train. Made by `netc.compile`.

    P is the number of parameters. Arrays given to its methods are raw, as in the data: scaling is done here.
    """

    _folds: Folds | None = None
    """That answer together, of the last sweep."""

    def __init__(self, file: File, overrides: Mapping[str, str | float]) -> None:
        self._whole, self._given_overrides = file, dict(overrides)
        """With its sweep, where there is one."""
        self._file: File = file
        self._overrides: dict[str, Any] = dict(overrides)
        self._session: Session = opening.open_session(file, self._overrides)
        self._theta: Reals | None = None
        self._states: Reals | None = None
        """Of layers; both of the last training's first run."""
        self._known: dict[Any, Session] = {}
        self._given: Given | None = None
        self._last = self._overrides
        """Those of the last training."""
        self._result: Callable[[], Result] | None = None
        self._digest = ""
        """Of the data of a run that was read back."""

    @classmethod
    def _of(cls, found: saved.Saved, path: Path, number: int) -> Model:
        """A model that was read back."""
        model = cls.__new__(cls)
        model._file, model._overrides, model._session = found.session.file, {}, found.session
        model._whole, model._given_overrides = model._file, {}
        model._theta, model._known, model._given, model._last = found.theta[number], {}, None, {}
        model._states = found.states[number]
        model._digest = digest_of(path) if path.is_dir() else ""
        model._result = (lambda: read_back(model._snapshot(), found, path)) if path.is_dir() else None
        return model

    @property
    def result(self) -> Result | None:
        """Of the last training, or of the run that was loaded; None where nothing was trained, of a model from a file
        and of a pickled one. Raises ValueError where the folder's tables are missing or damaged."""
        if self._result is None:
            return None
        result = self._result()
        self._result = lambda: result
        return result

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the model to a file that ends in `.safetensors`: the parameters of the last training's first run, scaling,
        classes, columns and what the file says; `netc.load` reads it.

        The file is whole or not there. Raises ValueError where nothing was trained, OSError where it cannot be written.

        >>> model.save("line.safetensors")
        >>> netc.load("line.safetensors").parameters
        10
        """
        file = Path(path)
        if file.suffix != saved.SUFFIX:
            raise ValueError(
                f"a model is saved as NAME.safetensors, not as '{file.name}'; `netc export` writes others"
            )
        saved.write(file, self._session, self.theta, self._states)

    def __repr__(self) -> str:
        from netc.notebook import model_line

        return f"<netc model {model_line(self)}>"

    def _repr_html_(self) -> str:
        from netc.notebook import model_html

        return model_html(self)

    def _repr_latex_(self) -> str:
        from netc.notebook import model_latex

        return f"$$\n{model_latex(self)}\n$$"

    @property
    def classes(self) -> tuple[str, ...] | tuple[int, ...]:
        """The labels of the target, in the order of the network's outputs (of one output: what 0 and 1, or -1 and 1,
        stand for); none where the target is a number, or no data were seen yet."""
        known = self._session.known
        return known.targets.classes if known else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the inputs, in order; none where no data were seen yet."""
        known = self._session.known
        return known.columns if known else ()

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The names of the targets, likewise."""
        known = self._session.known
        return known.target_columns if known else ()

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and copy: kernels are not in it, they are loaded again; nor is the result."""
        names = ("_whole", "_given_overrides", "_file", "_overrides", "_theta", "_states", "_last", "_digest")
        return {name: vars(self)[name] for name in names} | {"_session": replace(self._session)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._known, self._given, self._result = {}, None, None

    @property
    def theta(self) -> Reals:
        """(P,) the parameters of the last training's first run. Raises ValueError where nothing was trained."""
        if self._theta is None:
            raise ValueError("nothing was trained yet: give theta")
        return self._theta

    @property
    def parameters(self) -> int:
        """P."""
        return self._session.program.problem.parameters

    def train(
        self,
        X: Any = None,
        y: Any = None,
        *,
        validation_data: tuple[Any, Any] | None = None,
        sample_weight: Any = None,
        seed: int | None = None,
        runs: int | None = None,
        threads: int | None = None,
        epochs: int | None = None,
        steps: int | None = None,
        target: Literal["cpu", "cuda"] | None = None,
        precision: Literal["f32", "f64"] | None = None,
        theta: ArrayLike | Mapping[str, ArrayLike] | None = None,
        resume: Mapping[str, Reals] | None = None,
        callback: Callable[[Report], object] | None = None,
        keep_scaling: bool = False,
        **overrides: str | float,
    ) -> Result:
        """Trains as the file says, on the file's data or on X (N, inputs) and y (N,) or (N, columns).

        X and y may be arrays, lists or pandas frames; y may be None where the file's `target` names a column
        of the frame X. The settings of the `data` statement (`scale`, `split`, ...) hold for them too;
        `validation_data=(X, y)` are samples of a validation part, in the place of the one that the file speaks of.
        `sample_weight` (N,) are the weights of the samples, for a file that says `data given, weights = given`, and in
        `loss ..., divide = weights` (as PyTorch) or `samples` (as Keras) what the weighted sum is divided by. The other
        arguments replace what the file says, for this training only.

        Every run has its own start. `theta` is one in the place of the file's `init`: (P,), or (runs, P), or the
        tensors by name as `unflatten` gives them. `resume`, the `result.checkpoint` of a training of the same rule on
        the same data, is where that one ended: it goes on to the `epochs` or `steps` of this call, which count from the
        first start; the same bits as if there had been no end.

        With `keep_scaling` X and y are scaled as in the last training, not anew: what a training that goes on from its
        theta with other samples needs.

        >>> half = model.train(X, y, epochs=25)
        >>> on = model.train(X, y, resume=half.checkpoint)  # to the file's epoch 50
        >>> bool((on.theta == result.theta).all())
        True

        `callback(report)` is called at every report (`monitor every = ...`) with a `Report`; what it returns, if it is
        true, ends the training: `result.stopped` is then `callback`.

        Ctrl-C ends the training with what there is: `result.interrupted`. `expect` statements are judged:
        `result.expect`. Raises SpecError; ValueError where arrays do not fit; TypeError of an unknown keyword whose
        value is neither number nor text.
        """
        require_plain("train", overrides)
        options = {
            "seed": seed, "runs": runs, "threads": threads, "epochs": epochs, "steps": steps,
            "target": target, "precision": precision,
        }  # fmt: skip
        given = {name: value for name, value in options.items() if value is not None}
        merged = {**self._overrides, **given, **overrides}
        begin = Beginning.of(theta, resume, self._session.program.problem)
        require_pair(validation_data)
        known = self._session.known if keep_scaling else None
        if resume is not None and X is None:
            require_same_data(self)
        session = self._with_data(X, y, begin.runs | merged, validation_data, sample_weight)
        session = session.scaled_as(known) if known else session
        trained = begin.train(
            session, Calls(callback, session.metric.kind if session.metric else "", session.parts)
        )
        self._session, self._theta, self._last = session, trained.theta[0], merged
        self._states, self._folds = trained.states[0], None
        trained = replace(trained, file=self._file.source.name, expect=session.verdicts(trained))
        result = with_model(trained, self._snapshot())
        self._result = lambda: result
        return result

    def sweep(
        self, X: Any = None, y: Any = None, *, validation_data: tuple[Any, Any] | None = None
    ) -> SweepResult:
        """Trains every point of the file's `sweep`, on the file's data or on arrays, as `train` does. Ctrl-C ends it with
        the points that are done.

        `result.table` has a row for each point, the best first, `result.best` the values of the best one,
        `result.results` the `Result` of every point in the order of the grid. The model is then that of the best point:
        `predict` uses its first run, `train` trains it. ValueError where the file has no sweep.

        >>> bowl = "objective R(x) = x^2\\ninit theta = 1\\noptimizer gd(eta = 0.1)\\ntrain steps = 9\\n"
        >>> netc.compile(bowl + "sweep eta in {0.1, 0.4}\\n").sweep().best
        {'eta': 0.4}
        """
        from netc.runtime import sweep
        from netc.runtime.fold_ensemble import best_folds

        def read(file: File) -> Dataset:
            return program_file.from_arrays(file, X, y, validation_data)

        require_pair(validation_data)
        given = read if X is not None else None
        data = given(self._whole) if given else None
        session = opening.open_session(self._whole, self._given_overrides, data)
        if session.spec.sweep is None:
            raise ValueError("the file has no sweep: model.train() trains it")
        if session.data is None and session.spec.objective is None:
            raise ValueError("the file has no data: give the arrays, sweep(X, y)")
        found = sweep.run(session, self._given_overrides, given)
        if found.points:
            best = found.rows[0].points[0]
            assert best.result is not None
            self._file, self._overrides = sweep.at(session, best.values, self._given_overrides)
            self._last, self._known = self._overrides, {}
            self._session = sweep.session_at(session, best.values, self._given_overrides, given)
            self._theta, self._states = best.result.theta[0], best.result.states[0]
            self._result = None
            self._folds = best_folds(
                session, found, lambda p: sweep.session_at(session, p.values, self._given_overrides, given)
            )
        return found

    def finder(self) -> FinderResult:
        """Runs the file's `finder`: `result.suggestion` (runs,) is the rate at which the smoothed loss falls most steeply,
        `result.rates`, `result.losses` and `result.smoothed` are what was seen. ValueError where the file has none,
        SpecError where the loss is lost at once."""
        from netc.runtime import finder

        if self._session.spec.finder is None:
            raise ValueError("the file has no finder: finder eta from 1e-6 to 10 in 200 steps")
        return finder.run(self._session)

    def predict(
        self,
        X: Any,
        theta: ArrayLike | None = None,
        *,
        labels: bool = False,
        states: ArrayLike | None = None,
        ensemble: bool = False,
    ) -> Reals:
        """The network's outputs for X (N, inputs): (N, outputs), numbers in the units of the data's target, in the
        order of `classes` where the target is one; with `labels` the likeliest of these, (N,).

        `theta` (P,) is by default that of the last training's first run, and so are `states` (S,), those of layers
        (`result.states`); here and below layers are in test mode. Raises ValueError where shapes or columns
        do not fit, there are no classes to name, or the file is an objective, which has no outputs.

        With `ensemble` the members of the file's `ensemble` answer together, those of the last training (of the ends of
        phases those of its first run; of folds those of the best point of the last sweep): the mean of their outputs, or the
        shares of their votes.

        >>> model.predict(X).shape
        (20, 1)
        """
        session = self._session
        if ensemble and self._folds:
            return self._folds.predict(lambda fold: scaled_inputs(fold, X), labels)
        if ensemble:
            return self._of_ensemble(session, scaled_inputs(session, X), labels)
        row = self._row(session, self.theta if theta is None else theta, states)
        x = scaled_inputs(session, X)
        y = np.zeros((len(x), session.spec.targets))
        samples = session.lay_out(x, y)
        _, outputs = session.evaluator.predict(row, samples)
        found = outputs.T.astype(np.float64)
        return session.targets.labels_of(found) if labels else session.targets.scaler.invert(found)

    def _of_ensemble(self, session: Session, x: Reals, labels: bool) -> Reals:
        from netc.runtime.ensemble import groups_of, outputs_of, together

        spec, result = session.spec.ensemble, self.result
        if spec is None or result is None:
            raise ValueError("the file has no 'ensemble'" if spec is None else "nothing was trained yet")
        members, metric = next(groups_of(spec, result)), session.targets.metric()
        samples = session.lay_out(x, np.zeros((len(x), session.program.problem.outputs)))
        found = together(spec, outputs_of(session, members, samples), metric.threshold).T
        return session.targets.labels_of(found) if labels else session.targets.scaler.invert(found)

    def judge(self, X: Any = None, y: Any = None, *, part: str | None = None) -> Judgement:
        """What the model says of samples whose truth is known: those of a `part` of the data (`train`, `validation`,
        `test`; by default the last of these that there is), or X (N, inputs) and y (N,) or (N, outputs).

        The answer has `figures` (accuracy and calibration errors, or rmse, mae, bias, r2), `confusion`, `residuals`,
        `ece`, `smooth_ece`, and `worst()`, `best()`, `uncertain()`, the places of samples. Raises ValueError where
        nothing was trained, the data are not at hand or others than the model was trained on, or shapes do not fit.

        >>> judged = model.judge(X, y)
        >>> bool(judged.figures["rmse"] == np.sqrt(np.mean(judged.residuals**2)))
        True
        """
        return judge(self, X, y, part)

    def attack(self, attack: str, X: Any, y: Any, *, theta: ArrayLike | None = None) -> Reals:
        """(N, inputs): X attacked, in its own units, at theta (P,), by default that of the last training's first run.

        `attack` is one of the library or of the file, as in `expect accuracy(test, fgsm(0.1)) < 20%`; its numbers are in
        the units of scaled inputs, so the file's data say `scale = ...`. Raises SpecError where there is none such,
        ValueError where arrays do not fit.
        """
        from netc.runtime.attacks import attack_of, attacker

        session = self._session
        found = attacker(session, attack_of(session, parse_expression(attack, "<attack>")))
        row = self._row(session, self.theta if theta is None else theta, None)
        return session.inputs.invert(found.of(row, *scaled_samples(session, X, y)))

    def loss(
        self, theta: ArrayLike, X: Any = None, y: Any = None, *, states: ArrayLike | None = None
    ) -> float:
        """The loss at theta (P,) on X (N, inputs) and y, or on the training part of the file's data.

        It is the loss that training minimises, that of the scaled problem, as in `result.loss_train`. A file without
        data and without scaling takes X and y as they are; y (N,) are then the codes 0, 1, ... of classes where the
        network has several outputs.

        >>> bool(abs(model.loss(result.theta[0], X, y) - result.loss_train[0]) < 1e-15)
        True
        """
        session = self._session
        return session.evaluator.loss(self._row(session, theta, states), samples_of(session, X, y))

    def gradient(
        self,
        theta: ArrayLike,
        X: Any = None,
        y: Any = None,
        *,
        wrt: Literal["theta", "x"] = "theta",
        states: ArrayLike | None = None,
    ) -> Reals:
        """The gradient of `loss`: (P,) in theta, or, `wrt = "x"`, (N, inputs) in the samples' inputs, in the units of X.

        >>> gradient = model.gradient(result.theta[0], X, y)
        >>> bool(abs(np.linalg.norm(gradient) - result.gradient_norm[0]) < 1e-12)
        True
        >>> model.gradient(result.theta[0], X, y, wrt="x").shape
        (20, 1)
        """
        session = self._session
        row = self._row(session, theta, states)
        if wrt == "theta":
            return session.evaluator.gradient(row, samples_of(session, X, y)).copy()
        if wrt != "x":
            raise ValueError(f"wrt is 'theta' or 'x', not {wrt!r}")
        if session.spec.network is None:
            raise ValueError("the file is an objective: it has no inputs")
        own = X is None and y is None and session.data is not None
        x, targets = session.scaled_training if own else scaled_samples(session, X, y)
        return session.slopes.of(row, x, targets) / session.inputs.divisor

    def hessian(
        self,
        theta: ArrayLike,
        X: Any = None,
        y: Any = None,
        *,
        along: ArrayLike | None = None,
        states: ArrayLike | None = None,
    ) -> Reals:
        """The second derivatives (P, P) of `loss` in theta, exact, in float64.

        With `along` (P,) or (k, P) only their products with these vectors, of the same shape: what to use when P is
        large.

        >>> model.hessian(result.theta[0], X, y).shape
        (10, 10)
        """
        session = self._session
        row = np.asarray(self._row(session, theta, states), np.float64)
        point = row[: self.parameters]
        bare = session.data is None and session.spec.objective is None
        given = scaled_samples(session, X, y) if X is not None or y is not None or bare else None
        curvature = session.curvature(given).with_states(states_of_rows(session.program.problem, row))
        if along is None:
            return curvature.hessian(point)
        vectors = np.asarray(along, np.float64)
        if vectors.shape[-1:] != (self.parameters,):
            raise ValueError(f"along has shape {vectors.shape}; there are {self.parameters} parameters")
        return curvature.hessian(point, np.atleast_2d(vectors)).reshape(vectors.shape)

    def unflatten(self, theta: ArrayLike) -> dict[str, Reals]:
        """theta (P,) or (runs, P) by name: `layer1.weight` (out, in), `layer1.bias` (out,), ... as PyTorch
        has them; for an objective its variables. Several runs stay in front: (runs, out, in).

        >>> {name: array.shape for name, array in model.unflatten(result.theta[0]).items()}
        {'layer1.weight': (3, 1), 'layer1.bias': (3,), 'layer2.weight': (1, 3), 'layer2.bias': (1,)}
        """
        array = np.asarray(theta)
        if array.shape[-1:] != (self.parameters,):
            raise ValueError(f"theta has shape {array.shape}; there are {self.parameters} parameters")
        return unflatten(self._session.program.problem, array)

    def flatten(self, named: Mapping[str, ArrayLike]) -> Reals:
        """The inverse of `unflatten`. Raises ValueError with what is missing, unknown or of a wrong shape.

        >>> bool((model.flatten(model.unflatten(result.theta[0])) == result.theta[0]).all())
        True
        """
        arrays = {name: np.asarray(value) for name, value in named.items()}
        return flatten(self._session.program.problem, arrays)

    def _snapshot(self) -> Model:
        """The model as it is now, for a result."""
        other = Model.__new__(Model)
        vars(other).update(vars(self) | {"_known": {}, "_given": None, "_result": None})
        return other

    # -- inside ------------------------------------------------------------------------------------

    def _with_data(
        self,
        X: Any,
        y: Any,
        overrides: Mapping[str, str | float],
        validation: tuple[Any, Any] | None = None,
        sample_weight: Any = None,
    ) -> Session:
        if self._session.spec.objective is not None and (X is not None or y is not None):
            raise ValueError("the file is an objective: it has no data to train on")
        if X is None and y is not None:
            raise ValueError("y is given without X")
        if X is None and validation is not None:
            raise ValueError(
                "validation_data is given without X: the file's data have their own part, validation = 20%"
            )
        loss = self._session.spec.loss
        if sample_weight is not None and (X is None or loss is None or not loss.by_sample):
            raise ValueError(NO_WEIGHTS)
        data = self._own_data() if X is None else self._dataset(X, y, validation, sample_weight)
        session = self._opened(data, overrides)
        if session.data is None and session.spec.objective is None:
            raise ValueError("the file has no data: give the arrays, train(X, y)")
        return session

    def _own_data(self) -> Dataset | None:
        """Those of the last training, or of the file; a model that was loaded has not seen these yet."""
        session = self._session
        return (
            program_file.read_data(self._file) if session.learned and session.data is None else session.data
        )

    def _dataset(
        self, X: Any, y: Any, validation: tuple[Any, Any] | None = None, sample_weight: Any = None
    ) -> Dataset:
        """Of the arrays of the last call the data set of the last call, with what was made of it."""
        if validation is not None or sample_weight is not None:
            return program_file.from_arrays(self._file, X, y, validation, sample_weight)
        if self._given is not None and self._given.same(X, y):
            return self._given.data
        self._given = None  # before there is another
        data = program_file.from_arrays(self._file, X, y)
        self._given = Given.of(data, X, y)
        return data

    def _opened(self, data: Dataset | None, overrides: Mapping[str, str | float]) -> Session:
        """Checked and lowered once for all data of a shape, as in a loop over seeds or folds."""
        held = len(data.validation) if data else 0
        key = facts(data) if data else None, held > 0, tuple(sorted(overrides.items()))
        if key not in self._known:
            if len(self._known) == KNOWN:
                self._known.pop(next(iter(self._known)))
            self._known[key] = opening.open_session(self._file, overrides, data, self._session.lanes)
        session = self._known[key].with_data(data)
        if data is not None:
            session.require_fit()
        return session

    def _row(self, session: Session, theta: ArrayLike, states: ArrayLike | None) -> Reals:
        return session.padded(theta, self._states if states is None else np.asarray(states, np.float64))
