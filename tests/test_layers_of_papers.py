"""Layers typed from papers that the library does not have, as users type them: values and both derivatives against PyTorch.

The references are the papers' equations, written without looking at the layers' text; recurrences are loops.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import netc
from layers_in_networks import against, put

torch = pytest.importorskip("torch")

SQUEEZE = """
# Hu, Shen, Sun 2018, Squeeze-and-excitation networks, eqs. 2 and 3: no biases, the channels scaled by s
layer squeeze(ratio = 2):
    hidden  = extent(x, 3)/ratio
    learn W1[j in hidden, c] as weights, W2[c, j] as weights
    m[c]    = mean[h, w](x[h, w, c])
    e[j]    = relu(sum[c](W1[j, c]*m[c]))
    s[c]    = sigmoid(sum[j](W2[c, j]*e[j]))
    z[h, w, c] = s[c]*x[h, w, c]
"""
MINGRU = """
# Feng et al. 2024, Were RNNs all we needed?, section 3.1: gate and candidate read the input alone
layer mingru(units):
    learn Wz[k in units, d] as weights, Wh[k, d] as weights, bz[k] as biases, bh[k] as biases
    g[t, k] = sigmoid(sum[d](Wz[k, d]*x[t, d]) + bz[k])
    h[t, k] = (1 - g[t, k])*h[t-1, k] + g[t, k]*(sum[d](Wh[k, d]*x[t, d]) + bh[k])
"""
LINEAR = """
# Katharopoulos et al. 2020, Transformers are RNNs, eqs. 7 and 9 to 12: causal attention with phi = elu + 1, as a recurrence
layer linearattention(units):
    learn Q[k in units, i] as weights, K[k, i] as weights, V[v in units, i] as weights
    q[t, k] = elu(sum[i](Q[k, i]*x[t, i]), 1) + 1
    r[t, k] = elu(sum[i](K[k, i]*x[t, i]), 1) + 1
    S[t, k, v] = S[t-1, k, v] + r[t, k]*sum[i](V[v, i]*x[t, i])
    n[t, k] = n[t-1, k] + r[t, k]
    y[t, v] = sum[k](q[t, k]*S[t, k, v])/sum[k](q[t, k]*n[t, k])
"""


def squeeze(x, w1, w2):
    s = torch.sigmoid(torch.relu(x.mean((1, 2)) @ w1.T) @ w2.T)
    return x * s[:, None, None, :]


def mingru(x, wz, wh, bz, bh):
    h, steps = torch.zeros(len(x), len(bz), dtype=x.dtype), []
    for t in range(x.shape[1]):
        z = torch.sigmoid(torch.nn.functional.linear(x[:, t], wz, bz))
        h = (1 - z) * h + z * torch.nn.functional.linear(x[:, t], wh, bh)
        steps.append(h)
    return torch.stack(steps, 1)


def linear_attention(x, q, k, v):
    """The quadratic form of eq. 8 with a mask, not the recurrence."""
    phi = lambda a: torch.nn.functional.elu(a) + 1  # noqa: E731
    weights = torch.tril(phi(x @ q.T) @ phi(x @ k.T).transpose(1, 2))
    return (weights @ (x @ v.T)) / weights.sum(2, keepdim=True)


CASES = {
    "squeeze and excitation": (SQUEEZE, "(squeeze)", (4, 3, 6), squeeze),
    "minimal gated unit": (MINGRU, "(mingru) 5", (7, 3), mingru),
    "linear attention": (LINEAR, "(linearattention) 4", (6, 3), linear_attention),
}


@pytest.mark.parametrize("name", CASES)
def test_a_layer_of_a_paper(name: str) -> None:
    text, stages, shape, reference = CASES[name]
    against(put(stages, shape, text), reference, shape, seed=3)


def test_kernels_train_a_network_of_two_of_them() -> None:
    """Five steps of gradient descent by the kernels are PyTorch's."""
    text = MINGRU + LINEAR + """
data      given
network   [6x3 (mingru) 5 (linearattention) 4 (last) (lin) 2]
init      glorot_uniform
loss      half_mse
optimizer gd(eta = 0.1)
train     steps = 5, batch = full
"""  # fmt: skip
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(9, 18)), rng.normal(size=(9, 2))
    model = netc.compile(text)
    start = rng.normal(size=model.parameters) / 2
    sizes = [(5, 3), (5, 3), (5,), (5,), (4, 5), (4, 5), (4, 5), (2, 4), (2,)]
    cuts = np.cumsum([math.prod(s) for s in sizes])[:-1]
    p = [
        torch.tensor(a.reshape(s), requires_grad=True)
        for a, s in zip(np.split(start, cuts), sizes, strict=True)
    ]
    for _ in range(5):
        hidden = linear_attention(mingru(torch.tensor(x.reshape(9, 6, 3)), *p[:4]), *p[4:7])[:, -1]
        u = torch.nn.functional.linear(hidden, *p[7:])
        gradients = torch.autograd.grad(((u - torch.tensor(y)) ** 2).sum(1).mean() / 2, p)
        p = [(a - 0.1 * g).detach().requires_grad_() for a, g in zip(p, gradients, strict=True)]
    found = model.train(x, y, theta=start).theta[0]
    np.testing.assert_allclose(
        found, np.concatenate([a.detach().numpy().ravel() for a in p]), rtol=1e-9, atol=1e-11
    )
