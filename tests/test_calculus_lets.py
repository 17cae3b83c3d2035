"""Lets with every kind of node, and what is derived of them, against PyTorch: values, gradients, second derivatives.

A layer here is what its text in a paper lowers to. All its arrays are parameters, so that the derivatives by its
inputs are compared as well; the loss is the sum of its outputs times given numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from hand_built import add, axes, mean, mul, normalised, renamed, total
from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import loss_and_gradient
from netc.compiler.calculus.ir import (
    Axis,
    Const,
    Expr,
    Index,
    Let,
    Pick,
    Reduce,
    Scan,
    Tensor,
    Var,
    View,
    apply,
)
from netc.compiler.calculus.verify import verify
from netc.compiler.lower.network import problem
from netc.runtime.results.hessian import Hessians

torch = pytest.importorskip("torch")
F = torch.nn.functional
NONE = np.zeros((1, 1))


N, C, H, W, OUT, P, Q = axes("b=3 c=2 h=9 w=8 o=4 p=3 q=2")
T, S, A, D, E, G = axes("t=5 s=5 a=2 d=3 e=6 f=6")
U, V, K = axes("u=7 v=5 k=5")


@dataclass(frozen=True)
class Case:
    tensors: dict[str, Sequence[Axis]]
    steps: list[ir.Step]
    """The last one gives the outputs."""
    reference: Callable[..., object]
    integers: tuple[str, ...] = ()
    """Tensors of places, below 4."""
    draws: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def problem(self) -> ir.Problem:
        out = list(ir.flat(self.steps))[-1]
        tensors = [Tensor(name, tuple(a), "weight") for name, a in self.tensors.items()]
        seed = Tensor("seed", out.axes, "weight")
        loss = Let("loss", (), ir.total("sum", apply("mul", out.var, seed.var)))
        return problem([*tensors, seed], [*self.steps, loss])


def var(name: str, *a: Axis) -> Var:
    return Var(name, a)


def let(name: str, a: Sequence[Axis], value: Expr) -> Let:
    return Let(name, tuple(a), value)


def sizes(*found: Axis) -> tuple[int, ...]:
    return tuple(a.size or 0 for a in found)


def conv() -> Case:
    i, j = axes("i=5 j=4")
    x, k, b = var("x", N, C, H, W), var("k", OUT, C, P, Q), var("b", OUT)
    window = View(View(x, H, Index(((i, 2), (P, 1)), -1)), W, Index(((j, 2), (Q, 1))))
    z = let("z", (N, OUT, i, j), add(total(mul(k, window), C, P, Q), b))
    a = let("a", z.axes, apply("tanh", z.var))
    return Case(
        {"x": x.axes, "k": k.axes, "b": b.axes}, [z, a],
        lambda x, k, b: torch.tanh(F.conv2d(x, k, b, stride=2, padding=(1, 0))),
    )  # fmt: skip


def dilated() -> Case:
    i, j = axes("i=3 j=5")
    x, k = var("x", N, C, H, W), var("k", OUT, C, P, Q)
    window = View(View(x, H, Index(((i, 1), (P, 3)))), W, Index(((j, 1), (Q, 3))))
    return Case(
        {"x": x.axes, "k": k.axes}, [let("z", (N, OUT, i, j), total(mul(k, window), C, P, Q))],
        lambda x, k: F.conv2d(x, k, dilation=3),
    )  # fmt: skip


def transposed() -> Case:
    """z[i] = sum over p of x[(i + 1 - p)/2] k[p], where that is a place."""
    i, j = axes("i=17 j=8")
    x, k = var("x", N, C, H, W), var("k", C, OUT, P, Axis("q", 1))
    window = View(x, H, Index(((i, 1), (P, -1)), 1, 2))
    z = total(mul(View(k, Axis("q", 1), Index(())), renamed(window, W, j)), C, P)
    return Case(
        {"x": x.axes, "k": k.axes}, [let("z", (N, OUT, i, j), z)],
        lambda x, k: F.conv_transpose2d(x, k, stride=(2, 1), padding=(1, 0)),
    )  # fmt: skip


def pool(op: str) -> Case:
    p, q, i, j = axes("p=3 q=2 i=3 j=4")
    x = var("x", N, C, H, W)
    window = View(View(x, H, Index(((i, 3), (p, 1)))), W, Index(((j, 2), (q, 1))))
    value = Reduce("max", window, (p, q)) if op == "max" else mean(window, p, q)
    torchs = F.max_pool2d if op == "max" else F.avg_pool2d
    return Case({"x": x.axes}, [let("z", (N, C, i, j), value)], lambda x: torchs(x, (3, 2)))


def upsampled() -> Case:
    i, j = axes("i=18 j=16")
    x = var("x", N, C, H, W)
    value = View(View(x, H, Index(((i, 1),), 0, 2, floor=True)), W, Index(((j, 1),), 0, 2, floor=True))
    return Case(
        {"x": x.axes},
        [let("z", (N, C, i, j), mul(value, value))],
        lambda x: F.interpolate(x, scale_factor=2) ** 2,
    )


def batchnorm() -> Case:
    x, g, b = var("x", N, C, H, W), var("g", C), var("b", C)
    m = let("m", (C,), mean(x, N, H, W))
    off = apply("sub", x, m.var)
    v = let("v", (C,), mean(mul(off, off), N, H, W))
    z = let("z", x.axes, add(mul(g, normalised(x, m.var, v.var)), b))
    return Case(
        {"x": x.axes, "g": g.axes, "b": b.axes},
        [m, v, z],
        lambda x, g, b: F.batch_norm(x, None, None, g, b, True),
    )


def layernorm() -> Case:
    x, g, b = var("x", N, U), var("g", U), var("b", U)
    off = apply("sub", x, mean(x, U))
    z = let("z", x.axes, add(mul(g, normalised(x, mean(x, U), mean(mul(off, off), U))), b))
    return Case({"x": x.axes, "g": g.axes, "b": b.axes}, [z], lambda x, g, b: F.layer_norm(x, (7,), g, b))


def softmax(z: Expr, along: Axis) -> Expr:
    e = apply("exp", apply("sub", z, apply("stop_gradient", Reduce("max", z, (along,)))))
    return apply("div", e, total(e, along))


def attention() -> Case:
    x = var("x", N, T, E)
    named = {"wq": (A, D, E), "wk": (A, D, E), "wv": (A, D, E)}
    q, k, v = (let(n[1], (N, T, A, D), total(mul(var(n, *a), x), E)) for n, a in named.items())
    e = total(mul(q.var, renamed(k.var, T, S)), D)
    weight = let("weight", (N, A, T, S), softmax(mul(e, Const(3**-0.5)), S))
    mixed = let("mixed", (N, T, A, D), total(mul(weight.var, renamed(v.var, T, S)), S))
    z = let("z", (N, T, G), total(mul(var("wo", G, A, D), mixed.var), A, D))

    def reference(x, wq, wk, wv, wo):
        q, k, v = (torch.einsum("hde,nte->nhtd", w, x) for w in (wq, wk, wv))
        return torch.einsum("fhd,nhtd->ntf", wo, F.scaled_dot_product_attention(q, k, v))

    return Case({"x": x.axes, **named, "wo": (G, A, D)}, [q, k, v, weight, mixed, z], reference)


def embedding() -> Case:
    words = Axis("word", 4)
    table, text = var("table", words, D), var("text", N, T)
    z = let("z", (N, T, D), apply("sin", Pick(table, words, text)))
    return Case(
        {"table": table.axes, "text": text.axes}, [z],
        lambda table, text: torch.sin(F.embedding(text.detach().long(), table)), integers=("text",),
    )  # fmt: skip


def diagonals() -> Case:
    """z[b, i] = x[b, i - b], and the diagonal of a square matrix."""
    b, i, j, k = axes("b=3 i=9 j=7 j2=7")
    x, m = var("x", b, j), var("m", j, k)
    shifted = View(x, j, Index(((i, 1), (b, -1))))
    trace = View(m, k, Index(((j, 1),)))
    z = let("z", (b, i, j), mul(shifted, trace))

    def reference(x, m):
        rows = [F.pad(x[r], (r, 2 - r)) for r in range(3)]
        return torch.stack(rows)[:, :, None] * torch.diagonal(m)

    return Case({"x": x.axes, "m": m.axes}, [z], reference)


def last_token() -> Case:
    x = var("x", N, T, E)
    z = let("z", (N, E), mul(View(x, T, Index((), 4)), View(x, T, Index((), 0))))
    return Case({"x": x.axes}, [z], lambda x: x[:, 4] * x[:, 0])


def dropout() -> Case:
    x = var("x", N, U)
    kept = np.random.default_rng(3).integers(0, 2, sizes(N, U)).astype(float)
    drawn = apply("select", ir.TRAINING, ir.Draw("bernoulli", (0.5,), "dropout1", x.axes), Const(0.5))
    z = let("z", x.axes, mul(Const(2.0), drawn, mul(x, x)))
    return Case({"x": x.axes}, [z], lambda x: 2 * torch.tensor(kept) * x * x, draws={"dropout1": kept})


def lstm() -> Case:
    """Keras' and PyTorch's, with one bias; the outputs are all h."""
    x = var("x", N, T, U)
    before = Index(((T, 1),), -1)
    h, c = var("h", N, T, V), var("c", N, T, V)
    past = renamed(View(h, T, before), V, K)
    gates: list[Let] = []
    tensors: dict[str, Sequence[Axis]] = {"x": x.axes}
    for g in "ifgo":
        wx, wh, b = var(f"wx{g}", V, U), var(f"wh{g}", V, K), var(f"b{g}", V)
        tensors |= {w.name: w.axes for w in (wx, wh, b)}
        z = add(total(mul(wx, x), U), total(mul(wh, past), K), b)
        gates.append(let(g, (N, T, V), apply("tanh" if g == "g" else "sigmoid", z)))
    i, f, g, o = (gate.var for gate in gates)
    cell = let("c", c.axes, add(mul(f, View(c, T, before)), mul(i, g)))
    hidden = let("h", h.axes, mul(o, apply("tanh", c)))

    def reference(x, *weights):
        hidden = cell = torch.zeros(3, 5, dtype=x.dtype)
        found = []
        for step in range(5):
            at = [
                x[:, step] @ wx.T + hidden @ wh.T + b
                for wx, wh, b in zip(weights[::3], weights[1::3], weights[2::3], strict=True)
            ]
            cell = torch.sigmoid(at[1]) * cell + torch.sigmoid(at[0]) * torch.tanh(at[2])
            hidden = torch.sigmoid(at[3]) * torch.tanh(cell)
            found.append(hidden)
        return torch.stack(found, 1)

    return Case(tensors, [Scan(T, (*gates, cell, hidden))], reference)


def residual() -> Case:
    x, w = var("x", N, U), var("w", U, Axis("u2", 7))
    z = let(
        "z",
        x.axes,
        add(x, total(mul(w, renamed(apply("max", x, Const(0.0)), U, Axis("u2", 7))), Axis("u2", 7))),
    )
    again = let("again", x.axes, add(z.var, mul(z.var, x)))
    return Case(
        {"x": x.axes, "w": w.axes}, [z, again], lambda x, w: (lambda z: z + z * x)(x + F.relu(x) @ w.T)
    )


CASES = {
    "conv, stride 2, padding 1": conv, "dilated conv": dilated, "transposed conv": transposed,
    "max pooling": lambda: pool("max"), "average pooling": lambda: pool("mean"), "upsampling": upsampled,
    "batch norm": batchnorm, "layer norm": layernorm, "attention": attention, "embedding": embedding,
    "diagonals": diagonals, "last token": last_token, "dropout": dropout, "lstm": lstm, "residual": residual,
}  # fmt: skip


def numbers(case: Case) -> tuple[np.ndarray, list[np.ndarray]]:
    """theta, and its pieces."""
    rng = np.random.default_rng(0)
    pieces = [
        rng.integers(0, 4, t.shape).astype(float) if t.name in case.integers else rng.normal(size=t.shape)
        for t in case.problem.weights
    ]
    return np.concatenate([p.ravel() for p in pieces]), pieces


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_pytorch(name: str) -> None:
    case = CASES[name]()
    theta, pieces = numbers(case)
    loss, gradient = loss_and_gradient(case.problem, theta, NONE, NONE, case.draws)
    given = [torch.tensor(p, requires_grad=True) for p in pieces]
    expected = (case.reference(*given[:-1]) * given[-1]).sum()
    slopes = torch.autograd.grad(expected, given, allow_unused=True)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    flat = [torch.zeros_like(p) if g is None else g for g, p in zip(slopes, given, strict=True)]
    np.testing.assert_allclose(
        gradient, np.concatenate([g.numpy().ravel() for g in flat]), rtol=1e-10, atol=1e-11
    )


@pytest.mark.parametrize("name", ["layer norm", "embedding", "residual", "diagonals"])
def test_second_derivatives_are_those_of_pytorch(name: str) -> None:
    case = CASES[name]()
    theta, pieces = numbers(case)
    ends = np.cumsum([0, *(p.size for p in pieces)])

    def loss(t: object) -> object:
        parts = [t[a:b].reshape(p.shape) for a, b, p in zip(ends, ends[1:], pieces, strict=False)]
        return (case.reference(*parts[:-1]) * parts[-1]).sum()

    expected = torch.autograd.functional.hessian(loss, torch.tensor(theta)).numpy()
    found = Hessians(case.problem).hessian(theta)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)


def test_second_derivatives_through_a_recurrence() -> None:
    case = lstm()
    theta, _ = numbers(case)
    direction = np.random.default_rng(1).normal(size=len(theta))
    product = Hessians(case.problem).hessian(theta, direction[None])[0]
    up, down = (loss_and_gradient(case.problem, theta + s * direction, NONE, NONE)[1] for s in (1e-5, -1e-5))
    np.testing.assert_allclose(product, (up - down) / 2e-5, rtol=1e-5, atol=1e-7)


# -- verify --------------------------------------------------------------------------------------------

X, Y = var("x", U), var("y", V)
SOUND = problem(
    [Tensor("x", (U,), "weight")], [let("z", (U,), mul(X, X)), Let("loss", (), total(var("z", U), U))]
)
WRONG = {
    "z is given twice": [let("z", (U,), X), let("z", (U,), X)],
    "w is read before it is given": [let("z", (U,), var("w", U))],
    "x has the axes [u: 7], not [v: 5]": [let("z", (V,), var("x", V))],
    "z has the axes [], its value [u: 7]": [let("z", (), X)],
    "a reduction over [v: 5] of [u: 7]": [let("z", (U,), Reduce("sum", X, (V,)))],
    "a view along v of [u: 7]": [let("z", (U,), View(X, V, Index(((U, 1),))))],
    "a pick along v of [u: 7]": [let("z", (U,), Pick(X, V, X))],
    "without that axis": [Scan(T, (let("z", (U,), X),))],
    "there is no let loss": [],
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_said(fault: str) -> None:
    broken = replace(SOUND, forward=tuple(WRONG[fault]), backward=SOUND.backward)
    with pytest.raises(AssertionError) as raised:
        verify(broken)
    assert fault in str(raised.value)


def test_what_is_sound_passes() -> None:
    assert verify(SOUND) is SOUND
