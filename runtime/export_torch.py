"""A trained network -> PyTorch: its state dict in a file, and the text of the `nn.Sequential` that takes it.

Chains of dense layers only. PyTorch itself is needed to write .pt, not for .safetensors.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from textwrap import wrap

from netc.compiler.calculus import ir
from netc.compiler.calculus.ir import Apply, Const, Expr, Reduce, Var
from netc.compiler.calculus.primitives import ATOM, PRIMITIVES, SUM
from netc.compiler.calculus.simplify import expand, simplify
from netc.compiler.export.model import Array, Exported, number
from netc.compiler.export.one_sample import alone
from netc.compiler.kernels.patterns import chain
from netc.compiler.meaning.spec import Activation, Spec, Use
from netc.dsl import ast, library
from netc.dsl.printer import print_expr

MODULES = {
    "tanh": "nn.Tanh()", "sigmoid": "nn.Sigmoid()", "relu": "nn.ReLU()", "relu6": "nn.ReLU6()",
    "leaky_relu": "nn.LeakyReLU({alpha})", "elu": "nn.ELU({alpha})", "softplus": "nn.Softplus(threshold=40)",
    "gelu": "nn.GELU()", "gelu_tanh": "nn.GELU(approximate=\"tanh\")", "silu": "nn.SiLU()", "mish": "nn.Mish()",
    "softsign": "nn.Softsign()", "hard_sigmoid": "nn.Hardsigmoid()", "hard_tanh": "nn.Hardtanh()",
    "hard_swish": "nn.Hardswish()", "softmax": "nn.Softmax(dim=-1)",
}  # fmt: skip
"""Modules of PyTorch that compute what the library's activation does; others are written as equations."""
CALLS = {"min": "torch.minimum", "max": "torch.maximum", "pow": "torch.pow", "erf": "torch.erf"}
INFIX = {"and": "({0}) & ({1})", "or": "({0}) | ({1})", "not": "~({0})"}
COLUMNS = 100


@dataclass(frozen=True)
class Dense:
    """A layer and the activations behind it."""

    weight: Array
    """(out, in)"""
    bias: Array | None
    activations: tuple[Activation, ...]


def dense_layers(model: Exported, spec: Spec) -> list[Dense]:
    """Raises ValueError where the network is more than a chain of them."""
    groups: list[list[Activation]] = []
    plain = spec.network is not None and chain(model.problem) is not None
    for operation in spec.network.operations if spec.network and plain else ():
        if isinstance(operation, Activation) and groups:
            groups[-1].append(operation)
        else:
            plain = plain and isinstance(operation, Use) and operation.definition.name == "dense"
            groups.append([])
    if not plain:
        raise ValueError(
            "an nn.Sequential is written for chains of dense layers; .c and .f90 hold any layers whose samples do not meet"
        )
    names = (f"layer{n}" for n in range(1, len(groups) + 1))
    held = model.parameters
    return [
        Dense(held[f"{n}.weight"], held.get(f"{n}.bias"), tuple(g))
        for n, g in zip(names, groups, strict=True)
    ]


def sequential(model: Exported, spec: Spec, file: str) -> str:
    """The text of a program that makes the network and loads the file. Raises ValueError where it cannot be written."""
    layers = dense_layers(model, spec)
    classes: list[str] = []
    modules: list[str] = []
    for position, layer in enumerate(layers, start=1):
        outputs, inputs = layer.weight.shape
        bias = ", bias=False" if layer.bias is None else ""
        modules.append(f"nn.Linear({inputs}, {outputs}{bias})")
        made = _modules(layer.activations)
        if made is None:
            classes += _module(model.problem, position, position == len(layers))
            made = [f"Activation{position}()"]
        modules += made
    return "\n".join(_program(model, modules, classes, file)) + "\n"


def _program(model: Exported, modules: list[str], classes: list[str], file: str) -> Iterator[str]:
    yield from (f"# {part}" for line in model.about for part in wrap(line, COLUMNS - 2))
    yield from ("import torch", "from torch import nn")
    if not file.endswith(".pt"):
        yield "from safetensors.torch import load_file"
    yield from ("", "", *classes, "model = nn.Sequential(", *(f"    {m}," for m in modules))
    yield ").double()" if model.precision == "f64" else ")"
    loaded = f'torch.load("{file}", weights_only=True)' if file.endswith(".pt") else f'load_file("{file}")'
    yield from (f"model.load_state_dict({loaded})", "", "")
    yield from _scaled(model)


