"""Every code block of the documents is run.

```net                 checked, nothing runs; `file=x.net` keeps it for the blocks after it
```net fragment        parsed only: statements that do not make a whole file
```net error           checked; must have an error
```python              run, all blocks of a document one after the other in one namespace
```text file=x.csv     kept for the blocks after it
```console             `$ netc ...` lines are run; what follows one must be in its output;
                           there `...` stands for anything;
                       `exit=1`: the expected exit status
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tables
from netc.command_line import main
from netc.dsl import library
from netc.dsl.parser import parse
from netc.dsl.source import Source

ROOT = Path(__file__).parent.parent
DOCUMENTS = (
    "README.md",
    "docs/index.md",
    "docs/tutorial.md",
    "docs/tutoriel.md",
    "docs/from-pytorch.md",
    "docs/from-keras.md",
    "docs/from-scikit-learn.md",
    "docs/language.md",
    "docs/models-elsewhere.md",
    "docs/layers.md",
    "docs/explain-and-diff.md",
    "docs/writing-a-rule.md",
    "docs/everyday.md",
    "docs/scaling.md",
    "docs/which-momentum.md",
    "docs/which-adam.md",
    "docs/pictures.md",
)
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    place: str
    language: str
    words: tuple[str, ...]
    text: str

    def setting(self, name: str, default: str) -> str:
        return next((w.removeprefix(f"{name}=") for w in self.words if w.startswith(f"{name}=")), default)


def blocks(document: str) -> list[Block]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return [
        Block(f"{document}:{text[: m.start()].count(chr(10)) + 1}", m[1], tuple(m[2].split()), m[3])
        for m in FENCE.finditer(text)
    ]


def invoke(arguments: list[str], status: int, place: str) -> str:
    """What the command says on both streams."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(stream), redirect_stderr(stream):
        got = main(arguments)
    stream.seek(0)
    output = stream.read()
    assert got == status, f"{place}: netc {shlex.join(arguments)}\n{output}"
    return output


def check_net(block: Block) -> None:
    if "fragment" in block.words:
        parse(Source(block.place, block.text))
        return
    name = block.setting("file", "block.net")
    Path(name).write_text(block.text, encoding="utf-8")
    invoke(["check", name], 1 if "error" in block.words else 0, block.place)


def check_console(block: Block) -> None:
    for session in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, wanted = session.partition("\n")
        program, *arguments = shlex.split(command, comments=True)
        if program != "netc":
            continue
        output = invoke(arguments, int(block.setting("exit", "0")), block.place)
        pattern = re.escape(wanted.strip()).replace(re.escape("..."), ".*?")
        assert re.search(pattern, output, re.DOTALL), f"{block.place}: {command}\n{output}"


def check(block: Block, names: dict[str, Any]) -> None:
    match block.language:
        case "net":
            check_net(block)
        case "console":
            check_console(block)
        case "python":
            exec(compile(block.text, block.place, "exec"), names)
        case "text" if name := block.setting("file", ""):
            Path(name).write_text(block.text, encoding="utf-8")
        case "sh" | "text":
            pass
        case other:
            raise AssertionError(f"{block.place}: no one runs '{other}' blocks")


LONG = {
    f"docs/{name}.md"
    for name in (
        "everyday",
        "from-scikit-learn",
        "from-pytorch",
        "tutoriel",
        "models-elsewhere",
        "scaling",
        "which-adam",
    )
}
"""They train for long: with the exhaustive tests."""


def by_length(documents: Iterable[str]) -> list[Any]:
    """The README in the default run, the pages that do not train for long in the sweep."""
    rest = pytest.mark.sweep
    return [
        d if d == "README.md" else pytest.param(d, marks=pytest.mark.slow if d in LONG else rest)
        for d in documents
    ]


@pytest.mark.parametrize("document", by_length(DOCUMENTS))
def test_every_block_runs(document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "document"}
    for block in blocks(document):
        check(block, names)


def test_the_reference_names_the_whole_library() -> None:
    text = (ROOT / "docs/language.md").read_text(encoding="utf-8")
    for kind in ("activation", "clip", "loss", "init", "schedule", "optimizer"):
        for name in library.names(kind):
            assert re.search(rf"`{re.escape(name)}\b", text), f"docs/language.md lacks the {kind} {name}"


@pytest.mark.parametrize("document", by_length(tables.DOCUMENTS))
def test_tables_are_what_the_command_makes(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert tables.MARKED.search(text)
    assert tables.written(text) == text


def test_no_table_is_left_out() -> None:
    texts = [(ROOT / document).read_text(encoding="utf-8") for document in tables.DOCUMENTS]
    assert sorted(m[2] for text in texts for m in tables.MARKED.finditer(text)) == sorted(tables.TABLES)
