"""A hook of MkDocs: pages of the site that are made of the library, and links to files that are no pages.

mkdocs build --strict -f .ci/mkdocs.yml
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mkdocs.structure.files import File, Files

from netc.api_page import page
from netc.commands.list import KINDS, data_sets
from netc.dsl import library

TITLES = {
    "optimizers": "Update rules", "schedules": "Schedules", "activations": "Activations", "layers": "Layers",
    "blocks": "Blocks",
    "losses": "Losses", "inits": "Starts", "clips": "Clips", "searches": "Line searches", "attacks": "Attacks",
}  # fmt: skip


def on_files(files: Files, config: Any) -> Files:
    for words, title in TITLES.items():
        files.append(File.generated(config, f"catalogue/{words}.md", content=_page(KINDS[words], title)))
    files.append(File.generated(config, "python.md", content=page()))
    sets = "\n".join(["# Data sets", "", "```text", *data_sets(), "```", ""])
    files.append(File.generated(config, "catalogue/data.md", content=sets))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fences lose the words that only the tests read; what lies outside of the documents is named, not linked."""
    markdown = re.sub(r"^```(\w+) .*$", r"```\1", markdown, flags=re.MULTILINE)
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"\1", markdown)


def _page(kind: str, title: str) -> str:
    return "\n".join(
        [f"# {title}", "", "As they stand in the library, each with its source.", "", *_definitions(kind)]
    )


def _definitions(kind: str) -> Iterator[str]:
    for name in library.names(kind):
        written = library.text(kind, name).rstrip().splitlines()
        while not written[-1].strip() or written[-1].startswith("#"):
            written.pop()  # the comment above the next one
        yield from (
            f"## {name}",
            "",
            *library.comment(kind, name).splitlines(),
            "",
            "```netc",
            *written,
            "```",
            "",
        )