def _scaled(model: Exported) -> Iterator[str]:
    """`predict`, in the units of the data."""
    yield "def predict(x):"
    value = "x"
    if model.fill is not None:
        yield from _tensor("fill", model.fill)
        yield "    x = torch.where(torch.isnan(x), fill, x)"
    if model.inputs.shift.any() or (model.inputs.divisor != 1).any():
        yield from _tensor("shift", model.inputs.shift)
        yield from _tensor("divisor", model.inputs.divisor)
        value = "(x - shift)/divisor"
    value = f"model({value})" if model.precision == "f64" else f"model(({value}).float()).double()"
    if model.outputs.shift.any() or (model.outputs.divisor != 1).any():
        yield from _tensor("output_shift", model.outputs.shift)
        yield from _tensor("output_divisor", model.outputs.divisor)
        value = f"{value}*output_divisor + output_shift"
    yield f"    return {value}"


def _tensor(name: str, values: Array) -> Iterator[str]:
    numbers = wrap(", ".join(number(v) for v in values), COLUMNS - 8)
    yield f"    {name} = torch.tensor(["
    yield from (f"        {line}" for line in numbers)
    yield "    ], dtype=torch.float64)"


def _modules(activations: tuple[Activation, ...]) -> list[str] | None:
    """None where PyTorch has no module for one of them, or the file has given its name another meaning."""
    found = []
    for activation in activations:
        name = activation.definition.name
        known = library.lookup("activation", name)
        if not isinstance(known, ast.Activation) or print_expr(known.value) != print_expr(
            activation.definition.value
        ):
            return None
        if name in ("lin", "linear"):
            continue
        if name not in MODULES:
            return None
        found.append(MODULES[name].format(**{k: repr(v) for k, v in activation.arguments}))
    return found


def _module(problem: ir.Problem, position: int, last: bool) -> list[str]:
    let = alone(problem.lets[problem.output if last else f"layer{position}.a"])
    value = expand(simplify(let.value))
    return [f"class Activation{position}(nn.Module):", f"    def forward(self, z):  # {let.text}",
            f"        return {torch_text(value)}", "", ""]  # fmt: skip


def torch_text(expr: Expr) -> str:
    """An expression of the units of a layer, z, for tensors whose last axis they are."""
    return _text(expr)[0]


def _text(expr: Expr) -> tuple[str, int]:
    match expr:
        case Const(value):
            return repr(value), SUM if value < 0 else ATOM
        case Var():
            return "z", ATOM
        case Reduce("sum", arg):
            return f"torch.sum({torch_text(arg)}, -1, keepdim=True)", ATOM
        case Reduce("max" | "min" as op, arg):
            return f"torch.a{op}({torch_text(arg)}, -1, keepdim=True)", ATOM
        case Apply("select", (condition, a, b)):
            return f"torch.where({torch_text(condition)}, {torch_text(a)}, {torch_text(b)})", ATOM
        case Apply(op, args) if op in INFIX:
            return f"({INFIX[op].format(*map(torch_text, args))})", ATOM
        case Apply(op, args):
            row = PRIMITIVES[op]
            if row.c.startswith(("{", "-")):
                parts = (_text(a) for a in args)
                words = [
                    f"({t})" if level < need else t
                    for (t, level), need in zip(parts, row.needs, strict=False)
                ]
                return row.c.format(*words), row.level
            name = CALLS.get(op, f"torch.{op}")
            return f"{name}({', '.join(_argument(a, op) for a in args)})", ATOM
    raise ValueError(f"PyTorch has no words for {type(expr).__name__.lower()}")


def _argument(expr: Expr, op: str) -> str:
    """A number where only a tensor is taken."""
    text = torch_text(expr)
    return (
        f"torch.tensor({text}, dtype=z.dtype)" if isinstance(expr, Const) and op in ("min", "max") else text
    )


def state_dict(model: Exported, spec: Spec) -> dict[str, Array]:
    """`0.weight`, `0.bias`, `2.weight`, ...: the numbers are those of the modules of `sequential`. ValueError likewise."""
    found, at = {}, 0
    for layer in dense_layers(model, spec):
        found[f"{at}.weight"] = layer.weight
        if layer.bias is not None:
            found[f"{at}.bias"] = layer.bias
        made = _modules(layer.activations)
        at += 1 + (1 if made is None else len(made))
    return found


def torch_bytes(tensors: dict[str, Array]) -> bytes:
    """As `torch.save` writes them. Raises ValueError without PyTorch."""
    if find_spec("torch") is None:
        raise ValueError(
            "a .pt file is written by PyTorch, which is not installed; .safetensors needs nothing"
        )
    import torch

    content = io.BytesIO()
    torch.save({name: torch.from_numpy(array.copy()) for name, array in tensors.items()}, content)
    return content.getvalue()


def safetensors_bytes(tensors: dict[str, Array]) -> bytes:
    from safetensors.numpy import save

    return bytes(save(tensors, {"format": "pt"}))
