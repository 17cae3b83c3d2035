"""Rules that each reach one branch of what a rule becomes in a kernel: run as plain Python, their kernels do what the
interpreter does, on functions (in registers, in memory, runs as lanes) and on a network, whole or in batches."""

from __future__ import annotations

import pytest

from generated_rules import SCHEDULES, SHAPES, Shape, judged, trained
from netc.compiler.calculus.ir import STATUS
from sweeps import one_in

ANYWHERE = {
    "all masks": """
theta[n+1] = theta[n] - eta*(g + 0.1*weights*theta[n] + 0.2*biases + 0.3*gains)""",
    "a norm of each layer and tensor": """
h = g/max(1, sqrt(mean(g^2, per = tensor))/beta)
theta[n+1] = theta[n] - eta*h*norm(eta*theta[n] + g, per = layer)/(norm(beta*h, per = layer) + beta)""",
    "a maximum and a minimum": """
theta[n+1] = theta[n] - eta*g*max(|g|)/(1 + min(|theta[n]|) + mean(g))""",
    "a name that gets another value": """
a = norm(g)
h = 2*g
b = norm(h)
h = h - eta*theta[n]
theta[n+1] = theta[n] - eta*h*(a + b)/(1 + norm(h))""",
    "a state that is read after its change": """
v[0] = 1
v[n+1] = beta*v[n] + g
k[0] = eta
k[n+1] = k[n]*beta
theta[n+1] = theta[n] - eta*v[n+1] - k[n]*v[n]""",
    "two states that change places": """
a[0] = 1
b[0] = 0
a[n+1] = b[n] + g
b[n+1] = a[n]
theta[n+1] = theta[n] - eta*a[n]""",
    "a branch without another": """
h = g
if norm(g) > 0.5:
    h = g/norm(g)
theta[n+1] = theta[n] - eta*h""",
    "branches in a branch": """
k = 1
if n > 1:
    if norm(g) > 0.5:
        k = 0.5
    else:
        k = 2
else:
    k = 3
theta[n+1] = theta[n] - eta*k*g""",
    "steps of two kinds": """
if n >= 2 or norm(g) < 0.2:
    theta[n+1] = theta[n] - eta*g
else:
    theta[n+1] = theta[n] - 2*eta*g""",
    "a search": """
h = 1
repeat at most 9:
    p = theta[n] - h*g
    until R(p) <= R(theta[n]) - 0.5*h*norm(g)^2
    h = h/3
theta[n+1] = p""",
    "a search that asks at its end": """
h = 1
p = theta[n]
repeat at most 3:
    h = h/2
    p = theta[n] - h*g
    until norm(grad R(p)) < norm(g)
theta[n+1] = p""",
    "a search in a branch": """
h = eta
if n > 0:
    repeat at most 4:
        h = h/2
        until R(theta[n] - h*g) < R(theta[n])
theta[n+1] = theta[n] - h*g""",
    "a search in a search": """
h = 1
repeat at most 3:
    k = 1
    repeat at most 3:
        k = k/2
        until k < h
    h = h*k
    until h < 0.3
theta[n+1] = theta[n] - h*eta*g""",
    "a stop before the step": """
stop if n > 2
theta[n+1] = theta[n] - eta*g""",
    "a stop behind the step": """
theta[n+1] = theta[n] - eta*g
stop if n > 2 and norm(theta[n+1] - theta[n]) > 0""",
    "a failure": """
fail if n == 3
theta[n+1] = theta[n] - eta*g""",
    "a stop in a branch": """
if n > 1:
    stop if norm(g) > 0
theta[n+1] = theta[n] - eta*g""",
    "a stop among others in a branch": """
h = g
if n > 0:
    h = 2*g
    stop if norm(g) > 2
    k = norm(h)
    h = h/(1 + k)
theta[n+1] = theta[n] - eta*h""",
    "a failure in a search": """
h = 1
repeat at most 5:
    h = h/2
    fail if n == 2 and h < 0.2
    until h < 0.1
theta[n+1] = theta[n] - h*g""",
    "what is no number": """
theta[n+1] = theta[n] - eta*g/(1 if n < 2 else 0)""",
    "gradients at other points": """
a = grad R(theta[n] - eta*g)
b = grad R(theta[n] - eta*a)
theta[n+1] = theta[n] - eta*(g + a + b)/3""",
    "a gradient in a branch": """
h = g
if n > 1:
    h = grad R(theta[n] - eta*g)
theta[n+1] = theta[n] - eta*h*(1 if R(theta[n]) > 0.1 else 2)""",
    "conditions": """
a = 1 if n < 2 and not norm(g) > 9 else 0
b = where(g > 0, 1, 2)
theta[n+1] = theta[n] - eta*b*g*(1 + a)""",
}
OF_BATCHES = {
    "each batch": """
p = theta[n]
for i in 1..m:
    p = p - eta*grad R[i](p)
theta[n+1] = p""",
    "all batches but the first": """
p = g
for i in 2..m:
    p = p + grad R[i](theta[n])
theta[n+1] = theta[n] - eta*p""",
    "an index that is changed": """
p = g
for i in 1..m:
    p = p + grad R[i](theta[n])
    p = p/i
theta[n+1] = theta[n] - eta*p""",
    "the batches but the last": """
p = g
for i in 1..m-1:
    p = p + grad R[i](theta[n])
theta[n+1] = theta[n] - eta*p""",
    "batches by the count of iterations": """
k = 1 + n if n < 3 else m
theta[n+1] = theta[n] - eta*grad R[k](theta[n])*R[m](theta[n])""",
    "a state of each batch": """
if n == 0:
    for i in 1..m:
        D[i] = grad R[i](theta[n])
        r[i] = R[i](theta[n])
else:
    for i in 1..m:
        D[i] = (D[i] + grad R[i](theta[n]))/2
        r[i] = r[i]*beta
theta[n+1] = theta[n] - eta*sum(D)/(1 + sum(r))""",
    "a stop among the batches": """
p = theta[n]
for i in 1..m:
    p = p - eta*grad R[i](p)
    stop if n == 2 and i == 2
theta[n+1] = p""",
}
OUTSIDE = {
    "a batch before the first": (
        """
p = g
for i in n..m:
    p = p + grad R[i](theta[n])
theta[n+1] = theta[n] - eta*p""",
        0,
    ),
    "a batch behind the last": (
        """
p = g
for i in 1..m:
    p = p + R[i+1](theta[n])
theta[n+1] = theta[n] - eta*p*g""",
        0,
    ),
    "a batch below one": (
        """
k = n + 0.5
theta[n+1] = theta[n] - eta*grad R[k](theta[n])""",
        0,
    ),
    "one batch too many": (
        """
k = n + 1
theta[n+1] = theta[n] - eta*grad R[k](theta[n])""",
        3,
    ),
}
"""And the iteration in which the run ends by it."""
ENDS = (", stop = norm(grad R) < 0.3", ", diverged = R > 2", ", stop = loss < 0.1 and n > 1")
ENDS = (", stop = norm(grad R) < 0.3", ", diverged = R > 2", ", stop = loss < 0.1 and n > 1")
WHERE = {"registers": 0, "lanes": 2, "memory": 3, "batches": 5, "single": 8}
"""Where a run's vectors are; of `SHAPES`."""


