"""Rules that are measured elsewhere than at theta: averages against NumPy, PyTorch's SWA and optax."""

from __future__ import annotations

import numpy as np
import pytest

import netc

VALLEY = """
objective R(x, y) = x^2 + 3*y^2
init      theta = (2, 1)
train     steps = 7
monitor   loss, every = 1
"""
POLYAK = """
optimizer mine(eta = 0.1):
    theta[n+1] = theta[n] - eta*grad R(theta[n])
    avg[0]     = theta[0]
    avg[n+1]   = (n*avg[n] + theta[n+1])/(n + 1)
    evaluate at avg[n]
"""
NETWORK = """
data      x in linspace(-1, 1, 32) -> sin(3*x) + normal(0, 0.2):
    validation = 25%
network   [1(lecture.batchnorm)(tanh)4(torch.BatchNorm1d)(lin)1]
init      glorot_uniform
loss      half_mse
train     epochs = 4, batch = 8, seed = 3
"""
SWA = POLYAK.replace("0.1)", "0.3)")


def test_the_average_of_polyak_and_ruppert_is_measured_and_kept():
    """Against NumPy: the history, the result and `expect` speak of the mean of the iterates."""
    model = netc.compile(VALLEY + POLYAK + "expect loss = 0.5 within 0.5\nexpect norm(theta) < 2\n")
    found = model.train()
    theta, iterates = np.array([2.0, 1.0]), []
    for _ in range(7):
        theta = theta - 0.1 * np.array([2, 6]) * theta
        iterates.append(theta)
    means = [np.array([2.0, 1.0]), *(np.mean(iterates[: n + 1], axis=0) for n in range(7))]
    losses = [x**2 + 3 * y**2 for x, y in means]
    np.testing.assert_allclose(found.history["loss_train"], losses, rtol=1e-12)
    np.testing.assert_allclose(found.theta[0], means[-1], rtol=1e-12)
    np.testing.assert_allclose(found.loss_train[0], losses[-1], rtol=1e-12)
    np.testing.assert_allclose(found.best[0], means[int(np.argmin(losses))], rtol=1e-12)


def test_schedule_free_is_that_of_optax():
    """Defazio 2024: the gradient at y, steps of z, measured at x; optax.contrib.schedule_free over SGD."""
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    rule = """
optimizer mine(eta = 0.1, beta = 0.9):
    g          = grad R(theta[n])
    z[0]       = theta[0]
    x[0]       = theta[0]
    z[n+1]     = z[n] - eta*g
    x[n+1]     = (1 - 1/(n + 1))*x[n] + z[n+1]/(n + 1)
    theta[n+1] = (1 - beta)*z[n+1] + beta*x[n+1]
    evaluate at x[n]
"""
    found = netc.compile(VALLEY + rule).train()
    with jax.enable_x64(True):
        peer = optax.contrib.schedule_free(optax.sgd(0.1), 0.1, b1=0.9)
        y = jax.numpy.array([2.0, 1.0])
        state = peer.init(y)
        for _ in range(7):
            updates, state = peer.update(jax.numpy.array([2.0, 6.0]) * y, state, y)
            y = optax.apply_updates(y, updates)
        expected = np.asarray(optax.contrib.schedule_free_eval_params(state, y))
    np.testing.assert_allclose(found.theta[0], expected, rtol=1e-10)


def test_statistics_of_batch_norm_are_those_of_update_bn():
    """Against torch.optim.swa_utils: AveragedModel and update_bn over the same batches, in their order."""
    torch = pytest.importorskip("torch")
    text = NETWORK.replace("(lecture.batchnorm)", "").replace("seed = 3", "seed = 3, shuffle = false") + SWA
    model = netc.compile(text)
    found = model.train()
    session = model._session
    x, y = (torch.tensor(a) for a in session.scaled_training)
    start = model.unflatten(netc.compile(text, eta=1e-300).train().last[0])
    net = torch.nn.Sequential(
        torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1)
    ).double()
    for parameter, array in zip(net.parameters(), start.values(), strict=True):
        parameter.data = torch.tensor(array)
    averaged = torch.optim.swa_utils.AveragedModel(net)
    rule = torch.optim.SGD(net.parameters(), lr=0.3)
    batches = list(zip(x.split(8), y.split(8), strict=True))
    for _ in range(4):
        for u, v in batches:
            rule.zero_grad()
            (((net(u) - v) ** 2).sum(1) / 2).mean().backward()
            rule.step()
            averaged.update_parameters(net)
    torch.optim.swa_utils.update_bn([u for u, _ in batches], averaged)
    averaged.eval()
    for array, parameter in zip(
        model.unflatten(found.theta[0]).values(), averaged.module.parameters(), strict=True
    ):
        np.testing.assert_allclose(array, parameter.detach(), rtol=1e-9)
    norm = averaged.module[2]
    expected = torch.cat([norm.running_mean, norm.running_var])
    np.testing.assert_allclose(found.states[0], expected, rtol=1e-9)
    with torch.no_grad():
        loss = (((averaged(x) - y) ** 2).sum(1) / 2).mean()
    np.testing.assert_allclose(found.loss_train[0], loss, rtol=1e-9)
    np.testing.assert_allclose(model.loss(found.theta[0], states=found.states[0]), loss, rtol=1e-9)


def test_going_on_needs_the_iterate_and_not_the_average():
    """A phase that changes nothing changes no bit, nor does an end in between."""
    whole = netc.compile(VALLEY + POLYAK).train()
    parts = netc.compile(VALLEY + POLYAK + "phase a: steps = 4\nphase b: steps = 3\n").train()
    np.testing.assert_array_equal(whole.theta, parts.theta)
    half = netc.compile(VALLEY + POLYAK).train(steps=3)
    again = netc.compile(VALLEY + POLYAK).train(resume=half.checkpoint)
    np.testing.assert_array_equal(whole.theta, again.theta)


@pytest.mark.slow
def test_the_best_by_validation_is_a_point_of_the_average():
    text = NETWORK.replace("seed = 3", "seed = 3, keep = best(loss(validation))") + SWA
    model = netc.compile(text)
    found = model.train()
    at = int(found.kept_epochs[0])
    assert (
        found.loss_validation[0]
        == found.history["loss_validation"][at]
        == found.history["loss_validation"].min()
    )
