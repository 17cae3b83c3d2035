"""Names of the ir as identifiers of another language, each once: `layer1.z` is `layer1_z`."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 48
"""Characters; Fortran allows 63, and something may be put in front."""


class Names:
    """Case does not tell names apart, as in Fortran."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = {name.lower() for name in taken}
        self.known: dict[str, str] = {}

    def of(self, name: str) -> str:
        if name not in self.known:
            stem = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:LONGEST] or "v"
            stem = stem if stem[0].isalpha() else f"v{stem}"
            made, count = stem, 1
            while made.lower() in self.taken or re.fullmatch(r"[itp]\d+", made):
                count += 1
                made = f"{stem}_{count}"
            self.taken.add(made.lower())
            self.known[name] = made
        return self.known[name]
