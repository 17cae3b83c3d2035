"""Tables in the documents that are made, not typed: between `<!-- table: NAME -->` and `<!-- end of the table -->`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from tables import adam, momentum

DOCUMENTS = ("docs/which-momentum.md", "docs/which-adam.md")
TABLES: dict[str, Callable[[], tuple[Sequence[str], Iterable[Sequence[str]]]]] = {
    "momentum names": momentum.names,
    "momentum steps": momentum.steps,
    "momentum breaks": momentum.breaks,
    "momentum shares": momentum.shares,
    "adam epsilon": adam.epsilon,
    "adam tiny": adam.tiny,
    "adam first": adam.first,
    "adam decay": adam.decay,
    "adam amsgrad": adam.amsgrad,
}
MARKED = re.compile(r"(<!-- table: ([\w ]+) -->\n).*?(<!-- end of the table -->)", re.DOTALL)


def written(document: str) -> str:
    """The document with its tables made anew."""
    return MARKED.sub(lambda m: f"{m[1]}{table(m[2])}\n{m[3]}", document)


def table(name: str) -> str:
    head, rows = TABLES[name]()
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
