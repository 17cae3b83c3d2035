"""Kernel text -> module: writes the text into the cache, imports it, keeps numba's machine code beside it.

An entry of the cache is a readable Python module and numba's files for it, in one folder (`cache_folder.py`). A program
is up to three of them (`parts.py`), of which others have some in common. Every file of an entry is checksummed when it is
complete (`seal`), and what does not match its checksum is thrown away before numba reads it: a damaged entry costs a
compilation, never an error.
Does not compile anything itself: numba does so at the first call.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from netc.compiler.kernels.cpu.entries import ENTRY
from netc.runtime.atomic import write_text
from netc.runtime.devices.cache_folder import PREFIX, own_folder
from netc.runtime.devices.compiling import compiling
from netc.runtime.devices.parts import split

_loaded: dict[str, ModuleType] = {}
_modules: dict[str, tuple[ModuleType, ...]] = {}
"""Of a loaded program, by the name of the last, which has what callers ask for."""
_kept = set[str]()
"""Modules whose machine code was on disk when they were loaded."""
_new: dict[str, tuple[str, ...]] = {}
"""Of a loaded program likewise, what of it had no machine code on disk when it was loaded."""
_spent: dict[str, float] = {}
"""Of a loaded program likewise, the seconds of compiling while it was loaded, until somebody asks."""
_sealed: dict[str, int] = {}
"""Compiled functions of a module when it was sealed last."""


def load_kernels(text: str, *parts: str) -> ModuleType:
    """The functions and constants of this text, from the cache where they are there.

    `parts` are what the machine code depends on beside the text, the machine and netc itself.
    """
    program = _key(text, *parts)
    if program not in _loaded:
        began = time.perf_counter()
        _on_disk.cache_clear()
        modules: list[ModuleType] = []
        before: list[tuple[str, tuple[str, ...]]] = []
        pieces, new = split(text), list[str]()
        for part in pieces:
            modules.append(_module(part.text(before) if len(pieces) > 1 else text, *parts))
            before.append((modules[-1].__name__, part.names))
            new += [part.what] if modules[-1].__name__ not in _kept else []
        name = modules[-1].__name__
        _loaded[program], _modules[name] = _entries(modules[-1]), tuple(modules)
        _new[name] = tuple(dict.fromkeys(new))
        _spent[name] = time.perf_counter() - began if new else 0.0
    return _loaded[program]


def _module(text: str, *parts: str) -> ModuleType:
    name = PREFIX + _key(text, *parts)
    if name in sys.modules:
        return sys.modules[name]
    # Threads that wait should sleep: spinning ones take the time of those that work when the machine is shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    path = _write(name, text)
    _kept.update([name] if _undamaged(path) else [])
    spec = importlib.util.spec_from_file_location(name, path, loader=_Text(name, str(path), text))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # numba finds a cached function's globals by the module's name, so it stands there before it runs.
    sys.modules[name] = module
    try:
        with compiling():
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _Text(SourceFileLoader):
    """A module from the text it should have. What Python keeps of such a file (`.pyc`) is neither read nor written."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, self.path, "exec", dont_inherit=True)


def _entries(module: ModuleType) -> ModuleType:
    """The module as callers see it: each function is compiled at its first call, with little optimization."""
    seen = ModuleType(module.__name__, module.__doc__)
    for name, value in vars(module).items():
        found = vars(module).get(name + ENTRY, value)
        vars(seen)[name] = _Entry(found) if hasattr(found, "overloads") else found
    return seen


