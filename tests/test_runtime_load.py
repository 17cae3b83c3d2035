"""The cache of kernels: damaged, read-only, shared; never an error."""

import itertools
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from netc.runtime.devices import cache_folder, load
from sweeps import one_in

TEXT = '''"""A kernel."""
from numba import njit


@njit(cache=True)
def double(x):
    return 2.0 * x
'''

PROGRAM = f"""
import sys
from netc.runtime.devices.load import load_kernels, seal
module = load_kernels({TEXT!r})
assert module.double(21.0) == 42.0
seal(module)
hits = sum(module.double.stats.cache_hits.values())
print(module.__file__, hits)
assert "-W" not in sys.argv
"""


def run(cache: Path) -> tuple[Path, int]:
    """(the module's file, cache hits) of a process of its own."""
    environment = {**os.environ, "NETC_CACHE": str(cache)}
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    file, hits = done.stdout.split()
    return Path(file), int(hits)


def test_second_process_takes_the_machine_code_from_the_cache(tmp_path):
    file, hits = run(tmp_path)
    assert (file.parent, hits) == (tmp_path, 0)
    assert file.read_text() == TEXT
    assert run(tmp_path) == (file, 1)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("compiled")
    run(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "damage"),
    one_in(12, itertools.product(["nbi", "nbc", "py", "json"], ["empty", "short", "noise"])),
)
def test_damaged_entries_are_compiled_again(kind, damage, compiled):
    """Each time it is whole again at the end."""
    (file,) = compiled.glob("*.py")
    (hurt,) = compiled.rglob(f"*.{kind}")
    content = hurt.read_bytes()
    spoilt = {"empty": b"", "short": content[: len(content) // 2], "noise": b"\x80\x05noise" + content[7:]}
    hurt.write_bytes(spoilt[damage])
    assert run(compiled)[0] == file
    assert file.read_text() == TEXT
    assert run(compiled) == (file, 1)


def test_without_a_place_to_write_it_works_without_cache(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    file, hits = run(blocked)
    assert hits == 0
    assert not file.exists(), "the private copy goes with the process"
    read_only = tmp_path / "read_only"
    read_only.mkdir()
    read_only.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if not os.access(read_only, os.W_OK):
        file, hits = run(read_only)
        assert (hits, list(read_only.iterdir())) == (0, [])


@pytest.mark.sweep
def test_processes_at_once(tmp_path):
    environment = {**os.environ, "NETC_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", PROGRAM]
    together = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(3)]
    for process in together:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert run(tmp_path)[1] == 1


def test_info_and_clear(tmp_path, monkeypatch):
    monkeypatch.setenv("NETC_CACHE", str(tmp_path))
    (tmp_path / "other.txt").write_text("not ours")
    run(tmp_path)
    info = cache_folder.cache_info()
    assert (info.folder, info.entries) == (tmp_path, 1)
    assert info.size > len(TEXT)
    assert cache_folder.cache_clear() == info
    assert cache_folder.cache_info().entries == 0
    assert cache_folder.cache_info().size == 0
    assert (tmp_path / "other.txt").exists()


def test_the_key_knows_text_and_parts(tmp_path, monkeypatch):
    monkeypatch.setenv("NETC_CACHE", str(tmp_path))
    plain = "x = 1\n"
    a, b, c = load.load_kernels(plain), load.load_kernels(plain, "part"), load.load_kernels(plain + "\n")
    assert len({a.__name__, b.__name__, c.__name__}) == 3
    assert load.load_kernels(plain) is a
    assert json.dumps(sorted(f.name for f in tmp_path.glob("*.py"))) == json.dumps(
        sorted(f"{m.__name__}.py" for m in (a, b, c))
    )
