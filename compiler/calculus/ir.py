"""The typed ir: what is meant. Resolved, sized, typed; nothing optional, nothing of the file's text.

    program   = problem, starts, rule, training
    problem   = Problem(tensor*, step* forward, step* backward, loss, gradients, output, mean, update*, problem of test mode)
    step      = Let(name, axes, expr) | Scan(axis, let*)
    rule      = hyper*, state*, stmt*, commit*
    stmt      = Assign | Evaluate | Fetch | Keep | For | Repeat | Until | If | Stop
    expr      = Const | Var | Draw | Place(axis) | Apply(primitive, expr*) | Reduce(sum | max | min, expr, axis*)
              | View(expr, axis, index) | Pick(expr, axis, expr)

Shapes. Every expression has axes, and element-by-element operations broadcast what lacks one. A number has none and
is computed in float64. In an update rule there is one axis, the parameters; in activations and losses one, the
units of a layer for one sample. A truth value lives only inside conditions.
"""

from netc.compiler.calculus.ir_expressions import *
from netc.compiler.calculus.ir_problem import *
from netc.compiler.calculus.ir_rule import *
