"""Arrays -> a safetensors file, some rows at a time, so that parameters of a million runs need no copy in memory.

The format is that of github.com/huggingface/safetensors: the length of a JSON header, the header, the bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import IO

from netc.runtime.parameters import Array

NUMBERS = 2**21
"""Copied at a time."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """One tensor: its numbers row by row, and the shape it has in the file."""

    rows: Array
    shape: tuple[int, ...]


def write_tensors(file: IO[bytes], tensors: Mapping[str, Pieces], about: Mapping[str, str]) -> None:
    header: dict[str, object] = {"__metadata__": dict(about)}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + prod(tensor.shape) * tensor.rows.itemsize
        kind = f"F{8 * tensor.rows.itemsize}"
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for tensor in tensors.values():
        rows = tensor.rows
        some = max(1, NUMBERS // max(1, rows.shape[1]))
        for at in range(0, len(rows), some):
            file.write(rows[at : at + some].astype(rows.dtype.newbyteorder("<")).tobytes())
