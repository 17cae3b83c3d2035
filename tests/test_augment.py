"""Augmentation and deficits: each operation against SciPy or NumPy, what is drawn, and trainings on what it makes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, stats

import netc
from netc.runtime.data import augment
from netc.runtime.task_of import augmenter_of
from same_bits import require_same_bits

RNG = np.random.default_rng(6)
IMAGES = RNG.uniform(size=(5, 6, 7, 2))
OUTSIDE = RNG.uniform(size=(6, 7, 2))
RATE = 0.3
TEXT = """
data      given, scale = none
network   [4x4x1 (flatten) (dense) 2 (softmax)]
init      zeros
loss      cross_entropy
optimizer gd(eta = 0.3)
train     epochs = 5, batch = 4, seed = 7, {more}
"""
X, KIND = RNG.uniform(size=(10, 16)), RNG.integers(0, 2, 10)


def test_shifts_flips_and_mixtures_are_numpys() -> None:
    down, right = np.array([0, 1, -2, 6, 3]), np.array([0, -3, 1, 0, 7])
    found = augment.shift(IMAGES, down, right, OUTSIDE)
    for image, was, d, r in zip(found, IMAGES, down, right, strict=True):
        expected = OUTSIDE.copy()
        for h in range(6):
            for w in range(7):
                if 0 <= h - d < 6 and 0 <= w - r < 7:
                    expected[h, w] = was[h - d, w - r]
        np.testing.assert_array_equal(image, expected)
    turned = np.array([True, False, True, False, False])
    flipped = augment.flip(IMAGES, turned)
    np.testing.assert_array_equal(flipped[[0, 2]], IMAGES[[0, 2], :, ::-1])
    np.testing.assert_array_equal(flipped[~turned], IMAGES[~turned])
    shares, others = np.array([0.2, 1, 0, 0.5, 0.7]), np.array([3, 0, 1, 4, 2])
    rows = IMAGES.reshape(5, -1)
    expected = [s * rows[i] + (1 - s) * rows[j] for i, (s, j) in enumerate(zip(shares, others, strict=True))]
    np.testing.assert_allclose(augment.mixup(rows, others, shares), expected, rtol=1e-15)


def test_rotations_are_scipys() -> None:
    """Inside; at the border SciPy's constant mode takes no mean of what is outside and what is there."""
    angles = np.array([0.0, 90, -30, 12.5, 180])
    square = IMAGES[:, :, :6]
    found = augment.rotate(square, angles, np.zeros((6, 6, 2)))
    for image, was, angle in zip(found, square, angles, strict=True):
        expected = ndimage.rotate(was, angle, reshape=False, order=1, mode="grid-constant")
        np.testing.assert_allclose(image, expected, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.0])
def test_a_blur_is_scipys(sigma: float) -> None:
    expected = ndimage.gaussian_filter(IMAGES, (0, sigma, sigma, 0), mode="nearest", truncate=4)
    np.testing.assert_allclose(augment.blur(IMAGES, sigma), expected, rtol=1e-12)


@pytest.mark.parametrize("alpha", [1e-3, 0.2, 1.0])
def test_shares_follow_the_beta_law(alpha: float) -> None:
    drawn = augment.beta(RNG.uniform(size=(20_000, augment.ATTEMPTS, 2)), alpha)
    assert ((drawn >= 0) & (drawn <= 1)).all()
    if alpha > 0.01:
        assert stats.kstest(drawn, stats.beta(alpha, alpha).cdf).pvalue > 1e-3
    assert abs(drawn.mean() - 0.5) < 4 * 0.5 / 20_000**0.5
    assert drawn.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.03)


@pytest.mark.sweep
def test_what_is_drawn_follows_its_law_and_differs_by_epoch_and_run() -> None:
    model = netc.compile(TEXT.format(more="runs = 2") + "augment noise(0.5)\n")
    model.train(X, KIND)
    augmenter = augmenter_of(model._session)
    drawn = np.array([[augmenter.of(run, epoch)[0] - X for epoch in range(100)] for run in range(2)]) / 0.5
    assert stats.kstest(drawn.ravel(), stats.norm.cdf).pvalue > 1e-3
    for first, second in (
        (drawn[0], drawn[1]),
        (drawn[:, 1:], drawn[:, :-1]),
        (drawn[..., 1:], drawn[..., :-1]),
    ):
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 4 / first.size**0.5
    moved = netc.compile(TEXT.format(more="runs = 1") + "augment shift(1), flip\n")
    one = np.zeros((10, 16))
    one[:, 5] = 1
    moved.train(one, KIND)
    seen = np.bincount(
        np.concatenate([augmenter_of(moved._session).of(0, e)[0].argmax(1) for e in range(400)]), minlength=16
    )
    law = np.zeros((4, 4))  # 1/9 each around pixel (1, 1), half of them mirrored
    law[:3, :3] += 1 / 18
    law[:3, 1:] += 1 / 18
    assert stats.chisquare(seen[law.ravel() > 0], 4000 * law.ravel()[law.ravel() > 0]).pvalue > 1e-3
    assert seen[law.ravel() == 0].sum() == 0


@pytest.mark.sweep
def test_a_training_sees_the_samples_of_the_epoch() -> None:
    """Softmax regression in NumPy on what the augmenter makes; a deficit ends, and the noise behind it stays the same."""
    model = netc.compile(
        TEXT.format(more="shuffle = false") + "augment blur until 2, noise(0.1), mixup(0.5)\n"
    )
    result = model.train(X, KIND)
    augmenter = augmenter_of(model._session)
    w, b = np.zeros((2, 16)), np.zeros(2)
    for epoch in range(5):
        x, y = augmenter.of(0, epoch)
        assert np.abs(y.sum(1) - 1).max() < 1e-12
        for at in (slice(0, 4), slice(4, 8), slice(8, 10)):
            z = np.exp(x[at] @ w.T + b)
            d = (z / z.sum(1, keepdims=True) - y[at]) / len(x[at])
            w, b = w - RATE * d.T @ x[at], b - RATE * d.sum(0)
    np.testing.assert_allclose(result.theta[0], np.concatenate([w.ravel(), b]), rtol=1e-10, atol=1e-13)
    z = np.exp(X @ w.T + b)
    clean = -np.log((z / z.sum(1, keepdims=True))[np.arange(10), KIND]).mean()
    assert result.loss_train[0] == pytest.approx(clean, rel=1e-11)
    ended, lasting = (
        netc.compile(TEXT.format(more="shuffle = false") + f"augment {blur}, noise(0.1)\n")
        for blur in ("blur until 2", "blur")
    )
    for other in (ended, lasting):
        other.train(X, KIND)
    blurred = augment.blur(X.reshape(-1, 4, 4, 1), 1.0).reshape(-1, 16)
    noise = augmenter_of(ended._session).of(0, 3)[0] - X
    np.testing.assert_allclose(augmenter_of(lasting._session).of(0, 3)[0] - blurred, noise, atol=1e-14)


@pytest.mark.sweep
def test_the_same_bits_however_it_is_cut() -> None:
    more = TEXT.format(more="runs = 3") + "augment shift(1), noise(0.2) until 3\n"
    model = netc.compile(more)
    require_same_bits(model, (X, KIND), (4, 7))
