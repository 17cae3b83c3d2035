"""What `netc explain FILE` says of penalties in the loss: each sum over parameters, and how far its indices run."""

from __future__ import annotations

from collections.abc import Iterator

from netc.compiler.lower.network import tensors_of
from netc.compiler.lower.penalties import ranges
from netc.compiler.meaning.penalties import indexed, penalties_in
from netc.compiler.meaning.spec import Spec
from netc.dsl.printer import print_expr


def penalties_told(spec: Spec) -> Iterator[str]:
    """Sentences; none where the loss sums over no parameters."""
    if spec.loss is None or spec.network is None or spec.loss.definition.value is None:
        return
    tensors = None
    for call in penalties_in(spec.loss.definition.value):
        text = print_expr(call)
        if indexed(call):
            tensors = tensors or tensors_of(spec.network, {a.name.lower(): a for a in spec.functions})
            sizes = ranges(call, tensors, dict(spec.loss.arguments))
            text += f"; {', '.join(f'{name} from 0 to {size - 1}' for name, size in sizes.items())}"
        yield text
