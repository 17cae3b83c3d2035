"""A trained network -> an ONNX model, scaling inside, written with the package `onnx` (an extra: `netc[onnx]`).

Any network whose lets are functions, sums, maxima and products over whole axes; what reads other places (convolutions,
recurrences) has no words here and is refused.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.ir import Apply, Const, Expr, Reduce, Var
from netc.compiler.calculus.modes import wanted
from netc.compiler.calculus.simplify import expand, simplify
from netc.compiler.export.model import Array, Exported
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Span

OPSET = 17
OPS = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "neg": "Neg", "pow": "Pow", "exp": "Exp", "log": "Log",
    "sqrt": "Sqrt", "abs": "Abs", "floor": "Floor", "tanh": "Tanh", "sigmoid": "Sigmoid", "erf": "Erf", "sin": "Sin",
    "cos": "Cos", "tan": "Tan", "atan": "Atan", "min": "Min", "max": "Max", "lt": "Less", "le": "LessOrEqual",
    "gt": "Greater", "ge": "GreaterOrEqual", "eq": "Equal", "and": "And", "or": "Or", "not": "Not", "select": "Where",
}  # fmt: skip
"""Primitives of the ir; expm1, log1p and != are made of these."""
REDUCTIONS = {"sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin"}


def onnx_bytes(model: Exported) -> bytes:
    """The file. Raises ValueError without the package, SpecError (E0724) where the network cannot be held."""
    if find_spec("onnx") is None:
        raise ValueError(
            "ONNX files are written by the package onnx, which is not installed: pip install onnx"
        )
    return _Graph(model).written()


class _Graph:
    def __init__(self, model: Exported) -> None:
        import onnx

        self.onnx: Any = onnx
        self.model = model
        self.single = model.precision == "f32"
        self.real = np.float32 if self.single else np.float64
        self.nodes: list[Any] = []
        self.numbers: dict[str, Array] = {}
        self.known: dict[str, str] = {}
        self.made: dict[Expr, str] = {}
        self.span: Span | None = None
        self.where = ""

    def written(self) -> bytes:
        onnx, problem = self.onnx, self.model.problem
        kind = onnx.TensorProto.FLOAT if self.single else onnx.TensorProto.DOUBLE
        x = problem.given("input")
        self.known[x.name] = self.shaped(self.scaled(), (-1, *x.shape))
        for step in wanted(problem.tested.forward, {problem.output}):
            if not isinstance(step, ir.Let):
                raise self.refused("recurrences", next(ir.flat((step,))).span)
            self.span, self.where = step.span, step.name
            value = self.of(expand(simplify(step.value)))
            self.known[step.name] = self.laid(value, step.value.axes, step.axes)
        flat = self.shaped(self.known[problem.output], (-1, problem.outputs))
        self.node("Identity", self.raw(flat), out="outputs")
        graph = onnx.helper.make_graph(
            self.nodes,
            "netc",
            [onnx.helper.make_tensor_value_info("inputs", kind, ["samples", problem.inputs])],
            [onnx.helper.make_tensor_value_info("outputs", kind, ["samples", problem.outputs])],
            [onnx.numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in self.numbers.items()],
            doc_string="\n".join(self.model.about),
        )
        opset = [onnx.helper.make_opsetid("", OPSET)]
        made = onnx.helper.make_model(graph, opset_imports=opset, producer_name="netc", ir_version=8)
        onnx.helper.set_model_props(made, {"netc": json.dumps(self.model.about)})
        onnx.checker.check_model(made, full_check=True)
        content: bytes = made.SerializeToString()
        return content

    # -- scaling: in float64 -----------------------------------------------------------------------

    def scaled(self) -> str:
        value, model = self.cast("inputs", np.float64), self.model
        if model.fill is not None:
            fill = self.number(model.fill)
            value = self.node("Where", self.node("IsNaN", value), fill, value)
        if model.inputs.shift.any():
            value = self.node("Sub", value, self.number(model.inputs.shift))
        if (model.inputs.divisor != 1).any():
            value = self.node("Div", value, self.number(model.inputs.divisor))
        return self.cast(value, self.real)

    def raw(self, value: str) -> str:
        outputs = self.model.outputs
        value = self.cast(value, np.float64)
        if (outputs.divisor != 1).any():
            value = self.node("Mul", value, self.number(outputs.divisor))
        if outputs.shift.any():
            value = self.node("Add", value, self.number(outputs.shift))
        return self.cast(value, self.real)

    def cast(self, value: str, kind: Any) -> str:
        """float64 for the scaling and back, where the network computes in float32."""
        if not self.single:
            return value
        to = self.onnx.TensorProto.DOUBLE if kind is np.float64 else self.onnx.TensorProto.FLOAT
        return self.node("Cast", value, to=to)

    # -- nodes -------------------------------------------------------------------------------------

    def node(self, op: str, *given: str, out: str = "", **settings: Any) -> str:
        name = out or f"v{len(self.nodes)}"
        self.nodes.append(
            self.onnx.helper.make_node(op, given, [name], name=f"n{len(self.nodes)}", **settings)
        )
        return name

    def number(self, values: Any, kind: Any = np.float64) -> str:
        name = f"c{len(self.numbers)}"
        self.numbers[name] = np.asarray(values, kind)
        return name

    def shaped(self, value: str, shape: tuple[int, ...]) -> str:
        return value if len(shape) == 2 else self.node("Reshape", value, self.number(shape, np.int64))

    def laid(self, value: str, axes: ir.Axes, wanted_axes: ir.Axes) -> str:
        """With the wanted axes in their order; those that it lacks have one place."""
        if not axes or axes == wanted_axes:
            return value
        order = [axes.index(a) for a in wanted_axes if a in axes]
        if order != sorted(order):
            value = self.node("Transpose", value, perm=order)
        if lacking := [i for i, a in enumerate(wanted_axes) if a not in axes]:
            value = self.node("Unsqueeze", value, self.number(lacking, np.int64))
        return value

    def refused(self, what: str, span: Span | None) -> SpecError:
        from netc.dsl.source import NOWHERE

        message = f"ONNX has no words here for '{self.where}': {what}"
        hint = ".c and .f90 hold any layers whose samples do not meet"
        return SpecError([Diagnostic("E0724", message, span or NOWHERE, hints=(hint,))])

    # -- expressions -------------------------------------------------------------------------------

    def of(self, expr: Expr) -> str:
        for node in ir.postorder(expr):
            if node not in self.made:
                self.made[node] = self.value(node)
        return self.made[expr]

    def value(self, node: Expr) -> str:
        match node:
            case Const(value):
                return self.number(value, self.real)
            case Var(name):
                return self.tensor(name)
            case Reduce("sum", Apply("mul", (a, b)), over) if _is_product(a, b, over):
                return self.product(a, b, node.axes)
            case Reduce(op, _, over) if op in REDUCTIONS and ir.SAMPLES not in over:
                return self.reduction(node)
            case Reduce(over=over) if ir.SAMPLES in over:
                raise self.refused("it is made of all samples of a batch", self.span)
            case Apply("expm1", (x,)):
                return self.node("Sub", self.node("Exp", self.made[x]), self.number(1.0, self.real))
            case Apply("log1p", (x,)):
                return self.node("Log", self.node("Add", self.made[x], self.number(1.0, self.real)))
            case Apply("ne", (a, b)):
                return self.node("Not", self.node("Equal", *self.side_by_side(node)))
            case Apply(op):
                return self.node(OPS[op], *self.side_by_side(node))
            case _:
                raise self.refused(type(node).__name__.lower(), self.span)

    def side_by_side(self, node: Apply) -> list[str]:
        return [self.laid(self.made[a], a.axes, node.axes) for a in node.args]

    def tensor(self, name: str) -> str:
        if name not in self.known:
            self.known[name] = self.number(self.parameter(name), self.real)
        return self.known[name]

    def parameter(self, name: str) -> Array:
        shape = next(t.shape for t in self.model.problem.tensors if t.name == name)
        return self.model.parameters[name].reshape(shape)

    def product(self, a: Expr, b: Expr, axes: ir.Axes) -> str:
        """sum over i of w[o, i] x[n, i], as a product of matrices."""
        x, w = (a, b) if ir.SAMPLES in a.axes else (b, a)
        assert isinstance(w, Var)
        (over,) = (axis for axis in w.axes if axis in x.axes)
        weights = np.asarray(self.parameter(w.name), self.real)
        turned = weights if w.axes[0] == over else weights.T
        found = self.node(
            "MatMul", self.laid(self.made[x], x.axes, (ir.SAMPLES, over)), self.number(turned, self.real)
        )
        return self.laid(found, (ir.SAMPLES, *(axis for axis in w.axes if axis != over)), axes)

    def reduction(self, node: Reduce) -> str:
        places = [node.arg.axes.index(a) for a in node.over]
        given = self.made[node.arg]
        if node.op == "sum":
            return self.node("ReduceSum", given, self.number(places, np.int64), keepdims=0)
        return self.node(REDUCTIONS[node.op], given, axes=places, keepdims=0)


def _is_product(a: Expr, b: Expr, over: ir.Axes) -> bool:
    """Of a matrix of parameters and something of two axes, one of them the samples'."""
    pairs = ((a, b), (b, a))
    return len(over) == 1 and any(
        isinstance(w, Var) and ir.SAMPLES not in w.axes and len(w.axes) == 2 == len(x.axes)
        and ir.SAMPLES in x.axes and over[0] in w.axes and over[0] in x.axes
        for w, x in pairs
    )  # fmt: skip
