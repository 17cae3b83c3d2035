"""What a layer may not do in test mode: a sample's outputs hang on that sample, the parameters and the states alone."""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import in_mode, reduced
from netc.compiler.lower.layer_faults import fault
from netc.dsl import ast
from netc.dsl.source import Span


def require_test_mode(definition: ast.Layer, steps: tuple[ir.Step, ...], value: ir.Var, span: Span) -> None:
    """Raises LayerFault at the line; `span`: where the layer is used."""
    for let in ir.flat(reduced(in_mode(steps, False), {value.name})):
        nodes = ir.postorder(let.value)
        if any(isinstance(node, ir.Reduce) and ir.SAMPLES in node.over for node in nodes):
            name = let.name.rpartition(".")[2]
            lines = (x for x in definition.lines if isinstance(x, ast.Formula) and x.name == name)
            raise fault(
                "E0240",
                next((line.span for line in lines), span),
                f"'{name}' is taken over the batch in test mode too: a sample's outputs would hang on the other samples",
                "a state that remembers it serves there, as in 'netc explain batchnorm'",
            )
