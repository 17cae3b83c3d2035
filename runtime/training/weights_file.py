"""A file of weights -> theta: safetensors with netc's names or PyTorch's, or a state dict that PyTorch has saved.

What is in the file is not run: .pt files are read as tensors only (`weights_only`).
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from netc.compiler.calculus import ir
from netc.dsl.reading import require_regular
from netc.runtime.parameters import Array, flatten

OF_PYTORCH = (".pt", ".pth")
NUMBERED = re.compile(r"(?:.*\.)?(\d+)\.(weight|bias)")
"""A tensor of an nn.Sequential: `0.weight`, `net.2.bias`."""


def weights_of(problem: ir.Problem, file: str) -> Array:
    """theta (P,) or (runs, P), the tensors named as `unflatten` or nn.Sequential does; ValueError says what is wrong."""
    states = {t.name for t in problem.states}
    named = {name: array for name, array in tensors(file).items() if name not in states}
    return flatten(problem, _as_netc(problem, named))


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


def _as_netc(problem: ir.Problem, named: dict[str, Array]) -> dict[str, Array]:
    """Under netc's names, where all tensors are those of an nn.Sequential: layer after layer, by their numbers."""
    matches = {name: NUMBERED.fullmatch(name) for name in named}
    if not named or not all(matches.values()):
        return named
    places = sorted({int(m[1]) for m in matches.values() if m})
    order = {name: (places.index(int(m[1])), m[2]) for name, m in matches.items() if m}
    layers = [part[0].name.partition(".")[0] for part in problem.layers]
    if len(places) != len(layers):
        raise ValueError(
            f"it has {len(places)} layers ({', '.join(map(str, places))}), the network has {len(layers)}"
        )
    return {f"{layers[at]}.{part}": named[name] for name, (at, part) in order.items()}


def _tensors(path: Path) -> dict[str, Array]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"not a readable safetensors file: {error}") from None


def _state_dict(path: Path) -> dict[str, Array]:
    if find_spec("torch") is None:
        raise ValueError("PyTorch reads .pt files, and it is not installed; .safetensors needs nothing")
    import pickle

    import torch

    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError) as error:
        raise ValueError(f"not a state dict of PyTorch: {str(error).splitlines()[0]}") from None
    if not isinstance(held, dict) or not all(isinstance(v, torch.Tensor) for v in held.values()):
        raise ValueError("not a state dict of PyTorch: save model.state_dict(), not the model")
    return {str(name): tensor.detach().to(torch.float64).numpy() for name, tensor in held.items()}