class _Entry:
    """A compiled function, compiled at its first call with little optimization."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        if self._function.overloads:  # not `signatures`, which is made anew at each look
            return self._function(*arguments)
        with compiling():
            return self._function(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)


def uncompiled(kernels: ModuleType) -> tuple[str, ...]:
    """`shared functions`, `loss and gradient`, `rule`: what of a program is to be compiled; nothing if all was kept."""
    return _new[kernels.__name__]


def compiled_at_loading(kernels: ModuleType) -> float:
    """Seconds that were spent compiling when they were loaded; told once."""
    return _spent.pop(kernels.__name__, 0.0)


def seal(module: ModuleType) -> None:
    """Notes the checksums of numba's files for these functions, once they are compiled."""
    _on_disk.cache_clear()
    for part in _modules[module.__name__]:
        _seal(part)
    _new[module.__name__] = ()


def _seal(module: ModuleType) -> None:
    assert module.__file__ is not None
    own = [f for f in vars(module).values() if getattr(f, "__module__", "") == module.__name__]
    compiled = sum(len(function.overloads) for function in own if hasattr(function, "overloads"))
    if _sealed.get(module.__name__) == compiled:
        return
    _sealed[module.__name__] = compiled
    path = Path(module.__file__)
    sums = {file.name: _checksum(file) for file in _machine_code(path)}
    if sums and sums != _sums(path):
        with suppress(OSError):  # the cache is a convenience, a full disk no error
            write_text(path.with_suffix(".json"), json.dumps(sums, indent=1, sort_keys=True))


def _key(text: str, *parts: str) -> str:
    digest = hashlib.sha256()
    for part in (text, *parts, *_versions(), processor_key()):
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:24]


def processor_key() -> str:
    """The processor numba compiles for; its own settings for it count too."""
    from llvmlite import binding

    settings = sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith("NUMBA_CPU"))
    features: str = binding.get_host_cpu_features().flatten()
    return " ".join([binding.get_host_cpu_name(), features, *settings])


@cache
def _versions() -> tuple[str, ...]:
    """With the content of the modules the kernels import, which numba's own cache does not follow."""
    from importlib.metadata import version  # a check waits for it for nothing

    devices = Path(__file__).parent
    random = devices.parent.glob("random*.py")
    names = sorted(
        {
            *devices.glob("simd*.py"),
            *devices.glob("vmath*.py"),
            devices / "apart.py",
            devices / "kernel.py",
            *random,
        }
    )
    return version("netc"), version("numba"), sys.version, *(_checksum(file) for file in names)


def _write(name: str, text: str) -> Path:
    """The module's file: in the cache if it can be written to, else in a folder of this process alone."""
    path = Path(f"{name}.py")
    try:
        folder = own_folder()
        path = folder / f"{name}.py"
        if not _holds(path, text):
            # A new file has a new time stamp, which makes numba forget the machine code of the old one.
            write_text(path, text)
    except OSError:
        path = _private_folder() / f"{name}.py"
        write_text(path, text)
    return path


def _holds(path: Path, text: str) -> bool:
    try:
        return path.is_file() and path.read_bytes() == text.encode()
    except FileNotFoundError:
        return False


def _private_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="netc-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _undamaged(path: Path) -> list[Path]:
    """The machine code of a module, without what is not what was sealed: cut short, altered, or never completed."""
    sums, kept = _sums(path), list[Path]()
    with suppress(OSError):
        for file in _machine_code(path):
            if sums.get(file.name) == _checksum(file):
                kept.append(file)
            else:
                file.unlink(missing_ok=True)
    return kept


def _sums(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.with_suffix(".json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _machine_code(path: Path) -> list[Path]:
    """Of the module with this file."""
    folder = path.parent / "__pycache__"
    return [folder / name for name in _on_disk(folder).get(path.stem, ())]


@cache
def _on_disk(folder: Path) -> dict[str, list[str]]:
    """Numba's files in a folder, by module; looked at once for a program, since a cache holds thousands."""
    found: dict[str, list[str]] = {}
    with suppress(FileNotFoundError):
        for name in sorted(os.listdir(folder)):
            if name.endswith((".nbi", ".nbc")):
                found.setdefault(name.partition(".")[0], []).append(name)
    return found


def _checksum(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        # Another process was faster; its files are its own.
        return ""
