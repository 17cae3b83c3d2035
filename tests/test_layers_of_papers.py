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
ECA = """
# Wang et al. 2020, ECA-Net, eq. 6 with k = 3: a convolution over the channels' means, no bias
layer eca(k = 3):
    learn W[p in k] as weights
    m[c] = mean[h, w](x[h, w, c])
    a[c in extent(x, 3)] = sigmoid(sum[p](W[p]*m[c + p - (k - 1)/2]))
    z[h, w, c] = a[c]*x[h, w, c]
"""
CBAM = """
# Woo et al. 2018, CBAM, eqs. 2 and 3: channels by both poolings and one perceptron, then places
layer cbam(ratio = 2, size = 3x3):
    hidden = extent(x, 3)/ratio
    learn W1[j in hidden, c] as weights, W2[c, j] as weights, K[s in 2, p in size[1], q in size[2]] as weights
    a[c] = mean[h, w](x[h, w, c])
    b[c] = max[h, w](x[h, w, c])
    g[c] = sigmoid(sum[j](W2[c, j]*(relu(sum[c](W1[j, c]*a[c])) + relu(sum[c](W1[j, c]*b[c])))))
    y[h, w, c] = g[c]*x[h, w, c]
    f[h, w, s in 2] = mean[c](y[h, w, c]) if s < 1 else max[c](y[h, w, c])
    m[h in extent(x, 1), w in extent(x, 2)] = sigmoid(sum[s, p, q](K[s, p, q]*f[h + p - 1, w + q - 1, s]))
    z[h, w, c] = m[h, w]*y[h, w, c]
"""
GATING = """
# Liu et al. 2021, Pay attention to MLPs, section 2.1: half of the channels, mixed over the steps, gates the other half
layer gating(eps = 1e-5):
    half = extent(x, 2)/2
    learn W[t, s] as weights, b[t] = 1, gamma[k in half] = 1, beta[k] = 0
    mu[s] = mean[k in half](x[s, half + k])
    v[s] = mean[k]((x[s, half + k] - mu[s])^2)
    n[s, k] = gamma[k]*(x[s, half + k] - mu[s])/sqrt(v[s] + eps) + beta[k]
    z[t in extent(x, 1), k] = x[t, 0 + k]*(sum[s](W[t, s]*n[s, k]) + b[t])
"""
SOFTMAXES = """
# Yang et al. 2018, Breaking the softmax bottleneck, eq. 3
layer softmaxes(classes, k):
    learn P[m in k, i] as weights, H[m, j in extent(x, 1), i] as weights, W[o in classes, j] as weights
    p[m] = softmax[m](sum[i](P[m, i]*x[i]))
    h[m, j] = tanh(sum[i](H[m, j, i]*x[i]))
    s[m, o] = softmax[o](sum[j](W[o, j]*h[m, j]))
    z[o] = sum[m](p[m]*s[m, o])
"""
FOURIER = """
# Lee-Thorp et al. 2021, FNet, eq. 3: the real part of the transform along steps and channels
layer fourier:
    T = extent(x, 1)
    D = extent(x, 2)
    z[k in T, m in D] = sum[t, d](x[t, d]*cos(2*pi*(k*t/T + m*d/D)))
"""
ROTARY = """
# Su et al. 2021, RoFormer, eq. 34, with pairs (k, k + half)
layer rotary(base = 100):
    half = extent(x, 2)/2
    a[t in extent(x, 1), k in half] = t/base^(k/half)
    u[t, k] = x[t, 0 + k]*cos(a[t, k]) - x[t, half + k]*sin(a[t, k])
    v[t, k] = x[t, 0 + k]*sin(a[t, k]) + x[t, half + k]*cos(a[t, k])
    z[t, c in extent(x, 2)] = u[t, 0 + c] + v[t, c - half]
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


def eca(x, w):
    gates = torch.nn.functional.conv1d(x.mean((1, 2))[:, None], w[None, None], padding=1)[:, 0]
    return x * torch.sigmoid(gates)[:, None, None]


def cbam(x, w1, w2, k):
    a, b = (torch.relu(pooled @ w1.T) @ w2.T for pooled in (x.mean((1, 2)), x.amax((1, 2))))
    y = x * torch.sigmoid(a + b)[:, None, None]
    both = torch.stack([y.mean(3), y.amax(3)], 1)
    return y * torch.sigmoid(torch.nn.functional.conv2d(both, k[None], padding=1))[:, 0, ..., None]


def gating(x, w, b, gamma, beta):
    u, v = x.chunk(2, -1)
    v = torch.nn.functional.layer_norm(v, v.shape[-1:], gamma, beta)
    return u * (w @ v + b[:, None])


def softmaxes(x, p, h, w):
    each = torch.softmax(torch.tanh(torch.einsum("mji,bi->bmj", h, x)) @ w.T, 2)
    return (torch.softmax(x @ p.T, 1)[..., None] * each).sum(1)


def rotary(x):
    half = x.shape[2] // 2
    angles = torch.arange(x.shape[1])[:, None] / 100 ** (torch.arange(half) / half)
    turned = torch.view_as_complex(torch.stack(x.chunk(2, -1), -1)) * torch.polar(
        torch.ones_like(angles), angles
    )
    return torch.cat([turned.real, turned.imag], -1)


CASES = {
    "squeeze and excitation": (SQUEEZE, "(squeeze)", (4, 3, 6), squeeze),
    "minimal gated unit": (MINGRU, "(mingru) 5", (7, 3), mingru),
    "linear attention": (LINEAR, "(linearattention) 4", (6, 3), linear_attention),
    "channel attention": (ECA, "(eca)", (4, 3, 6), eca),
    "channels and places": (CBAM, "(cbam)", (4, 5, 6), cbam),
    "spatial gating": (GATING, "(gating)", (5, 6), gating),
    "mixture of softmaxes": (SOFTMAXES, "(softmaxes(k = 3)) 4", (5,), softmaxes),
    "fourier": (FOURIER, "(fourier)", (5, 4), lambda x: torch.fft.fft2(x).real),
    "rotary positions": (ROTARY, "(rotary)", (5, 6), rotary),
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
