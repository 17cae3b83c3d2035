"""What of `dsl/library` is compared with numbers from outside, and by which calls: `python -m comparisons` lists it.

Numbers from outside are runs of the libraries themselves (`data/dialects`, `data/recorded`), and NumPy written from papers,
lectures and sources (`oracles_of_*.py`). The tests that compare take their calls from the same tables.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any

import oracles_of_families
import oracles_of_lectures
import oracles_of_optimisers_jl
import oracles_of_papers
import oracles_of_schedules
import oracles_of_the_talk
from netc.dsl import ast, library
from netc.dsl.printer import print_expr
from peers import dialects, recorded
from peers.recording import calls

KINDS = ("optimizer", "schedule", "clip")


@dataclass(frozen=True)
class Name:
    """A name in a call, and what the call gives it when it is called."""

    name: str
    log: list[tuple[str, tuple[Any, ...], dict[str, Any]]]

    def __getattr__(self, word: str) -> Name:
        return Name(f"{self.name}.{word}", self.log)

    def __call__(self, *args: Any, **more: Any) -> Name:
        self.log.append((self.name, args, more))
        return self


class Names(dict[str, Any]):
    def __init__(self) -> None:
        super().__init__(true=True, false=False, none=None, inf=inf)
        self.log: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __missing__(self, name: str) -> Name:
        return Name(name, self.log)


def parts(text: str) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """The calls in a call, the inner ones first: names, positional arguments, arguments by name."""
    names = Names()
    for piece in text.replace("lambda", "lambda_").split(", clip = "):
        eval(piece, {"__builtins__": {}}, names)
    return names.log


def compared_calls() -> dict[str, list[str]]:
    """By where the numbers come from."""
    kept = dialects.runs()
    texts = [dialects.call(dialects.load(n)) for n in kept]
    talk = [
        f"turpault.{n}"
        for table in ("WHOLE", "BATCHED", "TWO_BATCHES")
        for n in getattr(oracles_of_the_talk, table)
    ]
    rates = recorded.schedules()
    by_hand = (oracles_of_families, oracles_of_lectures, oracles_of_optimisers_jl, oracles_of_papers)
    return {
        "recorded": [
            *(t for t in texts if not t.startswith("optimizer")),
            *dialects.CLIPS.values(), *(c for _, c in dialects.OTHER_CLIPS),
            *dialects.CLOSED.values(), *dialects.PLATEAUS.values(),
            *(run.call for run in recorded.runs().values()), *recorded.about("optax")["on the loss"],
            *rates["rates"], *rates["plateaus"],
        ],
        "NumPy": [
            *(c for module in by_hand for c in calls(module.CALLS)), *oracles_of_families.CLIPS,
            *(n if n.endswith(")") else f"{n}()" for n in talk), *oracles_of_schedules.FORMULAS,
            *oracles_of_schedules.PLATEAUS,
        ],
    }  # fmt: skip


@cache
def compared() -> dict[tuple[str, str], dict[str, set[str]]]:
    """Of each definition that is compared: where from, with the parameters that some call gives another value."""
    known = {name.lower(): (kind, name) for kind in KINDS for name in library.names(kind)}
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for source, texts in compared_calls().items():
        for name, args, more in (part for text in texts for part in parts(text)):
            if name.lower() in known:
                defaults = of(*known[name.lower()])
                given = dict(zip(defaults, args, strict=False)) | {k.rstrip("_"): v for k, v in more.items()}
                found[known[name.lower()]][source] |= {k for k, v in given.items() if v != defaults[k]}
    return found


def of(kind: str, name: str) -> dict[str, Any]:
    """The parameters of a definition, with their defaults as Python has them; `...` where there is none."""
    definition = library.lookup(kind, name)
    assert isinstance(definition, ast.Optimizer | ast.Schedule | ast.Clip)
    return {p.name: ... if p.default is None else value(p.default) for p in definition.parameters}


def value(e: ast.Expr) -> Any:
    """A number, a tuple, true, false, none or inf as Python has it; what depends on a parameter as text."""
    text = print_expr(e)
    try:
        found = eval(text.replace("^", "**"), {"__builtins__": {}}, Names())
    except TypeError:  # 1/(4*b)
        return text
    return text if isinstance(found, Name) else found


def main() -> None:
    for kind in KINDS:
        for name in library.names(kind):
            sources = compared().get((kind, name), {})
            given = set[str]().union(*sources.values())
            rest = [p for p in of(kind, name) if p not in given]
            print(kind, name, ", ".join(sources) or "NOTHING", *(["never given:", *rest] if rest else []))


if __name__ == "__main__":
    main()