def program(body: str, where: str, schedule: str = "", ends: str = "") -> tuple[str, Shape]:
    lines = body.strip().splitlines()
    shape = SHAPES[WHERE[where]]
    start = "init theta ~ uniform(-1, 1)\n" if "network" not in shape.problem else ""
    states = [line for line in lines if "[0] =" in line]
    ordered = [*states, "g = grad R(theta[n])", *(line for line in lines if line not in states)]
    rule = "optimizer r(eta = 0.05, beta = 0.9):\n" + "".join(f"    {line}\n" for line in ordered)
    return (
        f"{shape.problem}{start}{rule}{schedule}train steps = 6, runs = {shape.runs}{shape.more}{ends}\n",
        shape,
    )


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("name", one_in(3, ANYWHERE))
def test_on_functions_and_networks(name: str, where: str) -> None:
    said = judged(*program(ANYWHERE[name], where), seed=3)
    assert said == "", said


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    ("schedule", "ends"),
    [*((s, "") for s in SCHEDULES), *(("", e) for e in ENDS), *zip(SCHEDULES, ENDS, strict=False)],
    ids=str.strip,
)
def test_schedules_and_ends(schedule: str, ends: str, where: str) -> None:
    said = judged(*program("theta[n+1] = theta[n] - eta*(g + beta*eta)", where, schedule, ends), seed=4)
    assert said == "", said


@pytest.mark.parametrize("name", OF_BATCHES)
def test_on_batches(name: str) -> None:
    said = judged(*program(OF_BATCHES[name], "batches"), seed=3)
    assert said == "", said


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_number_that_no_batch_has_ends_a_run(name: str) -> None:
    body, iteration = OUTSIDE[name]
    made = trained(*program(body, "batches"), seed=3)
    assert made is not None
    counters = made.runs[0][3]
    assert counters[0] == iteration
    assert counters[3] == STATUS["batch"]
