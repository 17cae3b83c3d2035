"""What a bare name of a layer or block may mean: those that bear it, and the lines in which they differ. Compares text
alone; what two layers compute is compared in `rules/compare_layers.py`.

    'batchnorm' -> lecture.batchnorm, torch.BatchNorm1d, torch.BatchNorm2d, keras.BatchNormalization
    'transformer' -> transformer.prenorm, transformer.postnorm
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from netc.dsl import library

WIDTH = 112
SHORTEST = 3
"""Letters of a name that others may begin or end with."""
_SAID = ("source", "require", "images", "inferred")


def named() -> list[str]:
    """The library's layers, then its blocks."""
    return [*library.names("layer"), *library.names("block")]


def kind_of(name: str) -> str:
    """`layer` or `block`, of one of the library."""
    return "block" if name in library.names("block") else "layer"


def bearers(word: str, known: Iterable[str]) -> list[str]:
    """Those of the name, whosever: `lstm` of torch.LSTM, `batchnorm` of keras.BatchNormalization, `rnn` of SimpleRNN."""
    bare = _plain(word)
    found = []
    for name in known:
        last, stem = _plain(name.rpartition(".")[2]), _plain(name.rpartition(".")[0])
        of_library = name != name.lower() and len(bare) >= SHORTEST
        longer = of_library and (last.startswith(bare) or last.endswith(bare))
        if last == bare or stem == bare or longer:
            found.append(name)
    return sorted(found, key=_order)


def _order(name: str) -> int:
    """netc's own, then PyTorch's."""
    return 0 if name == name.lower() else 1 if name.startswith("torch.") else 2


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def head(name: str) -> str:
    """`torch.LSTM(input_size, hidden_size; num_layers = 1, bias = true)`"""
    return _statements(name)[0].removeprefix(f"{kind_of(name)} ").removesuffix(":")


def equations(name: str) -> list[str]:
    """The lines of the definition, each in one line, without what is said about it and what starts alone read."""
    lines = [line for line in _statements(name)[1:] if not line.startswith(tuple(f"{s} =" for s in _SAID))]
    read = " ".join(line for line in lines if not line.startswith("learn ") and " = " in line)
    return [line for line in lines if line.startswith("learn ") or _is_read(line, read, lines)]


def _is_read(line: str, read: str, lines: Sequence[str]) -> bool:
    left = re.split(r"[ \[]", line, maxsplit=1)[0]
    return line in lines[-2:] or len(re.findall(rf"\b{left}\b", read)) > 1 or "[" in line.partition(" = ")[0]


def comment(name: str) -> str:
    """What stands above the definition, if that is about it alone, in one line."""
    return " ".join(library.comment(kind_of(name), name).split())


def _statements(name: str) -> list[str]:
    lines: list[str] = []
    for line in library.text(kind_of(name), name).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        text, depth = line.strip(), len(line) - len(line.lstrip())
        if lines and (depth != len("    ") or not lines[0].endswith(":")):
            lines[-1] += ("" if lines[-1].endswith(("[", "(")) else " ") + text
        else:
            lines.append(text)
    return [re.sub(r" +", " ", line) for line in lines]


def differing(names: Sequence[str]) -> Iterator[str]:
    """Each layer's head, and below it its equations that are not all the others', too."""
    every = {name: [line for line in equations(name) if not line.startswith("learn ")] for name in names}
    common = set.intersection(*(set(lines) for lines in every.values())) if names else set()
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, lines in every.items():
        groups.setdefault(tuple(line for line in lines if line not in common), []).append(name)
    for own, same in groups.items():
        for name in same:
            yield from wrap(head(name), WIDTH, subsequent_indent="  ", break_long_words=False)
        for line in own:
            yield from wrap(
                line, WIDTH, initial_indent="    ", subsequent_indent="        ", break_long_words=False
            )


def refused(name: str, word: str) -> str:
    """The sentence above a definition of a library in which the word stands: what of its settings cannot be said."""
    if "." not in name or name not in library.names("layer"):
        return ""
    sentences = re.split(r"(?<=[.;]) ", comment(name))
    return next((s for s in sentences if re.search(rf"\b{re.escape(word)}\b", s)), "")
