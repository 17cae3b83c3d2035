"""The derivative of the loss by the inputs of each sample, as a problem whose output it is: lets like all others.

In test mode, as what is measured: a sample's derivative hangs on that sample alone. Whoever makes inputs of it (an attack, a
penalty) reads the let `derivative`; it may be derived again.
"""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.calculus.backward import backward
from netc.compiler.calculus.derive import cotangent
from netc.compiler.calculus.modes import reduced


def derivative(problem: ir.Problem) -> str:
    """The name of the let, of the axes of the inputs."""
    return cotangent(problem.given("input").name)


def by_inputs(problem: ir.Problem) -> ir.Problem:
    """What `predict` gives of it is the derivative of the sum of the losses; it derives nothing by the parameters."""
    tested = problem.tested
    derived, (name,) = backward(tested.forward, tested.loss, [tested.given("input")])
    steps = reduced((*tested.forward, *derived), {name, tested.loss})
    return ir.Problem(tested.tensors, steps, (), tested.loss, (), name, tested.mean)
