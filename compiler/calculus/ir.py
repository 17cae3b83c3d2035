"""The typed ir: what is meant. Resolved, sized, typed; nothing optional, nothing of the file's text.

    Program(problem: Problem, starts: Starts, rule: Rule, training: Training)
    Training(epochs, steps, batches: Batches, precision, seed, runs, target)
    Batches(mode, count, shuffle, replacement)
    Problem(tensors: Tensor*, forward: Step*, backward: Step*, loss, gradients, output, mean, updates: Update*,
            test: Problem?)
    Tensor(name, axes: Axes, role, offset, start, own, fans, stored)
    Step = Let | Scan
    Let(name, axes: Axes, value: Expr, text)
    Scan(axis: Axis, lets: Let*, backward)
    Update(state, initial, value)
    Expr = Const | Var | Apply | Reduce | Place | View | Pick | Draw
    Const(value, axes: Axes)
    Var(name, axes: Axes)
    Draw(law, arguments, purpose, axes: Axes)
    Place(axis: Axis)
    Apply(op, args: Expr*)
    Reduce(op, arg: Expr, over: Axes, per)
    View(arg: Expr, axis: Axis, index: Index, outside)
    Index(terms, offset, divisor, floor)
    Pick(arg: Expr, axis: Axis, place: Expr)
    Axis(name, size)
    Starts(fills: Fill*, file, table, axes, held: Held*)
    Fill(law, arguments, offset, size, shape)
    Held(path, layers, named)
    Rule(hypers: Hyper*, states: State*, body: Stmt*, commits: Commit*, test: Stmt*, epoch_end: Stmt*,
            epoch_commits: Commit*, visits_batches, masks: Mask*, watched, shown: Shown*, point)
    Hyper(name, value)
    State(name, axes: Axes, initial: Expr, per_batch)
    Mask(name, of)
    Commit(state, value)
    Stmt = Assign | Evaluate | Fetch | Store | Tell | For | Repeat | Until | If | Stop
    Assign(name, value: Expr)
    Evaluate(point, batch, loss, gradient, counts, tested)
    Fetch(name, memory, index: Expr, axes: Axes)
    Store(memory, index: Expr, value, axes: Axes)
    Tell(state, value: Expr)
    For(index, first: Expr, last: Expr, body: Stmt*)
    Repeat(body: Stmt*, bound)
    Until(condition: Expr)
    If(condition: Expr, body: Stmt*, otherwise: Stmt*)
    Stop(condition: Expr, ending)
    Shown(name, state, component, by_inputs, inside: Inside?, attacked)
    Inside(figure, layer, over: Inside?)

A test holds this page to the classes, in which the words of each field stand. What comes of a line of a file also has
its `span`.

Shapes. Every expression has axes, and element-by-element operations broadcast what lacks one. A number has none and
is computed in float64. In an update rule there is one axis, the parameters; in activations and losses one, the
units of a layer for one sample. A truth value lives only inside conditions.
"""

from netc.compiler.calculus.ir_expressions import *
from netc.compiler.calculus.ir_problem import *
from netc.compiler.calculus.ir_rule import *
