"""What an operation is: the activation, layer or block of its name, of the file or of the library."""

from __future__ import annotations

from netc.compiler.check.network.layer_names import tell_ambiguous
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.layer_families import bearers
from netc.compiler.meaning.layer_parameters import Definition
from netc.compiler.meaning.resolve import Definitions, of_another_kind
from netc.dsl import ast, library
from netc.dsl.names import did_you_mean
from netc.dsl.words.vocabulary import alike, joined, meant

Meaning = ast.Activation | Definition


def is_join(operation: ast.Operation, known: Definitions) -> bool:
    """`concat` and `add`, unless the file means something else by them."""
    return operation.name in ("concat", "add") and not any(
        operation.name in table for table in (known.activations, known.layers, known.blocks)
    )


def meaning_of(
    operation: ast.Operation, known: Definitions, told: set[str], report: Report
) -> Meaning | None:
    """None where it has been said why there is none; `told`: names of which it has been said what they may mean."""
    name = operation.name
    if name in known.blocks.own or name in known.layers.own:
        return known.blocks[name] if name in known.blocks.own else known.layers[name]
    for table in (known.activations, known.layers, known.blocks):
        if name in table:
            return table[name]
    if not meant(name, "layer") and tell_ambiguous(name, operation.span, told, report):
        return None
    module, _, last = name.rpartition(".")
    names = [*known.activations.names(), *known.layers.names(), *known.blocks.names()]
    says = meant(name, "layer") or alike(name, names)
    says = says or (meant(module.partition(".")[0], "layer") if module else "") or of_another_kind(name)
    hints = did_you_mean(last if says else name, names) if module or not says else ()
    hints = hints or tuple(f"did you mean '{n}'?" for n in bearers(name, known.blocks.names()))
    report.error(
        "E0102",
        operation.span,
        joined(f"there is no activation or operation called '{operation.span.text or name}'", says),
        hints=hints or ("'netc list activations', 'netc list layers' and 'netc list blocks' show all",),
    )
    return None


def meaning_in_library(
    operation: ast.Operation, known: Definitions, block: str, report: Report
) -> Meaning | None:
    """What a `block` of the library means by a name; one that a file gives another meaning is an error."""
    name = operation.name.lower()
    for table in (known.activations, known.layers, known.blocks):
        own = table.own.get(name)
        if own is not None and own != library.lookup(table.kind, operation.name):
            message = (
                f"'{block}' is made of the library's '{operation.name}', and this file has one of its own"
            )
            hint = f"give yours another name than '{operation.name}', or write the block in the file"
            report.error("E0270", operation.span, message, hints=(hint,))
            return None
    return next(table[name] for table in (known.activations, known.layers, known.blocks) if name in table)
