"""What the parameters of a layer's definition are: words to choose from, sizes that the input says. Binds nothing.

padding = valid           one of the words that the text compares it with: `if padding == same`
inferred = in_features    the size is that of the input's last index; it may be given, and is that number then
eps = none                has no default, for libraries differ: a use says it; parameters of activations likewise
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from netc.compiler.meaning.resolve_values import CONSTANTS, WORDS
from netc.dsl import ast
from netc.dsl.walks import rebuild, walk

Definition = ast.Layer | ast.Block
NONE = ast.Name("none")


def unsaid(activation: ast.Activation, given: Collection[str]) -> tuple[str, tuple[str, ...]] | None:
    """What is wrong where a call does not say a parameter on which libraries do not agree, and what they have."""
    for p in activation.parameters:
        if p.default == NONE and p.name not in given:
            sources = (s.value for s in activation.settings if s.name == "source")
            notes = tuple(value.value for value in sources if isinstance(value, ast.Text))
            return f"'{activation.name}' does not say {p.name}, on which libraries do not agree", notes
    return None


def choices(definition: Definition) -> Mapping[str, tuple[str, ...]]:
    """The words of each parameter that is a word, its default first."""
    names = {p.name for p in definition.parameters}
    words = (
        (p.name, p.default.id)
        for p in definition.parameters
        if isinstance(p.default, ast.Name) and is_word(p)
    )
    found = {name: [word] for name, word in words if word not in names}
    for node in walk(definition) if found else ():
        match node:
            case ast.Compare("=", ast.Name(parameter), ast.Name(word)) if parameter in found:
                found[parameter] += [word] if word not in found[parameter] else []
    return {name: tuple(words) for name, words in found.items()}


def is_word(p: ast.Parameter) -> bool:
    return isinstance(p.default, ast.Name) and p.default.id not in {**WORDS, **CONSTANTS}


def numbers_of_words(definition: Definition) -> dict[str, float]:
    """Words as numbers: a default is 0, the others count from 1."""
    return {word: float(i) for words in choices(definition).values() for i, word in enumerate(words)}


def inferred(definition: Definition) -> frozenset[str]:
    """Sizes that the input says; of a block all of them."""
    if isinstance(definition, ast.Block):
        return frozenset(p.name for p in definition.parameters if p.default is None)
    said = (s.value for s in definition.settings if s.name == "inferred")
    return frozenset(value.id for value in said if isinstance(value, ast.Name))


def positions(operation: ast.Operation, definition: Definition) -> list[ast.Parameter]:
    """The parameters that arguments without a name stand for: those of the library's call, and where these are too few
    for all sizes, the ones that the input says are left out."""
    parameters = list(definition.parameters)
    sizes = sum(p.default is None for p in parameters)
    if isinstance(definition, ast.Block) or sum(a.name is None for a in operation.arguments) >= sizes:
        return parameters
    return [p for p in parameters if p.name not in inferred(definition)]


def open_sizes(operation: ast.Operation, definition: Definition) -> list[str]:
    """The sizes that neither its own parentheses nor words give, and its input does not say."""
    known = set() if isinstance(definition, ast.Block) else set(inferred(definition))
    known |= {a.name for a in operation.arguments if a.name}
    known |= {word.id for word in operation.words if isinstance(word, ast.Name)}
    unnamed = sum(a.name is None for a in operation.arguments)
    known |= {p.name for p in positions(operation, definition)[:unnamed]}
    return [p.name for p in definition.parameters if p.default is None and p.name not in known]


def shapes_apart(parameters: Iterable[ast.Parameter]) -> tuple[ast.Parameter, ...]:
    """`size = 3x3` as `size_1 = 3, size_2 = 3`, a word as its number."""
    return tuple(component for p in parameters for component in _components(p))


def with_shapes_apart(layer: ast.Layer) -> ast.Layer:
    """In what it requires, too: `stride[1]` as `stride_1`, words as numbers."""
    words = numbers_of_words(layer)
    shapes = {p.name for p in layer.parameters if isinstance(p.default, ast.Shape)}

    def read(expr: ast.Expr) -> ast.Expr:
        match expr:
            case ast.Index(ast.Name(id), ast.Number(value)) if id in shapes:
                return ast.Name(f"{id}_{value:g}", span=expr.span)
            case ast.Name(id) if id in words:
                return ast.Number(words[id], span=expr.span)
        return rebuild(expr, read)

    settings = tuple(replace(s, value=read(s.value)) for s in layer.settings)
    return replace(layer, parameters=shapes_apart(layer.parameters), settings=settings)


def _components(p: ast.Parameter) -> Iterator[ast.Parameter]:
    if not isinstance(p.default, ast.Shape):
        yield ast.Parameter(p.name, ast.Number(0.0), span=p.span) if is_word(p) else p
        return
    for i, size in enumerate(p.default.sizes, start=1):
        yield ast.Parameter(f"{p.name}_{i}", ast.Number(float(size)), span=p.span)
