"""Words of other tools, and what `foreign_words.py` says is meant by them. Looks nothing up in a program, reports nothing.

What Keras, PyTorch, scikit-learn, optax, JAX, NumPy and MATLAB call by another name, by the place where people type it.
What is said completes the first line of a message: "'train' has no setting 'batch_size': here it is called 'batch'".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from netc.dsl.tokens import STATEMENTS
from netc.dsl.words.foreign_parameters import LAWS, PARTS, SAME
from netc.dsl.words.foreign_settings import AXES, OF_STATEMENTS, SEARCHES, VALUES
from netc.dsl.words.foreign_words import COUNT, HOMES, TABLES, Place

_INDEXED = re.compile(r"(?P<base>[A-Za-z]\w*?)_(?P<index>t|n|k|i|tp1|tm1|t1|next|prev|old|new)")
_OPEN = re.compile(r"(?P<base>[A-Za-z]\w*?)_")
"""As in `m_(t-1)`."""
_COUNTS = {"t", "k", "i", "iter", "iteration", "step", "steps", "iterations", "globalstep", "count"}
_GRADIENT = {
    "g",
    "gt",
    "gn",
    "gk",
    "grad",
    "grads",
    "gradient",
    "gradients",
    "dw",
    "dtheta",
    "dloss",
    "dldw",
    "nabla",
    "dr",
    "gradr",
    "gradtheta",
    "nablatheta",
    "gradw",
    "nablaw",
    "dlossdtheta",
}


def meant(word: str, place: Place) -> str:
    """What is meant by a word of another tool that is typed at the place; empty where it is none that is known."""
    return _words(place).get(_plain(word), "")


@cache
def _words(place: Place) -> dict[str, str]:
    return {_plain(word): says for says, words in TABLES[place].items() for word in words.split()}


def setting_meant(word: str, statement: str) -> str:
    """What is meant by the setting of another tool in a statement of this kind; empty where it is none that is known."""
    return _said(word, OF_STATEMENTS.get(statement, {})) or meant(word, "setting")


def law_meant(word: str) -> str:
    """`normal` for `randn`, `N`; empty for what is no law to draw from."""
    return next(
        (law for law, words in LAWS.items() if _plain(word) in map(_plain, (law, *words.split()))), ""
    )


def part_of_parameters(word: str) -> str:
    """`weights` for `W`, `kernel`; empty for what is none."""
    return next((part for part, words in PARTS.items() if _plain(word) in words.split()), "")


def axis_meant(word: str) -> str:
    """What is meant by the axis of a sweep that is nowhere in the file."""
    return _said(word, AXES)


def search_meant(word: str) -> str:
    """What is meant by a way to choose the points of a sweep, as others call it."""
    return _said(word, SEARCHES)


def _said(word: str, table: Mapping[str, str]) -> str:
    """Of a table: what is said -> the words of which it is said."""
    return next((says for says, words in table.items() if _plain(word) in map(_plain, words.split())), "")


def same_value(word: str, words: Iterable[str]) -> str:
    """The word among these that other tools call `word`; empty where there is none."""
    plain = _plain(word.strip("\"'"))
    return next((w for w in words if plain in (w.lower(), *map(_plain, VALUES.get(w, "").split()))), "")


def same_parameter(word: str, names: Iterable[str]) -> str:
    """The parameter among these that other tools call `word`; empty where none is."""
    return next((n for n in names if _plain(word) in _called(n)), "")


@cache
def _called(name: str) -> set[str]:
    return {_plain(word) for word in SAME.get(name, "").split()}


def at_home(word: str, statement: str) -> str:
    """Where a word of netc stands that is written in another statement, or as one; empty for other words."""
    homes = [home for home, settings in HOMES.items() if word in settings.split() and home != statement]
    if homes:
        return f"it is a setting of '{homes[0]}': {homes[0]} ..., {word} = ..."
    return f"it is a statement of its own: {word} ..." if word in STATEMENTS and word != statement else ""


def alike(word: str, names: Iterable[str]) -> str:
    """What is said of a name that is here, but for its module, its style of writing, or `loss` behind it."""
    here = (_plain(word), _plain(word).removesuffix("loss"))
    same = sorted((n for n in names if _plain(n) in here), key=lambda n: "." in n)
    return f"here it is called '{same[0]}'" if same else ""


def joined(message: str, says: str) -> str:
    """The first line of a message, with what is meant, if that is known."""
    return f"{message}: {says}" if says else message


def _plain(word: str) -> str:
    """Without the module before it and the style of writing: `nn.CrossEntropyLoss` is `cross_entropy_loss`."""
    return word.rpartition(".")[2].replace("_", "").replace("-", "").lower()


def in_rule(name: str) -> str:
    """What is meant by a name of the gradient, or by one with the time as an index of its letters, as `m_t`, in an update
    rule; empty for other names."""
    if _plain(name) in _GRADIENT:
        return "the gradient of the loss is written grad R(theta[n])"
    if _plain(name) in _COUNTS:
        return COUNT
    found = _INDEXED.fullmatch(name) or _OPEN.fullmatch(name)
    if found is None:
        return ""
    base = found["base"]
    if _plain(base) in _GRADIENT:
        return "the gradient of the loss is written grad R(theta[n])"
    return f"at iteration n it is written {base}[n], at the next one {base}[n+1]"
