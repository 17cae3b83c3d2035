"""Attacks against PyTorch: attacked inputs, figures under attack, training against it; the same bits however it is cut."""

from __future__ import annotations

import numpy as np
import pytest

import netc
from netc.compiler.meaning.spec_text import spec_text
from same_bits import require_same_bits

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(8)
X, KIND = RNG.normal(size=(24, 4)) * [1, 2, 5, 0.1], RNG.integers(0, 3, 24)
TEXT = """
data      given, scale = {scale}
network   [4(tanh)6(softmax)3]
init      glorot_uniform
loss      cross_entropy
optimizer gd(eta = 0.5)
train     epochs = 4, batch = 10, {more}
"""
ATTACKS = {"fgsm(0.2)": (0.2, 0.2, 1), "pgd(eps = 0.3, alpha = 0.1, rounds = 5)": (0.3, 0.1, 5)}
"""eps, alpha, rounds"""


def layers(theta) -> list[torch.Tensor]:
    w1, b1, w2, b2 = np.split(theta, [24, 30, 48])
    parts = w1.reshape(6, 4), b1, w2.reshape(3, 6), b2
    return [torch.tensor(p, requires_grad=True) for p in parts]


def logits(p: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.linear(torch.tanh(torch.nn.functional.linear(x, p[0], p[1])), p[2], p[3])


def loss(p: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(logits(p, x), y)


def attacked(p, x: torch.Tensor, y: torch.Tensor, eps: float, alpha: float, rounds: int) -> torch.Tensor:
    found = x.clone()
    for _ in range(rounds):
        found = found.detach().requires_grad_()
        (slope,) = torch.autograd.grad(loss(p, found, y), found)
        found = x + torch.clamp(found + alpha * slope.sign() - x, -eps, eps)
    return found.detach()


@pytest.mark.parametrize("call", ATTACKS)
def test_attacked_inputs_and_figures_are_pytorchs(call: str) -> None:
    """In the units of scaled inputs, here of standard deviations."""
    text = TEXT.format(scale="zscore", more="seed = 2")
    model = netc.compile(f"{text}expect accuracy(train, {call}) < 0\nexpect loss(train, {call}) < 0\n")
    result = model.train(X, KIND)
    x, y = torch.tensor((X - X.mean(0)) / X.std(0)), torch.tensor(KIND)
    p = layers(result.theta[0])
    expected = attacked(p, x, y, *ATTACKS[call])
    found = model.attack(call, X, KIND)
    np.testing.assert_allclose((found - X.mean(0)) / X.std(0), expected.numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(np.abs(found - X).max(0), ATTACKS[call][0] * X.std(0), rtol=1e-10)
    share = (logits(p, expected).argmax(1) == y).double().mean().item()
    assert [v.value for v in result.expect] == pytest.approx([share, loss(p, expected, y).item()], rel=1e-12)
    assert loss(p, expected, y).item() > 1.05 * result.loss_train[0]


@pytest.mark.parametrize("call", ATTACKS)
def test_a_training_against_it_is_pytorchs(call: str) -> None:
    model = netc.compile(TEXT.format(scale="none", more=f"shuffle = false, against = {call}"))
    start = RNG.normal(size=model.parameters)
    result = model.train(X, KIND, theta=start)
    p, x, y = layers(start), torch.tensor(X), torch.tensor(KIND)
    for _ in range(4):
        for at in (slice(0, 10), slice(10, 20), slice(20, 24)):
            gradients = torch.autograd.grad(loss(p, attacked(p, x[at], y[at], *ATTACKS[call]), y[at]), p)
            p = [(v - 0.5 * g).detach().requires_grad_() for v, g in zip(p, gradients, strict=True)]
    theta = np.concatenate([v.detach().numpy().ravel() for v in p])
    np.testing.assert_allclose(result.theta[0], theta, rtol=1e-9, atol=1e-11)
    assert result.loss_train[0] == pytest.approx(
        loss(p, x, y).item(), rel=1e-11
    )  # of the samples as they are


def test_the_same_bits_however_it_is_cut() -> None:
    """Inside of an epoch, with several runs and threads."""
    model = netc.compile(TEXT.format(scale="minmax", more="seed = 3, runs = 3, against = fgsm(0.1)"))
    require_same_bits(model, (X, KIND), (2, 7))


def test_an_attack_of_the_file() -> None:
    """Kept in the range of the data, with a name of its own and the length of a gradient of each sample."""
    own = "attack inside(eps):\n    d = grad_x R/norm(grad_x R)\n    x = max(0, min(1, x + eps*d))\n"
    model = netc.compile(TEXT.format(scale="minmax", more="seed = 2") + own)
    theta = model.train(X, KIND).theta[0]
    low, wide = X.min(0), np.ptp(X, 0)
    x = torch.tensor((X - low) / wide, requires_grad=True)
    (slope,) = torch.autograd.grad(loss(layers(theta), x, torch.tensor(KIND)), x)
    expected = (x + 0.4 * slope / slope.norm(dim=1, keepdim=True)).clamp(0, 1).detach().numpy()
    np.testing.assert_allclose(
        (model.attack("inside(0.4)", X, KIND) - low) / wide, expected, rtol=1e-9, atol=1e-12
    )
    np.testing.assert_array_equal(
        model.attack("fgsm(0)", X, KIND), model._session.inputs.invert((X - low) / wide)
    )


def loss_under_attack(theta, call: str) -> float:
    """Of all samples, scaled by their standard deviations."""
    p, x, y = layers(theta), torch.tensor((X - X.mean(0)) / X.std(0)), torch.tensor(KIND)
    return loss(p, attacked(p, x, y, *ATTACKS[call]), y).item()


def test_figures_under_attack_are_followed_through_phases_and_sweeps() -> None:
    call = "fgsm(0.2)"
    figure = f"loss(train, {call})"
    text = TEXT.format(scale="zscore", more="seed = 2") + f"monitor loss, {figure}\n"
    phases = (
        f"phase one: epochs = 2, freeze = layer1\nphase two: epochs = 3\nexpect {figure[:-1]}, one) < 0\n"
    )
    result = netc.compile(text + phases).train(X, KIND)
    ends = [loss_under_attack(end.theta[0], call) for end in result.phases]
    assert [result.history[figure][at] for at in (2, -1)] == pytest.approx(ends, rel=1e-12)
    assert [end.final[figure][0] for end in result.phases] == pytest.approx(ends, rel=1e-12)
    assert result.expect[0].value == pytest.approx(ends[0], rel=1e-12)
    assert ends[0] > 1.01 * ends[1]

    sweep = f"sweep eta in {{0.5, 3}}, figure = loss(train)\nexpect {figure} over eta < 0\nexpect best({figure}) < 0\n"
    found = netc.compile(text + sweep).sweep(X, KIND)
    each = [loss_under_attack(one.theta[0], call) for one in found.results]
    assert found.expect[0].value == pytest.approx(each, rel=1e-12)
    assert found.expect[1].value == pytest.approx(each[[0.5, 3].index(found.best["eta"])], rel=1e-12)


def test_the_best_epoch_under_attack_is_kept_and_training_ends_where_there_is_no_gain() -> None:
    """Against a loop over trainings of so many epochs, of which each is measured by PyTorch; so in a sweep."""
    call = "fgsm(0.2)"
    figure = f"loss(train, {call})"
    text = TEXT.format(scale="zscore", more="seed = 2").replace("epochs = 4", "epochs = 30")
    plain = netc.compile(text)

    def by_epochs(eta: float) -> tuple[int, int, float]:
        best, at = np.inf, 0
        for epoch in range(1, 31):
            now = loss_under_attack(plain.train(X, KIND, epochs=epoch, eta=eta).theta[0], call)
            if now < best:
                best, at = now, epoch
            if epoch - at >= 3:
                return at, epoch, best
        return at, 30, best

    judged = text.replace(
        "seed = 2", f"seed = 2, keep = best({figure}), stop = no gain in {figure} for 3 epochs"
    )
    sweep = (
        f"monitor loss, {figure}\nsweep eta in {{1, 2}}, figure = {figure}\nexpect {figure} over eta < 0\n"
    )
    found = netc.compile(judged + sweep).sweep(X, KIND)
    expected = {eta: by_epochs(eta) for eta in (1, 2)}
    assert all(at < done < 30 for at, done, _ in expected.values())  # or nothing is tested
    for result, (at, done, best) in zip(found.results, expected.values(), strict=True):
        assert (result.kept_epochs[0], result.epochs[0]) == (at, done)
        assert loss_under_attack(result.theta[0], call) == pytest.approx(best, rel=1e-12)
    assert found.expect[0].value == pytest.approx([best for *_, best in expected.values()], rel=1e-12)
    assert found.best["eta"] == min(expected, key=lambda eta: expected[eta][2])


def test_a_training_ends_where_it_holds_out_under_an_attack_of_the_file(tmp_path, monkeypatch) -> None:
    """At the first epoch whose figure, by PyTorch, is below the bound; the folder's spec.net has the attack, which calls an
    activation of the file."""
    monkeypatch.chdir(tmp_path)
    own = "activation half(z) = z/2\nattack mine(eps):\n    x = x + half(2*eps)*sign(grad_x R)\n"
    text = TEXT.format(scale="zscore", more="seed = 2").replace("epochs = 4", "epochs = 12") + own
    plain = netc.compile(text)
    losses = [
        loss_under_attack(plain.train(X, KIND, epochs=epoch).theta[0], "fgsm(0.2)") for epoch in range(1, 13)
    ]
    bound = (losses[7] + losses[6]) / 2
    end = next(epoch for epoch, found in enumerate(losses, start=1) if found < bound)
    assert 2 < end < 12
    stop = text.replace("seed = 2", f"seed = 2, stop = loss(train, mine(0.2)) < {bound!r}")
    stopped = netc.compile(stop).train(X, KIND)
    assert (stopped.epochs[0], stopped.stopped[0], stopped.outcome[0]) == (
        end,
        "criterion",
        "converged",
    )
    spec = spec_text(netc.compile(stop)._session.spec)
    assert netc.compile(spec).train(X, KIND).theta.tobytes() == stopped.theta.tobytes()
