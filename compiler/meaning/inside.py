"""Figures of the inside of a network, as `monitor` and `expect` name them -> `ir.Inside`. Evaluates nothing.

    mean(layer1)  var(layer1)  zeros(layer1)  dead(layer1)         of what a layer gives, behind its activations
    fisher(layer1)  empirical_fisher(layer1)                        traces; of all parameters: fisher(theta)
    norm(theta, layer1)  norm(grad R, layer1)  norm(step, layer1)  norm(theta - theta0, layer1)
    norm(step)  norm(theta - theta0)                                of all parameters
    cosine(grad R)  spread(grad R)  cosine(grad R, layer1)          of the gradients of the batches

`layers` is each layer in turn.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import cast

from netc.compiler.calculus import ir
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.names import did_you_mean
from netc.dsl.record import record

ACTIVATIONS = ("mean", "var", "zeros", "dead")
FISHER = ("fisher", "empirical_fisher")
OF_BATCHES = ("cosine", "spread")
EACH = "layers"
EXAMPLES = ("mean(layer1)", "zeros(layers)", "norm(step, layer1)", "norm(theta - theta0)", "fisher(layer1)")
OWN = (*ACTIVATIONS[1:], *FISHER)
"""Functions that mean nothing else of a name."""
NO_LAW = "Fisher information is of a law of the targets, and this network stands for none"
LAWS = (
    "outputs that are probabilities (softmax, or sigmoid with one output), or half_mse, -log of a normal law",
)


@record
class Named:
    """A figure as it is written: of which layer, by name."""

    figure: ir.Inner
    layer: ast.Name | None
    """None: of all parameters."""


def named(e: ast.Expr, losses: Container[str], layers: Sequence[str]) -> Named | None:
    """None where it is something else. `mean` of a name that is no layer may be another figure's mean."""
    match e:
        case ast.Call(ast.Name(word), (ast.Argument(None, ast.Name("theta")),)) if word in FISHER:
            return Named(cast(ir.Inner, word), None)
        case ast.Call(ast.Name(word), (ast.Argument(None, ast.Name() as layer),)) if word in OWN:
            return Named(cast(ir.Inner, word), layer)
        case ast.Call(ast.Name("mean"), (ast.Argument(None, ast.Name(id) as layer),)):
            return Named("mean", layer) if id in (*layers, EACH) or id.startswith("layer") else None
        case ast.Call(ast.Name("norm"), (ast.Argument(None, of),)):
            vector = _vector(of, losses)
            return Named(vector, None) if vector in ("step", "moved") else None
        case ast.Call(ast.Name("norm"), (ast.Argument(None, of), ast.Argument(None, ast.Name() as layer))):
            vector = _vector(of, losses)
            return Named(vector, layer) if vector else None
        case ast.Call(ast.Name(word), (ast.Argument(None, of), *rest)) if word in OF_BATCHES:
            if _vector(of, losses) != "gradient":
                return None
            match rest:
                case []:
                    return Named(cast(ir.Inner, word), None)
                case [ast.Argument(None, ast.Name() as layer)]:
                    return Named(cast(ir.Inner, word), layer)
    return None


def _vector(e: ast.Expr, losses: Container[str]) -> ir.Inner | None:
    match e:
        case ast.Name("theta"):
            return "theta"
        case ast.Name("step"):
            return "step"
        case ast.Gradient(loss, None, None) if loss in losses:
            return "gradient"
        case ast.Binary("-", ast.Name("theta"), ast.Name("theta0")):
            return "moved"
    return None


def read(e: ast.Expr, losses: Container[str], layers: Sequence[str]) -> tuple[ir.Inside, ...]:
    """The figure, or one for each layer; two of them divided. Empty where it is something else. Raises SpecError."""
    if isinstance(e, ast.Binary) and e.op == "/":
        above, below = (read(part, losses, layers) for part in (e.left, e.right))
        if not above or not below:
            return ()
        count = max(len(above), len(below))
        pairs = zip(above * (count // len(above)), below * (count // len(below)), strict=True)
        return tuple(replace(a, over=b) for a, b in pairs)
    found = named(e, losses, layers)
    if found is None:
        return ()
    if wrong := _fault(found, e, layers):
        raise SpecError([wrong])
    if found.layer is None:
        return (ir.Inside(found.figure, ""),)
    names = layers if found.layer.id == EACH else [found.layer.id]
    return tuple(ir.Inside(found.figure, name) for name in names)


def _fault(found: Named, e: ast.Expr, layers: Sequence[str]) -> Diagnostic | None:
    """Where it has no meaning: what the network lacks."""
    name = found.layer
    if not layers and (name is not None or found.figure not in ("step", "moved")):
        message = "an objective has no layers and no samples"
        own = "figures of its parameters are norm(step), norm(theta - theta0), theta[1]"
        return Diagnostic("E0465", message, e.span, hints=(own,))
    if name is None or name.id in (*layers, EACH):
        return None
    known = f"its layers that learn: {_listed(layers)}; each of them: {EACH}"
    hints = did_you_mean(name.id, [*layers, EACH]) or (known,)
    return Diagnostic("E0465", f"the network has no layer '{name.id}' that learns", name.span, hints=hints)


def _listed(layers: Sequence[str]) -> str:
    return ", ".join(layers) if len(layers) < 8 else f"{layers[0]} to {layers[-1]}"


def written(figure: ir.Inside) -> str:
    """`norm(step, layer1)`, as a column of a history is called."""
    vectors = {"theta": "theta", "gradient": "grad R", "step": "step", "moved": "theta - theta0"}
    if figure.figure in vectors:
        text = f"norm({', '.join(filter(None, (vectors[figure.figure], figure.layer)))})"
    elif figure.figure in OF_BATCHES:
        text = f"{figure.figure}({', '.join(filter(None, ('grad R', figure.layer)))})"
    else:
        text = f"{figure.figure}({figure.layer or 'theta'})"
    return f"{text}/{written(figure.over)}" if figure.over else text


def parts_of(figure: ir.Inside | None) -> tuple[ir.Inside, ...]:
    """It, and what it is divided by."""
    return tuple(one for one in (figure, figure.over if figure else None) if one)
