"""What a model says at a point: outputs, judgements, losses and derivatives; parameters by name. Trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netc.dsl.parser import parse_expression
from netc.given_arrays import samples_of, scaled_inputs, scaled_samples
from netc.judge import judge
from netc.runtime.parameters import flatten, states_of_rows, unflatten
from netc.runtime.results.judgement import Judgement
from netc.runtime.session import Session

if TYPE_CHECKING:
    from netc.result import Result
    from netc.runtime.fold_ensemble import Folds

Reals = NDArray[Any]


class Fitted:
    """Of a session, by default at the end of the last training's first run."""

    _session: Session
    _theta: Reals | None = None
    _states: Reals | None = None
    """Of layers."""
    _folds: Folds | None = None
    """That answer together, of the last sweep."""
    _result: Callable[[], Result] | None = None
    _digest: str = ""
    """Of the data of a run that was read back."""

    @property
    def result(self) -> Result | None:
        """Of the last training, or of the run that was loaded; None where nothing was trained, of a model from a file
        and of a pickled one. Raises ValueError where the folder's tables are missing or damaged."""
        if self._result is None:
            return None
        result = self._result()
        self._result = lambda: result
        return result

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
        found = together(spec, outputs_of(session, members, samples), metric)
        if labels:
            return session.targets.labels_of(found.decided.T)
        return session.targets.scaler.invert(found.outputs.T)

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

    def _row(self, session: Session, theta: ArrayLike, states: ArrayLike | None) -> Reals:
        return session.padded(theta, self._states if states is None else np.asarray(states, np.float64))
