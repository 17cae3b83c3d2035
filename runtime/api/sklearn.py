"""`netc.sklearn`: estimators of scikit-learn around `netc.compile`, an extra: `netc[sklearn]`.

A network is said by keywords, or whole as the text or the path of a `.net` file. Nothing is trained here.
"""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from netc.model import Model, compile

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import DataConversionWarning
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError:
    raise ImportError(
        'netc.sklearn needs scikit-learn 1.6 or newer: pip install "scikit-learn>=1.6"'
    ) from None

Array = NDArray[Any]


class _Netc(BaseEstimator):  # type: ignore[misc]
    """What both estimators share."""

    model_: Model
    n_iter_: int

    def __init__(
        self,
        file: str | os.PathLike[str] | None = None,
        *,
        hidden_layer_sizes: tuple[int, ...] = (16,),
        activation: str = "tanh",
        optimizer: str = "torch.Adam(lr = 0.01)",
        loss: str | None = None,
        init: str = "glorot_uniform",
        scale: Literal["zscore", "minmax", "none"] = "zscore",
        max_iter: int = 200,
        batch_size: int | Literal["full"] = 32,
        precision: Literal["f64", "f32"] = "f64",
        warm_start: bool = False,
        random_state: Any = None,
        threads: int = 1,
    ) -> None:
        self.file = file
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.loss = loss
        self.init = init
        self.scale = scale
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.precision = precision
        self.warm_start = warm_start
        self.random_state = random_state
        self.threads = threads

    # -- the text of a file ------------------------------------------------------------------------

    def _text(self, inputs: int, outputs: int, last: str, loss: str, data: str, weighted: bool) -> str:
        layers = "".join(
            f"({self.activation}){size}" for size in np.atleast_1d(self.hidden_layer_sizes).tolist()
        )
        return (
            f"data given, scale = {self.scale}, {data}{', weights = given' if weighted else ''}\n"
            f"network [{inputs}{layers}({last}){outputs}]\n"
            f"init {self.init}\n"
            f"loss {self.loss or loss}{', divide = weights' if weighted else ''}\n"
            f"optimizer {self.optimizer}\n"
            f"train epochs = {self.max_iter}, batch = {self.batch_size}, precision = {self.precision}\n"
        )

    def _begin(self, text: str) -> Model:
        return compile(text if self.file is None else self.file)

    # -- training ----------------------------------------------------------------------------------

    def _train(
        self, X: Array, y: Array, weights: Array | None, text: str, go_on: bool, **settings: Any
    ) -> None:
        """From the file's start, or from the parameters that there are, with the scaling of these."""
        more = go_on and hasattr(self, "model_")
        model = self.model_ if more else self._begin(text)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if self.file is None and self.batch_size != "full":
            settings["batch"] = min(int(self.batch_size), len(X))
        if more:
            settings |= {"theta": model.theta, "keep_scaling": True}
        result = model.train(X, y, sample_weight=weights, seed=seed, threads=self.threads, runs=1, **settings)
        assert result.model is not None
        self.model_ = result.model
        self.loss_ = float(result.loss_train[0])
        self.loss_curve_ = result.history["loss_train"]
        self.n_iter_ = int(np.ceil(result.epochs[0])) + (self.n_iter_ if more else 0)
        if not np.isfinite(self.model_.theta).all():
            raise ValueError(f"the training diverged: {result.fault or 'the loss is no longer finite'}")

    def _outputs(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        found: Array = self.model_.predict(X)
        return found


def _weights(sample_weight: Any, X: Array) -> Array | None:
    """(N,) numbers from 0 on."""
    if sample_weight is None:
        return None
    found: Array = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    return found


class NetcRegressor(RegressorMixin, _Netc):  # type: ignore[misc]
    """A network for numbers, trained as a `.net` file says.

    Parameters
    ----------
    file : text or path of a `.net` file, which says everything (network, loss, optimizer, ...); else the keywords do.
    hidden_layer_sizes, activation : the hidden layers, as in scikit-learn's MLPRegressor; any activation of netc.
    optimizer : the rule as netc writes it, `torch.Adam(lr = 0.01)`, `sklearn.AdamOptimizer(...)`; MLP's solver and
        learning_rate_init, skorch's optimizer and optimizer__lr.
    loss : `half_mse` by default; skorch's criterion.
    scale : of inputs and targets, learned from the training data: no StandardScaler is needed.
    max_iter : epochs; skorch's max_epochs. batch_size : samples of a step, or "full".
    warm_start : `fit` goes on from the parameters that there are, with their scaling.
    random_state : of start and shuffling.

    Attributes: model_ (a `netc.Model`: save, predict, unflatten), loss_, loss_curve_, n_iter_, n_features_in_.

    >>> import numpy as np
    >>> from netc.sklearn import NetcRegressor
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> fit = NetcRegressor(hidden_layer_sizes=(8,), random_state=0).fit(X, X[:, 0] ** 3)
    >>> bool(fit.score(X, X[:, 0] ** 3) > 0.9)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetcRegressor:
        """`sample_weight` (N,): losses of a batch are summed with these weights and divided by their sum."""
        return self._fit(X, y, self.warm_start, sample_weight)

    def partial_fit(self, X: Any, y: Any) -> NetcRegressor:
        """One epoch from the parameters that there are, with the scaling of the first call and the optimizer anew."""
        return self._fit(X, y, True, epochs=1)

    def _fit(self, X: Any, y: Any, go_on: bool, sample_weight: Any = None, **settings: Any) -> NetcRegressor:
        first = not (go_on and hasattr(self, "model_"))
        X, y = validate_data(self, X, y, reset=first, dtype=np.float64, multi_output=True, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            import warnings

            warnings.warn(
                "y is a column; a 1d array is expected: y.ravel()", DataConversionWarning, stacklevel=3
            )
        self._flat = y.ndim == 1 or y.shape[1] == 1
        outputs = 1 if self._flat else y.shape[1]
        weights, scale = _weights(sample_weight, X), f"scale_target = {self.scale}"
        text = self._text(X.shape[1], outputs, "lin", "half_mse", scale, weights is not None)
        self._train(X, np.asarray(y, np.float64).reshape(len(X), -1), weights, text, go_on, **settings)
        return self

    def predict(self, X: Any) -> Array:
        """(N,), or (N, outputs) of several targets."""
        found = self._outputs(X)
        return found[:, 0] if self._flat else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = False
        return tags


class NetcClassifier(ClassifierMixin, _Netc):  # type: ignore[misc]
    """A network for classes, trained as a `.net` file says: two classes by a sigmoid, more by softmax.

    Parameters are those of NetcRegressor; `loss` is binary_cross_entropy or cross_entropy by default.

    Attributes: classes_, model_ (a `netc.Model`), loss_, loss_curve_, n_iter_, n_features_in_.

    >>> import numpy as np
    >>> from netc.sklearn import NetcClassifier
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = np.where(X[:, 0] > 0, "right", "left")
    >>> fit = NetcClassifier(hidden_layer_sizes=(4,), random_state=0).fit(X, y)
    >>> fit.predict([[2.0, 0.0]]).tolist(), fit.predict_proba(X).shape
    (['right'], (60, 2))
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetcClassifier:
        """`sample_weight` (N,): losses of a batch are summed with these weights and divided by their sum."""
        return self._fit(X, y, None, self.warm_start, sample_weight)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> NetcClassifier:
        """One epoch from the parameters that there are. `classes`: all that there will be, at the first call."""
        return self._fit(X, y, classes, True, epochs=1)

    def _fit(
        self, X: Any, y: Any, classes: Any, go_on: bool, sample_weight: Any = None, **settings: Any
    ) -> NetcClassifier:
        first = not (go_on and hasattr(self, "model_"))
        X, y = validate_data(self, X, y, reset=first, dtype=np.float64)
        check_classification_targets(y)
        if first:
            self.classes_ = np.unique(y if classes is None else classes)
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        if (self.classes_[codes] != y).any():
            strange = y[self.classes_[codes] != y][0]
            raise ValueError(
                f"y holds the class {str(strange)!r}, which is not among {self.classes_.tolist()}"
            )
        count = len(self.classes_)
        if count < 2:
            raise ValueError(
                f"there is 1 class, {str(self.classes_[0])!r}: a classifier needs at least 2 classes"
            )
        last, outputs, loss = (
            ("sigmoid", 1, "binary_cross_entropy") if count == 2 else ("softmax", count, "cross_entropy")
        )
        weights = _weights(sample_weight, X)
        text = self._text(X.shape[1], outputs, last, loss, f"classes = {count}", weights is not None)
        self._train(X, codes, weights, text, go_on, **settings)
        return self

    def predict_proba(self, X: Any) -> Array:
        """(N, classes) in the order of `classes_`."""
        found = self._outputs(X)
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found

    def predict(self, X: Any) -> Array:
        """(N,) the likeliest classes."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        found: Array = self.classes_[likeliest]
        return found
