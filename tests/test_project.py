"""The promises around the code: commands, packaging, versions, layers of imports, nothing of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: dict[str, str] = PROJECT["tool"]["setuptools"]["package-dir"]

LAYERS = ("netc.grammar", "netc.dsl", "netc.compiler", "netc.runtime", "netc")
"""Each may import those before it, and itself."""
HEAVY = {"numba", "llvmlite", "scipy", "sklearn", "pandas", "pyarrow", "torch", "jax", "matplotlib"}


def _files() -> list[Path]:
    """What git tracks, or would."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a git checkout")
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


# -- the two commands ----------------------------------------------------------------------------


def _readme_commands() -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^python3 .*$", readme, re.MULTILINE)


def test_the_readme_has_two_commands() -> None:
    train, test = _readme_commands()
    assert train.endswith(".venv/bin/netc run examples/boston.net")
    assert test.endswith(".venv/bin/python -m pytest")


def test_ci_runs_the_readme_test_command() -> None:
    assert _readme_commands()[1] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_ci_installs_the_pinned_torch() -> None:
    (pin,) = (p for p in PROJECT["project"]["optional-dependencies"]["peers"] if p.startswith("torch"))
    assert f"pip install {pin}\n" in (ROOT / ".ci" / "run").read_text()


# -- packaging -----------------------------------------------------------------------------------


def test_every_package_is_listed() -> None:
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(PACKAGES)
    folders = set(PACKAGES.values())
    for top in ("grammar", "dsl", "compiler", "runtime"):
        for module in (ROOT / top).rglob("*.py"):
            assert module.parent.relative_to(ROOT).as_posix() in folders, f"{module} is in no listed package"


def test_every_file_of_a_package_is_shipped() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]
    for package, folder in PACKAGES.items():
        data = [path for path in _files() if path.is_relative_to(ROOT / folder) and path.suffix != ".py"]
        inner = [ROOT / other for other in PACKAGES.values() if other.startswith(f"{folder}/")]
        for path in data:
            if not any(path.is_relative_to(other) for other in inner):
                name = path.relative_to(ROOT / folder).as_posix()
                assert any(fnmatch(name, pattern) for pattern in patterns.get(package, ())), path


def test_nothing_at_the_root_hides_the_package() -> None:
    assert not (ROOT / "netc").exists()
    assert not (ROOT / "netc.py").exists()


def test_one_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert newest is not None
    assert newest[1] == PROJECT["project"]["version"] == version("netc")


# -- nothing of one machine ----------------------------------------------------------------------

FOREIGN = re.compile(
    "|".join(
        (r"(?<![\w.])/(?:work|tmp|home|root|opt)/", "py" + r"pi\.", "python" + "hosted", "index" + "-url")
    )
)


def test_no_machine_paths_and_no_registry_hosts() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in _files()
        if path.suffix in {".py", ".md", ".toml", ".net", ".lark", ".out", ".csv", ""}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FOREIGN.search(line) and path != Path(__file__)
    ]
    assert not found


# -- layers --------------------------------------------------------------------------------------


def _modules() -> Iterator[tuple[str, Path]]:
    """Every module with the layer it stands in."""
    for package, folder in PACKAGES.items():
        if package != "netc.data":
            yield from ((_layer(package), path) for path in (ROOT / folder).glob("*.py"))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                yield from (f"{module}.{name.name}" for name in names)


def _layer(module: str) -> str:
    return max((layer for layer in LAYERS if f"{module}.".startswith(f"{layer}.")), key=len)


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_run_one_way(layer: str) -> None:
    allowed = LAYERS[: LAYERS.index(layer) + 1]
    for package, path in _modules():
        if package == layer:
            for module in _imports(ast.parse(path.read_text(encoding="utf-8"))):
                if module.split(".")[0] == "netc":
                    assert _layer(module) in allowed, f"{path} imports {module}"


