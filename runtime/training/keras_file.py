"""Weights that Keras 3 has saved (`NAME.keras`, `NAME.weights.h5`) -> arrays under netc's names, turned as netc has them.

Keras' arrays have the outputs last: (in, out), (height, width, in, out). Those of `dense`, `conv` and of layers under
PyTorch's names have them first, and are turned; those of layers under Keras' names are taken as they lie. Nothing in a file
is run.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.dsl.reading import require_regular
from netc.runtime.parameters import Array

ENDINGS = (".keras", ".h5", ".hdf5")
COUNTED = re.compile(r"(.+?)(?:_(\d+))?")
"""`dense`, `dense_1`: the layers of a class in their order."""
NO_WEIGHTS = ("seed_generator", "optimizer")
Tensors = tuple[ir.Tensor, ...]


@dataclass(frozen=True, eq=False)
class Layer:
    """One with arrays."""

    key: str
    """`dense_1`"""
    name: str
    """What the model calls it; by default the same."""
    arrays: tuple[Array, ...]

    @property
    def text(self) -> str:
        shown = ", ".join("x".join(map(str, a.shape)) or "a number" for a in self.arrays)
        return f"{self.name} ({shown})"


def is_of_keras(path: Path) -> bool:
    return path.suffix in ENDINGS


def as_netc(problem: ir.Problem, path: Path) -> dict[str, Array]:
    """All parameters of the network, and the states that the file has; ValueError says what does not fit."""
    wanted = list(tensors_of(problem).values())
    layers = _in_order(*_layers(path), wanted)
    if len(layers) != len(wanted):
        there = ", ".join(layer.text for layer in layers)
        raise ValueError(f"it has {len(layers)} layers with arrays, {there}; the network has {len(wanted)}")
    return {
        name: a for own, layer in zip(wanted, layers, strict=True) for name, a in taken(own, layer).items()
    }


def of_layers(
    problem: ir.Problem, path: Path, pairs: Sequence[tuple[str, str]], named: bool
) -> dict[str, Array]:
    """Of these layers of the network (layer here, its name there); without names by their places."""
    layers, ordered = _layers(path)
    own = tensors_of(problem)
    found: dict[str, Array] = {}
    for here, there in pairs:
        if named:
            at = next((x for x in layers if there in (x.name, x.key)), None)
        elif ordered:
            place = list(own).index(here)
            at = layers[place] if place < len(layers) else None
        else:
            raise ValueError(f"it does not say the order of its layers: names = ({layers[0].name}, ...)")
        if at is None:
            listed = ", ".join(layer.text for layer in layers)
            raise ValueError(f"it has no layer {there if named else here}; there is {listed}")
        found |= taken(own[here], at)
    return found


def tensors_of(problem: ir.Problem) -> dict[str, Tensors]:
    """Parameters and states, layer by layer, in the order of both."""
    kept = [t for t in problem.tensors if t.role not in ("input", "target")]
    layers = dict.fromkeys(part[0].name.partition(".")[0] for part in problem.layers)
    return {name: tuple(t for t in kept if t.name.partition(".")[0] == name) for name in layers}


# -- an array ----------------------------------------------------------------------------------------


def taken(own: Tensors, layer: Layer) -> dict[str, Array]:
    """The arrays of a layer of Keras, under the names of a layer here. ValueError."""
    found: dict[str, Array] = {}
    rest = list(own)
    for array in layer.arrays:
        part = _of_size(rest, array.size)
        if not part:
            needs = ", ".join(f"{t.name} ({'x'.join(map(str, t.kept_shape))})" for t in own)
            raise ValueError(f"{layer.text} does not fit {needs}")
        del rest[: len(part)]
        found |= _split(part, array, layer)
    if parameters := [t.name for t in rest if t.role != "state"]:
        raise ValueError(f"{layer.text} has nothing for {', '.join(parameters)}")
    return found


def _of_size(tensors: Sequence[ir.Tensor], size: int) -> Sequence[ir.Tensor]:
    """The first ones that hold so many numbers together; nothing where none do."""
    for count in range(1, len(tensors) + 1):
        if (numbers := sum(t.size for t in tensors[:count])) >= size:
            return tensors[:count] if numbers == size else ()
    return ()


def _split(part: Sequence[ir.Tensor], array: Array, layer: Layer) -> dict[str, Array]:
    if len(part) == 1:
        return {part[0].name: _turned(part[0], array, layer)}
    if len({t.role for t in part}) > 1 or any(t.role == "weight" for t in part):
        raise ValueError(f"{layer.text} does not fit {', '.join(t.name for t in part)}")
    pieces = np.split(array.reshape(-1), np.cumsum([t.size for t in part])[:-1])
    return {t.name: piece.reshape(t.kept_shape) for t, piece in zip(part, pieces, strict=True)}


def _turned(t: ir.Tensor, array: Array, layer: Layer) -> Array:
    """As netc has it. Its axes say how it lies: that of the outputs bears the name of the layer."""
    owner, wanted = t.name.partition(".")[0], t.kept_shape
    names = [axis.name for axis in t.axes]
    if len(names) > 1 and names[0] == owner:
        n = array.ndim
        turned = array.transpose(n - 1, n - 2, *range(n - 2)) if n > 1 else array
        if turned.shape == wanted:
            return turned
        there = "x".join(map(str, (*wanted[2:], *wanted[1::-1])))
        raise ValueError(
            f"{layer.text}: {t.name} is {'x'.join(map(str, wanted))} here, {there} as Keras has it"
        )
    own_first = names and names[0].startswith(f"{owner}.")
    outputs_last = names and names[-1] == owner
    merged = outputs_last and array.shape == (*wanted[: array.ndim - 1], prod(wanted[array.ndim - 1 :]))
    exact = array.shape == wanted and (own_first or outputs_last)
    if t.role == "weight" and not (exact or merged):
        raise ValueError(f"{layer.text} does not fit {t.name} ({'x'.join(map(str, wanted))})")
    return array.reshape(wanted)


# -- a file ------------------------------------------------------------------------------------------


def _in_order(layers: list[Layer], ordered: bool, wanted: list[Tensors]) -> list[Layer]:
    """As the model has them: a file of weights alone says the order within each class; only one may fit the network."""
    if ordered or len(layers) != len(wanted):
        return layers
    classes = [list(group) for _, group in groupby(layers, lambda x: _counted(x.key)[0])]
    fitting = []
    for order in _orders(classes, wanted):
        fitting.append(order)
        if len(fitting) > 1:
            break
    if len(fitting) == 1:
        return fitting[0]
    why = "more than one order of its layers fits" if fitting else "no order of its layers fits"
    there = ", ".join(layer.text for layer in layers)
    raise ValueError(f"{why} the network: {there}; model.save('NAME.keras') says the order")


def _orders(classes: list[list[Layer]], wanted: list[Tensors]) -> Iterator[list[Layer]]:
    if not wanted:
        yield []
        return
    for at, group in enumerate(classes):
        if group and _fits(wanted[0], group[0]):
            others = [g[1:] if i == at else g for i, g in enumerate(classes)]
            yield from ([group[0], *rest] for rest in _orders(others, wanted[1:]))


def _fits(own: Tensors, layer: Layer) -> bool:
    try:
        taken(own, layer)
    except ValueError:
        return False
    return True


def _counted(key: str) -> tuple[str, int]:
    found = COUNTED.fullmatch(key)
    assert found
    return found[1], int(found[2] or 0)


def _layers(path: Path) -> tuple[list[Layer], bool]:
    """Those with arrays, and whether they stand in the order of the model. ValueError."""
    if find_spec("h5py") is None:
        raise ValueError('h5py reads the files of Keras, and it is not installed: pip install "netc[keras]"')
    try:
        require_regular(path)
        return _of_model(path) if path.suffix == ".keras" else _of_weights(path)
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except OSError as error:
        raise ValueError(f"not a readable file of Keras: {str(error).splitlines()[0]}") from None


def _of_model(path: Path) -> tuple[list[Layer], bool]:
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            found = _arrays(io.BytesIO(archive.read("model.weights.h5")))
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"not a model that Keras 3 has saved: {error}") from None
    keys = _keys(config)
    if lost := [x.key for x in found if x.key not in keys]:
        raise ValueError(f"its config has no layer {', '.join(lost)}")
    return sorted(found, key=lambda x: keys.index(x.key)), True


def _of_weights(path: Path) -> tuple[list[Layer], bool]:
    layers = _arrays(path)
    classes = {_counted(x.key)[0] for x in layers}
    return sorted(layers, key=lambda x: _counted(x.key)), len(classes) == 1


def _keys(config: Any) -> list[str]:
    """Of the layers in the order of the model: classes in snake case, counted, as Keras names them in a file."""
    try:
        classes = [str(layer["class_name"]) for layer in config["config"]["layers"]]
    except (KeyError, TypeError):
        raise ValueError("its config lists no layers") from None
    seen: dict[str, int] = {}
    keys = []
    for name in map(_snake, classes):
        keys.append(f"{name}_{seen[name]}" if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return keys


def _snake(name: str) -> str:
    """`BatchNormalization` -> `batch_normalization`, `Conv2D` -> `conv2d`, as Keras' naming.to_snake_case."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _arrays(file: Any) -> list[Layer]:
    import h5py

    with h5py.File(file) as held:
        if "layers" not in held:
            old = (
                "; of an older Keras: model.save_weights('NAME.weights.h5')"
                if "model_weights" in held
                else ""
            )
            raise ValueError(f"not weights that Keras 3 has saved: it has no layers{old}")
        return [x for key, group in held["layers"].items() if (x := _layer(key, group)).arrays]


def _layer(key: str, group: Any) -> Layer:
    """Raises ValueError where a layer is made of others."""
    import h5py

    groups: list[tuple[str, list[Array]]] = []

    def visit(path: str, item: Any) -> None:
        if path.split("/")[-1] != "vars" or any(word in path.split("/") for word in NO_WEIGHTS):
            return
        numbered = sorted((n for n in item if isinstance(item[n], h5py.Dataset)), key=int)
        if numbered:
            groups.append((path, [np.asarray(item[n], np.float64) for n in numbered]))

    group.visititems(visit)
    if len(groups) > 1:
        raise ValueError(
            f"its layer {key} is made of several, {', '.join(p for p, _ in groups)}, which is not read"
        )
    name = str(group["vars"].attrs.get("name", key)) if "vars" in group else key
    return Layer(key, name, tuple(groups[0][1]) if groups else ())
