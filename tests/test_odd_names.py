"""Names that the system allows and nobody expects: of folders, of files, of what is typed in place of a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import netc
from netc.command_line import DEFECT, main
from netc.dsl.diagnostics import SpecError
from sweeps import one_in

TABLE = "a,b\n1,2\n3,4\n5,7\n"
LINE = """data "t.csv"
network [1(lin)1]
init zeros
loss mse
optimizer gd(eta = 0.01)
train epochs = 3
"""
SAYABLE = [
    "a b",
    'quo"te',
    "ha#sh",
    "[red]x",
    "a[0-9]*",
    "per%s",
    "-dash",
    "$HOME",
    "~",
    "a,b=c -> d",
    "\u2028",
    "b\\n",
]
UNSAYABLE = {
    "line\nend": "U+000A",
    "carriage\rreturn": "U+000D",
    "colour\x1b[31m": "U+001B",
    "right\u202eleft": "U+202E",
    "control\x85": "U+0085",
    os.fsdecode(b"latin\xe4"): "the byte 0xe4",
}
LONG = "x" * 300
"""More than a name of a file may have."""
PINNED = Path(__file__).parent / "bad_everyday" / "E0495-folder.out"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of_line(folder: Path) -> Path:
    folder.mkdir()
    (folder / "t.csv").write_text(TABLE)
    (folder / "a.net").write_text(LINE)
    return folder / "a.net"


@pytest.mark.parametrize("name", one_in(24, SAYABLE))
def test_a_run_in_a_folder_of_any_name_is_repeated(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """spec.net names the data by their whole path."""
    file = of_line(Path(name).absolute())
    assert main(["run", str(file), "-q"]) == 0, capsys.readouterr().err
    (kept,) = Path("runs").iterdir()
    assert main(["replay", str(kept), "-q"]) == 0, capsys.readouterr().err
    model, found = netc.compile(kept / "spec.net"), netc.load(kept)
    assert model.train().theta.tobytes() == found.result.theta.tobytes()


@pytest.mark.parametrize("name", UNSAYABLE)
def test_a_path_that_no_text_holds_is_refused_before_anything_runs(
    name: str, capsys: pytest.CaptureFixture[str], update_golden: bool
) -> None:
    try:
        file = of_line(Path(name))
    except OSError:
        pytest.skip("the file system has no such names")
    assert main(["run", str(file), "-q"]) == 1
    words = capsys.readouterr().err
    assert "E0495" in words
    assert UNSAYABLE[name] in words
    assert "\x1b" not in words
    assert "\u202e" not in words
    assert not Path("runs").exists()
    for text in ('data iris, validation = "{}"\n', 'init from "{}"\n', 'init layer1: from "{}"\n'):
        with pytest.raises(SpecError, match="E0495"):
            netc.compile(_with(text, file.parent))
    if name == "line\nend":
        os.chdir(name)
        with pytest.raises(SpecError) as error:
            netc.compile("a.net")
        if update_golden:
            PINNED.write_text(f"{error.value}\n")
        assert f"{error.value}\n" == PINNED.read_text()


def _with(statement: str, folder: Path) -> Path:
    keyword = statement.split()[0]
    others = [line for line in LINE.splitlines(keepends=True) if not line.startswith(keyword)]
    file = folder / "b.net"
    file.write_text("".join([statement.format("t.csv"), *others]))
    return file


def test_a_folder_of_any_name_runs_what_has_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    name = "line\nend"
    Path(name).mkdir()
    file = Path(name, f"{name}.net")
    file.write_text("objective R(x) = x^2\ninit theta = (1)\noptimizer gd(eta = 0.1)\ntrain steps = 3\n")
    assert main(["run", str(file), "-q"]) == 0, capsys.readouterr().err
    (kept,) = Path("runs").iterdir()
    assert main(["replay", str(kept), "-q"]) == 0, capsys.readouterr().err
    assert main(["explain", str(file)]) == 0, capsys.readouterr().err


RULE = "theta[n+1] = theta[n] - 0.1*grad R(theta[n])" + " + 0*theta[n]" * 30
"""On one line, longer than a name of a file may be."""


def test_a_rule_of_one_long_line_is_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    text = f"optimizer slow(eta = 0.1): {RULE}"
    assert main(["diff", text, "gd(eta = 0.1)"]) != DEFECT
    assert main(["explain", text]) != DEFECT
    shown = capsys.readouterr()
    assert "File name too long" not in shown.out + shown.err


@pytest.mark.parametrize("name", [LONG, f"{LONG}.net", "loop", "loop.net", "loop/x"])
@pytest.mark.parametrize(
    "command",
    [("check",), ("explain",), ("show",), ("replay",), ("plot",), ("predict", "t.csv"), ("export", "x.c"),
     ("reproduce",), ("report",), ("judge",), ("run",), ("run", "--resume"), ("examples",), ("data", "show")],
    ids=" ".join,
)  # fmt: skip
def test_a_name_that_leads_nowhere_is_no_defect(command: tuple[str, ...], name: str) -> None:
    """Too long, a link that goes round."""
    for link in ("loop", "loop.net"):
        Path(link).symlink_to(link)
    Path("t.csv").write_text(TABLE)
    words = [command[0], name, *command[1:]] if len(command) > 1 and "." in command[1] else [*command, name]
    assert main(words) in (1, 2, 3)


@pytest.mark.parametrize("name", [LONG, "loop", "loop/x", "t.csv/x"])
@pytest.mark.parametrize(
    "statement",
    ['data "{}"', 'data "{}.csv"', 'use "{}"', 'use "{}.net"', 'init from "{}"', 'init layer1: from "{}.safetensors"',
     'data iris, validation = "{}.csv"'],
)  # fmt: skip
def test_a_file_that_leads_nowhere_is_named(
    statement: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for link in ("loop", "loop.csv", "loop.net", "loop.safetensors"):
        Path(link).symlink_to(link)
    Path("t.csv").write_text(TABLE)
    file = _with(statement.format(name) + "\n", Path())
    assert main(["run", str(file), "-q"]) in (1, 3)
    assert name[:50] in capsys.readouterr().err


def test_folders_of_the_environment_may_lead_nowhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NETC_DATA", f"/{LONG}")
    assert main(["data", "list"]) == 0
    assert "boston" in capsys.readouterr().out