@pytest.mark.parametrize("layer", LAYERS[:3])
def test_what_only_makes_text_knows_no_heavy_library(layer: str) -> None:
    for package, path in _modules():
        if package == layer:
            used = {name.split(".")[0] for name in _imports(ast.parse(path.read_text(encoding="utf-8")))}
            assert not used & HEAVY, path


# -- rooms ---------------------------------------------------------------------------------------

ROOMS = {
    "netc.compiler.calculus": (),
    "netc.compiler.meaning": ("calculus",),
    "netc.compiler.lower": ("calculus", "meaning"),
    "netc.compiler.check": (
        "meaning",
        "check.data",
        "check.loss",
        "check.network",
        "check.parts",
        "check.rule",
        "check.several",
        "check.start",
        "check.training",
    ),
    "netc.compiler.check.parts": ("meaning",),
    "netc.compiler.check.data": ("meaning", "check.parts"),
    "netc.compiler.check.network": ("calculus", "meaning", "lower", "check.parts"),
    "netc.compiler.check.loss": ("calculus", "meaning", "lower", "check.parts", "check.network"),
    "netc.compiler.check.start": ("meaning", "check.parts"),
    "netc.compiler.check.training": ("calculus", "meaning", "check.parts"),
    "netc.compiler.check.rule": ("meaning", "lower", "check.parts", "check.training"),
    "netc.compiler.check.several": (
        "calculus",
        "meaning",
        "lower",
        "check.parts",
        "check.data",
        "check.training",
    ),
    "netc.compiler.proofs": ("calculus",),
    "netc.compiler.rules": ("calculus", "meaning", "check", "check.network", "lower", "proofs"),
    "netc.compiler.kernels": ("calculus",),
    "netc.compiler.export": ("calculus",),
    "netc.compiler.kernels.cpu": ("calculus", "kernels"),
    "netc.compiler.kernels.cuda": ("calculus", "kernels"),
    "netc.dsl.words": ("ast", "tokens"),
    "netc.dsl.stories": ("record",),
    "netc.dsl.builder": ("ast", "diagnostics", "dots", "names", "record", "source", "tokens", "words"),
    "netc.runtime.bench": (
        "aligned",
        "atomic",
        "data",
        "devices",
        "parameters",
        "results",
        "opening",
        "session",
        "training",
    ),
    "netc.runtime.data": ("random", "free_room"),
    "netc.runtime.devices": ("atomic", "random", "random_draws", "random_shuffle"),
    "netc.runtime.training": (
        "aligned",
        "data",
        "devices",
        "parameters",
        "random",
        "random_uniform",
        "interrupt",
    ),
    "netc.runtime.results": ("training", "parameters", "atomic", "free_room"),
    "netc.runtime.pictures": ("results", "training", "parameters"),
}
"""Inside a layer: what each room may import, besides itself and the layers below."""


def test_every_room_has_its_law() -> None:
    assert {package for package in PACKAGES if package.count(".") > 1} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_one_way(room: str) -> None:
    layer = _layer(room)
    allowed = (room, *(f"{layer}.{other}" for other in ROOMS[room]))
    names = sorted({*ROOMS, *allowed}, key=len, reverse=True)
    for path in (ROOT / PACKAGES[room]).glob("*.py"):
        for module in _imports(ast.parse(path.read_text(encoding="utf-8"))):
            if module.startswith(f"{layer}."):
                place = next((name for name in names if f"{module}.".startswith(f"{name}.")), module)
                assert place in allowed, f"{path} imports {module}"


def test_the_map_of_the_house_lists_every_room() -> None:
    text = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z_/]+)/` \|", text, re.MULTILINE))
    assert listed == set(PACKAGES.values()) - {"examples", "examples/data"} | {"dsl/library"}


@pytest.mark.parametrize("page", ["house", "decisions", "kernels"])
def test_files_that_pages_name_are_there(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:grammar|dsl|compiler|runtime|tests)/[\w/]+\.(?:py|lark))`", text)
    assert named
    for path in named:
        assert (ROOT / path).is_file(), path
