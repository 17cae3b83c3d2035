"""A file of weights -> theta: safetensors with netc's names or PyTorch's, a state dict that PyTorch has saved, or what Keras
has (`keras_file.py`).

What is in the file is not run: .pt files are read as tensors only (`weights_only`).
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from netc.compiler.calculus import ir
from netc.dsl.reading import require_regular
from netc.runtime.parameters import Array, flatten, some_of
from netc.runtime.training import keras_file

OF_PYTORCH = (".pt", ".pth")
NUMBERED = re.compile(r"(?:.*\.)?(\d+)\.(\w+)")
"""A tensor of an nn.Sequential: `0.weight`, `net.2.bias`."""
WORDS = {"gamma": "weight", "beta": "bias", "m": "running_mean", "s": "running_var"}
"""Of norms, as PyTorch calls them."""
WHOLE = "save model.state_dict(), not the model"
COUNTER = "num_batches_tracked"
"""PyTorch's, of a batch norm: nothing here reads it."""


def weights_of(problem: ir.Problem, file: str) -> Array:
    """theta (P,) or (runs, P), the tensors named as `unflatten` or nn.Sequential does; ValueError says what is wrong."""
    states = {t.name for t in problem.states}
    named = {name: a for name, a in _as_netc(problem, file).items() if name not in states}
    try:
        theta = flatten(problem, named)
    except ValueError as error:
        raise ValueError(f"{error}{_by_shapes(problem, named)}") from None
    # Of several runs some may have diverged.
    if theta.ndim == 1 and (lost := int((~np.isfinite(theta)).sum())):
        raise ValueError(f"{lost} of its {theta.size} numbers are not finite")
    return theta


def _by_shapes(problem: ir.Problem, named: dict[str, Array]) -> str:
    """How to name the layers of a file that has as many under other names, with arrays of the same shapes; else nothing."""
    there: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, array in named.items():
        layer, _, word = name.rpartition(".")
        there.setdefault(layer, {})[word] = np.shape(array)
    found: dict[str, str] = {}
    for part in problem.layers:
        wanted = {t.name.partition(".")[2]: t.kept_shape for t in part}
        other = next((x for x, shapes in there.items() if shapes == wanted and x not in found.values()), None)
        if other is None or not other:
            return ""
        found[part[0].name.partition(".")[0]] = other
    if list(found) == list(found.values()):
        return ""
    names = ", ".join(x if x.isidentifier() else f'"{x}"' for x in found.values())
    return f"; by their shapes they are those of: init {', '.join(found)}: from ..., names = ({names})"


def states_in(problem: ir.Problem, file: str) -> dict[str, Array]:
    """The states of layers that the file has."""
    named = _as_netc(problem, file)
    return {t.name: named[t.name] for t in problem.states if t.name in named}


def held_in(problem: ir.Problem, held: ir.Held) -> dict[str, Array]:
    """The arrays of these layers, states too where the file has them, by netc's names; ValueError says what is wrong."""
    if keras_file.is_of_keras(Path(held.path)):
        return keras_file.of_layers(problem, Path(held.path), held.layers, held.named)
    named = tensors(held.path)
    if not held.named:
        named = _numbered(problem, named) or named
    found: dict[str, Array] = {}
    for t in problem.tensors:
        layer, _, word = t.name.partition(".")
        there = dict(held.layers).get(layer)
        if there is None or t.role in ("input", "target"):
            continue
        names = [f"{there}.{w}" for w in (word, WORDS.get(word, word))]
        name = next((n for n in names if n in named), None)
        if name is None and t.role == "state":
            continue
        if name is None:
            raise ValueError(f"no {names[0]} among {some_of(list(named))}")
        if np.shape(named[name]) != t.kept_shape:
            raise ValueError(f"{name} has shape {np.shape(named[name])}, {t.name} is {t.kept_shape}")
        found[t.name] = np.asarray(named[name], np.float64)
    return found


def tensors(file: str) -> dict[str, Array]:
    """Of the file, as they were at the end; ValueError."""
    path = Path(file)
    try:
        require_regular(path)
        held = _state_dict(path) if path.suffix in OF_PYTORCH else _tensors(path)
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except OSError as error:
        kind = "PyTorch" if path.suffix in OF_PYTORCH else "safetensors"
        raise ValueError(f"not a readable {kind} file: {error.strerror or error}") from None
    return {k: v for k, v in held.items() if not k.startswith(("best.", "scale."))}


def _as_netc(problem: ir.Problem, file: str) -> dict[str, Array]:
    """Under netc's names, where all tensors are those of an nn.Sequential: layer after layer, by their numbers."""
    if keras_file.is_of_keras(Path(file)):
        return keras_file.as_netc(problem, Path(file))
    named = tensors(file)
    found = _numbered(problem, named)
    if found is None:
        return named
    count = len({name.partition(".")[0] for name in found})
    if count != len(problem.layers):
        places = sorted({int(m[1]) for name in named if (m := NUMBERED.fullmatch(name))})
        raise ValueError(
            f"it has {count} layer{'s'[: count != 1]} ({', '.join(map(str, places))}), the network has {len(problem.layers)}"
        )
    own = {t.name for t in problem.tensors}
    words = {torch: word for word, torch in WORDS.items()}

    def renamed(name: str) -> str:
        layer, _, word = name.partition(".")
        other = f"{layer}.{words.get(word, word)}"
        return other if name not in own and other in own else name

    return {renamed(name): array for name, array in found.items()}


def _numbered(problem: ir.Problem, named: dict[str, Array]) -> dict[str, Array] | None:
    """The tensors of an nn.Sequential as `layer1.weight`, ... in the order of their numbers; None: it is none."""
    matches = {name: NUMBERED.fullmatch(name) for name in named}
    if not named or not all(matches.values()):
        return None
    places = sorted({int(m[1]) for m in matches.values() if m})
    layers = [part[0].name.partition(".")[0] for part in problem.layers]
    layers += [f"layer{i}" for i in range(len(layers) + 1, len(places) + 1)]  # of a longer network
    found = {name: (layers[places.index(int(m[1]))], m[2]) for name, m in matches.items() if m}
    return {f"{layer}.{word}": named[name] for name, (layer, word) in found.items() if word != COUNTER}


def _tensors(path: Path) -> dict[str, Array]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    unread = "it cannot be read here, {}: save it as float32"
    try:
        found: dict[str, Array] = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"not a readable safetensors file: {error}") from None
    except TypeError as error:  # of the name of a kind that NumPy lacks
        raise ValueError(unread.format(error)) from None
    for array in found.values():
        if array.dtype.kind not in "fiub":  # and may have where another package brings it
            raise ValueError(unread.format(array.dtype))
    return found


def _state_dict(path: Path) -> dict[str, Array]:
    if find_spec("torch") is None:
        raise ValueError("PyTorch reads .pt files, and it is not installed; .safetensors needs nothing")
    import pickle

    import torch

    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        whole = "GLOBAL" in str(error)  # a class, which is not loaded
        raise ValueError(
            f"not a state dict of PyTorch: {WHOLE if whole else 'PyTorch cannot read it'}"
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError):
        raise ValueError("not a state dict of PyTorch: PyTorch cannot read it") from None
    if not isinstance(held, dict) or not all(isinstance(v, torch.Tensor) for v in held.values()):
        raise ValueError(f"not a state dict of PyTorch: {WHOLE}")
    return {str(name): tensor.detach().to(torch.float64).numpy() for name, tensor in held.items()}
