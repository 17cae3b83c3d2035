"""The estimators of scikit-learn: its own checks (slow: `pytest -m slow`), and what its users do with an estimator."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import netc
from netc.sklearn import NetcClassifier, NetcRegressor

RNG = np.random.default_rng(3)
X = RNG.normal(size=(120, 2)) * [5, 0.1] + [100, 0]
Y = X @ [1.0, 20.0]
KIND = np.where(X[:, 0] > 102, "big", np.where(X[:, 1] > 0, "small up", "small down"))
REGRESSOR = NetcRegressor(hidden_layer_sizes=(4,), optimizer="gd(eta = 0.1)", max_iter=60, random_state=0)
CLASSIFIER = NetcClassifier(hidden_layer_sizes=(4,), max_iter=60, random_state=0)


@pytest.mark.slow
@parametrize_with_checks([NetcRegressor(hidden_layer_sizes=(4,)), NetcClassifier(hidden_layer_sizes=(4,))])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_a_regressor_learns_and_is_cloned_and_pickled():
    fit = clone(REGRESSOR).fit(X, Y)
    assert fit.score(X, Y) > 0.9
    assert fit.predict(X).shape == (120,)
    np.testing.assert_array_equal(fit.predict(X), fit.model_.predict(X)[:, 0])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fit)).predict(X), fit.predict(X))
    again = clone(fit)
    assert not hasattr(again, "model_")
    np.testing.assert_array_equal(again.fit(X, Y).predict(X), fit.predict(X))


def test_it_is_what_the_file_that_its_keywords_write_gives():
    text = (
        "data given, scale = zscore, scale_target = zscore\nnetwork [2(tanh)4(lin)1]\ninit glorot_uniform\n"
        "loss half_mse\noptimizer gd(eta = 0.1)\ntrain epochs = 60, batch = 32\n"
    )
    fit, same = clone(REGRESSOR).fit(X, Y), NetcRegressor(text, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(fit.model_.theta, same.model_.theta)
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    np.testing.assert_array_equal(netc.compile(text).train(X, Y, seed=seed).theta[0], fit.model_.theta)


def test_pipelines_and_searches_take_it():
    grid = {"netcregressor__optimizer": ["gd(eta = 0.1)", "gd(eta = 1e-6)"]}
    search = GridSearchCV(make_pipeline(StandardScaler(), clone(REGRESSOR)), grid, cv=2).fit(X, Y)
    assert search.best_params_ == {"netcregressor__optimizer": "gd(eta = 0.1)"}


def test_a_classifier_has_its_classes_and_probabilities():
    pandas = pytest.importorskip("pandas")
    fit = clone(CLASSIFIER).fit(X, KIND)
    assert fit.classes_.tolist() == ["big", "small down", "small up"]
    proba = fit.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert (fit.predict(X) == fit.classes_[proba.argmax(axis=1)]).all()
    assert fit.score(X, KIND) > 0.85
    frame = pandas.DataFrame(X, columns=["a", "b"])
    named = clone(CLASSIFIER).fit(frame, pandas.Series(KIND, name="kind"))
    assert named.feature_names_in_.tolist() == ["a", "b"]
    np.testing.assert_array_equal(named.predict_proba(frame), proba)
    with pytest.raises(ValueError, match="feature names should match"):
        named.predict(frame.rename(columns={"b": "c"}))


def test_partial_fit_goes_on_with_the_scaling_that_it_has():
    """As one training, epoch by epoch, of a rule without memory."""
    estimator = NetcRegressor(
        hidden_layer_sizes=(4,), optimizer="gd(eta = 0.05)", batch_size="full", random_state=0
    )
    once = clone(estimator).set_params(max_iter=3).fit(X, Y)
    parts = clone(estimator)
    for _ in range(3):
        parts.partial_fit(X, Y)
    np.testing.assert_allclose(parts.model_.theta, once.model_.theta, rtol=1e-12)
    assert parts.n_iter_ == 3
    warm = clone(estimator).set_params(max_iter=1, warm_start=True)
    for _ in range(3):
        warm.fit(X, Y)
    np.testing.assert_allclose(warm.model_.theta, once.model_.theta, rtol=1e-12)
    before = parts.model_.predict([[100.0, 0.0]])
    far = parts.partial_fit(X + 1000, Y).model_._session.inputs
    np.testing.assert_allclose(far.shift, X.mean(axis=0))
    assert np.isfinite(before).all()


def test_classes_may_be_missing_in_a_part():
    fit = clone(CLASSIFIER)
    two = KIND != "big"
    fit.partial_fit(X[two], KIND[two], classes=np.unique(KIND))
    assert fit.predict_proba(X).shape == (120, 3)
    with pytest.raises(ValueError, match="'huge', which is not among"):
        fit.partial_fit(X, np.full(120, "huge"))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: REGRESSOR.fit(X, Y, sample_weight=np.ones(7)), ValueError, "sample_weight.shape"),
        (lambda: REGRESSOR.fit(X, Y, callbacks=[]), TypeError, "'callbacks'"),
        (lambda: CLASSIFIER.fit(X, np.zeros(120)), ValueError, "at least 2 classes"),
        (
            lambda: NetcRegressor(optimizer="torch.Adamm()").fit(X, Y),
            netc.SpecError,
            "did you mean 'torch.Adam'",
        ),
        (lambda: NetcRegressor(activation="rellu").fit(X, Y), netc.SpecError, "did you mean 'relu'"),
    ],
)
def test_mistakes_are_answered(call, error, words):
    with pytest.raises(error, match=words):
        call()
