"""The text of a CUDA kernel -> coroutines in plain Python: barriers and atomic operations give way to other threads.

So does each function that has one, and so on. What a kernel calls in runtime/devices/cuda_device.py is taken along, in the
form that it has in numba's simulator. Numbers of a kernel become NumPy's, integers Python's.
"""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

HERE = __file__
KERNEL = "kernel"
"""The file that lines of the text in hand are in."""

WAITS = ("cuda.syncthreads", "cuda.syncwarp")


class Fault(Exception):
    """What a launch does not survive."""


def unsigned(value: Any) -> Any:
    if value < 0:
        raise Fault(f"bounds: {value} where nothing is negative")
    return np.uint64(value)


class Coroutines(ast.NodeTransformer):
    """Barriers give way to the other threads, and so does each function that has one."""

    def __init__(self, trees: list[ast.Module]) -> None:
        functions = [f for tree in trees for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)]
        self.waiting = {"advance"}
        before = 0
        while before != len(self.waiting):
            before = len(self.waiting)
            self.waiting |= {f.name for f in functions if any(map(self.gives_way, ast.walk(f)))}

    def gives_way(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        name = ast.unparse(node.func)
        return name in WAITS or name in self.waiting or name.startswith("cuda.atomic.")

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not self.gives_way(node):
            return node
        if ast.unparse(node.func) in WAITS:
            return ast.copy_location(ast.Yield(ast.Constant("barrier")), node)
        return ast.copy_location(ast.YieldFrom(node), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        if node.name in self.waiting:  # a generator, also where it only waits in what it calls
            node.body.append(ast.copy_location(ast.Expr(ast.Yield(ast.Constant("moved"))), node.body[-1]))
        return node


DEVICE = "netc.runtime.devices.cuda_"
"""What modules are called whose functions kernels call."""


def sources(text: str) -> dict[str, ast.Module]:
    """The kernel, behind the files that it calls on the device, each behind those that it calls: file -> tree."""
    found: dict[str, ast.Module] = {}

    def visit(file: str, tree: ast.Module) -> None:
        for statement in tree.body:
            if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(DEVICE):
                spec = find_spec(str(statement.module))
                assert spec
                assert spec.origin
                if spec.origin not in found:
                    visit(spec.origin, ast.parse(Path(spec.origin).read_text()))
        found[file] = tree

    visit(KERNEL, ast.parse(text))
    return found


def translated(text: str, machine: Any) -> Any:
    """The kernel `advance` of this text as a function that makes a thread; with what it calls on the device."""
    files = sources(text)
    transform = Coroutines(list(files.values()))
    names: dict[str, Any] = {
        "cuda": machine, "float64": np.float64, "float32": np.float32, "int64": int, "int32": int,
        "uint64": unsigned, "uint32": np.uint32, "config": SimpleNamespace(ENABLE_CUDASIM=True),
    }  # fmt: skip
    space: dict[str, Any] = {"__name__": KERNEL}
    for file, tree in files.items():
        own = []
        for statement in tree.body:
            match statement:
                case ast.ImportFrom(module=("numba" | "numba.core"), names=imported):
                    space |= {name.asname or name.name: names[name.name] for name in imported}
                case ast.ImportFrom(module=str(module)) if module.startswith((DEVICE, "__future__")):
                    pass
                case _:
                    own.append(transform.visit(statement))
        module = ast.fix_missing_locations(ast.Module(own, []))
        exec(compile(module, file, "exec", dont_inherit=True), space)
    return space["advance"]
