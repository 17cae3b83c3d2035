"""`python -m tables`: the numbers of docs/which-momentum.md and docs/which-adam.md; `--write` puts them there.

Run from the root of the repository, with `PYTHONPATH=tests`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tables import DOCUMENTS, written


def main() -> None:
    parser = argparse.ArgumentParser(prog="tables", description=__doc__)
    parser.add_argument(
        "--write", action="store_true", help="into the documents; by default they are printed"
    )
    write = parser.parse_args().write
    for name in DOCUMENTS:
        document = Path(name)
        text = written(document.read_text(encoding="utf-8"))
        if write:
            document.write_text(text, encoding="utf-8")
        else:
            print(text)


main()
