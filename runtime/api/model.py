"""`netc.compile`, `netc.load` and `Model`: training from Python. What a trained model says is in `fitted.py`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from numpy.typing import ArrayLike, NDArray

from netc.beginning import Beginning
from netc.fitted import Fitted
from netc.given_arrays import require_pair
from netc.judge import digest_of, require_same_data
from netc.keywords import require_plain
from netc.reports import Calls, Report
from netc.result import Result, read_back, with_model
from netc.runtime import opening, program_file, saved
from netc.runtime.data.borrowed import one_call
from netc.runtime.data.dataset import Dataset
from netc.runtime.finder import FinderResult
from netc.runtime.program_file import File
from netc.runtime.results.result import Result as Trained
from netc.runtime.results.sweep_result import SweepResult
from netc.runtime.session import Session
from netc.sessions import Sessions

Reals = NDArray[Any]


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


class Model(Fitted):
    """A checked `.net` file, ready to train. Made by `netc.compile`.

    P is the number of parameters. Arrays given to its methods are raw, as in the data: scaling is done here.
    """

    def __init__(self, file: File, overrides: Mapping[str, str | float]) -> None:
        self._whole, self._given_overrides = file, dict(overrides)
        """With its sweep, where there is one."""
        self._overrides: dict[str, Any] = dict(overrides)
        self._session = opening.open_session(file, self._overrides)
        self._sessions = Sessions(file)
        self._last = self._overrides
        """Those of the last training."""

    @classmethod
    def _of(cls, found: saved.Saved, path: Path, number: int) -> Model:
        """A model that was read back."""
        model = cls.__new__(cls)
        model._whole, model._given_overrides, model._overrides, model._last = found.session.file, {}, {}, {}
        model._session, model._sessions = found.session, Sessions(found.session.file)
        model._theta, model._states = found.theta[number], found.states[number]
        model._digest = digest_of(path) if path.is_dir() else ""
        model._result = (lambda: read_back(model._snapshot(), found, path)) if path.is_dir() else None
        return model

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

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and copy: kernels are not in it, they are loaded again; nor is the result."""
        here = vars(self) | {"_session": replace(self._session), "_sessions": Sessions(self._sessions.file)}
        return {name: value for name, value in here.items() if name not in ("_result", "_folds")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    @one_call()
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
        states: Mapping[str, Any] | None = None,
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

        `states`, the `result.rule_states` of a training or some of them, are those with which the rule begins, in the place
        of its first values: its own by name, (P,) or (runs, P) where they are as theta, numbers or (runs,) where they are
        numbers, (m, ...) where they have one for each of m batches; those of layers by name (running statistics);
        `theta`; and `n`, the iterations done, 0 where it is left out, which bias corrections, schedules and what is drawn
        read. The training does its `epochs` or `steps` from there on, on any data: on the same data without shuffled
        batches, or where n is whole epochs and the seed is the same, as if there had been no end. Without `n` the moments
        of Adam go on, and their bias corrections begin anew.

        >>> on = model.train(X, y, states=half.rule_states, epochs=25)
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
        begin = Beginning.of(theta, states, resume, self._session.program.problem)
        require_pair(validation_data)
        known = self._session.known if keep_scaling else None
        if resume is not None and X is None:
            require_same_data(self)
        session = self._sessions.after(
            self._session, X, y, begin.runs | merged, validation_data, sample_weight
        )
        session = session.scaled_as(known) if known else session
        trained = begin.train(
            session, Calls(callback, session.metric.kind if session.metric else "", session.parts)
        )
        self._last = merged
        return self._is_now(session, trained)

    def _is_now(self, session: Session, trained: Trained) -> Result:
        """The model is that of the first run; the result judged, and with this model."""
        self._session, self._theta = session, trained.theta[0]
        self._states, self._folds = trained.states[0], None
        trained = replace(trained, file=self._sessions.file.source.name, expect=session.verdicts(trained))
        result = with_model(trained, self._snapshot())
        self._result = lambda: result
        return result

    @one_call()
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
            file, self._overrides = sweep.at(session, best.values, self._given_overrides)
            self._sessions, self._last = Sessions(file), self._overrides
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

    def _snapshot(self) -> Model:
        """The model as it is now, for a result."""
        other = Model.__new__(Model)
        vars(other).update(vars(self) | {"_sessions": Sessions(self._sessions.file), "_result": None})
        return other
