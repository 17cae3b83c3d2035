"""Spellings: Greek letters and signs to their ASCII names and back, and the nearest known name.

Knows letters and words only, not what any name means.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_SMALL = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "ζ": "zeta",
    "η": "eta",
    "θ": "theta",
    "ι": "iota",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ν": "nu",
    "ξ": "xi",
    "ο": "omicron",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "υ": "upsilon",
    "φ": "phi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
}

GREEK: dict[str, str] = {
    **_SMALL,
    **{letter.upper(): name.capitalize() for letter, name in _SMALL.items()},
    "ς": "sigma",
    "ϑ": "theta",
    "ϵ": "epsilon",
    "ϕ": "phi",
    "ϱ": "rho",
    "ϖ": "pi",
    "µ": "mu",  # the micro sign, a key of its own on many keyboards
}
"""A letter and the name that it stands for."""

TO_GREEK = {name: letter for letter, name in _SMALL.items() if name != "omicron"}
TO_GREEK |= {
    name: letter.upper() for letter, name in (("γ", "Gamma"), ("δ", "Delta"), ("φ", "Phi"), ("ω", "Omega"))
}

SUBSCRIPTS = {c: str(i) for i, c in enumerate("₀₁₂₃₄₅₆₇₈₉")}
SUPERSCRIPTS = {c: str(i) for i, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")} | {"⁻": "-", "⁺": "+"}

SIGNS: dict[str, str] = {
    "·": "*",
    "⋅": "*",
    "×": "*",
    "∗": "*",
    "÷": "/",
    "−": "-",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "∈": "in",
    "→": "->",
    "∼": "~",
    "…": "..",
    "∇": "grad",
    "||": "‖",
    "==": "==",
}
"""A sign and the literal of the grammar that it is another spelling of."""

WORD_SIGNS = {"Σ": "sum", "∑": "sum", "∞": "inf"}
"""Signs that are names."""

FRACTIONS = {"½": "0.5", "¼": "0.25", "¾": "0.75"}


def canonical(name: str) -> str:
    """The ASCII spelling of a name: `β₁` -> `beta1`. Letters without one (`é`) stay."""
    name = unicodedata.normalize("NFC", name)
    return "".join(GREEK.get(c) or SUBSCRIPTS.get(c) or c for c in name)


def greek(name: str) -> str:
    """The name with its letters as in print: `beta1` -> `β1`, `theta` -> `θ`; any other stays."""
    stem = name.rstrip("0123456789")
    return TO_GREEK.get(stem, stem) + name[len(stem) :]


_ELSEWHERE = {"ln": "log", "sgn": "sign", "arctan": "atan", "tg": "tan", "fabs": "abs"}
"""Functions as others call them."""
_LOOK_ALIKES = str.maketrans("асеіјорѕхуАВСЕНІЈКМОРЅТХУ", "aceijopsxyABCEHIJKMOPSTXY")
"""Cyrillic letters that are printed as Latin ones."""


def unused(wanted: str, taken: set[str]) -> str:
    """`wanted`, or `wanted_2`, ... where that is taken; it is taken now."""
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}_{count}"
    taken.add(name)
    return name


def nearest(word: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Known names that `word` may be a slip of, the likeliest first, or else those that it begins (`he` of
    `he_normal`); empty if there is none."""
    known = set(known)
    lower = word.lower()
    scored = [(_likeness(lower, name.lower()), name) for name in known]
    near = sorted((-score, name) for score, name in scored if score >= 0.7)
    begun = sorted((len(name), name) for name in known if name.lower().startswith(lower + "_"))
    return [name for _, name in (near or begun)[:limit]]


def latin(word: str) -> str:
    """With the Latin letters that its Cyrillic ones are printed as."""
    return word.translate(_LOOK_ALIKES)


def strange(word: str) -> str:
    """Its first letter that is none of those that it looks like, by name; there is one."""
    letter = next(c for c in word if ord(c) in _LOOK_ALIKES)
    return f"'{letter}', {unicodedata.name(letter)}"


def did_you_mean(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """The hint lines for an unknown name: one, or none where nothing is near."""
    known = list(known)
    if word in _ELSEWHERE and _ELSEWHERE[word] in known:
        return (f"here it is called '{_ELSEWHERE[word]}'",)
    if latin(word) != word and latin(word) in known:
        return (f"'{latin(word)}' looks the same: here stands {strange(word)}",)
    match nearest(word, known):
        case []:
            return ()
        case [one]:
            return (f"did you mean '{one}'?",)
        case [*some, last]:
            return (f"did you mean {', '.join(repr(s) for s in some)} or '{last}'?",)
    raise AssertionError  # pragma: no cover


def _likeness(a: str, b: str) -> float:
    """1 for equal, 0 for nothing in common; a swap of two neighbours counts as a small slip."""
    if a == b:
        return 1.0
    if sorted(a) == sorted(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 2:
        return 0.95
    from difflib import SequenceMatcher  # only needed where something is wrong

    return SequenceMatcher(None, a, b, autojunk=False).ratio()
