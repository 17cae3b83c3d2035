"""PyTorch's rules and clips, and those of torch-optimizer, lion-pytorch and timm, recorded.

`pip install torch==2.13.0 torch-optimizer==0.3.0 pytorch_ranger lion-pytorch==0.2.5 timm==1.0.31`; of timm only
the file of the rule is loaded, the rest of it wants torchvision. torch_optimizer.RAdam computes in float32 inside.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from importlib.metadata import version

import lion_pytorch
import numpy as np
import torch
import torch_optimizer

from peers.recording import raised, record, signature

place = importlib.util.find_spec("timm").submodule_search_locations[0]
for name, folder in (("timm", place), ("timm.optim", place + "/optim")):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
optim = importlib.import_module("timm.optim.rmsprop_tf")

torch.set_default_dtype(torch.float64)
TORCH = """
torch.SGD(lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.1, maximize=True) in steps
torch.SGD(lr=0.05, momentum=0.9, nesterov=True)
torch.Adagrad(lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.5, eps=1e-3, maximize=True) in steps
torch.RMSprop(lr=0.02, alpha=0.9, eps=1e-3, weight_decay=0.1, momentum=0.5, centered=True, maximize=True) in steps
torch.Adadelta(lr=0.5, rho=0.8, eps=1e-4, weight_decay=0.1, maximize=True) in steps
torch.Adam(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1, decoupled_weight_decay=True) in steps
torch.Adam(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1, amsgrad=True, maximize=True) in steps
torch.AdamW(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2, amsgrad=True, maximize=True) in steps
torch.Adamax(lr=0.1, betas=(0.8, 0.95), eps=1e-2, weight_decay=0.1, maximize=True) in steps
torch.Adamax()
torch.NAdam(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1, momentum_decay=0.1, maximize=True) in steps
torch.NAdam(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)
torch.NAdam()
torch.RAdam(lr=0.1, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1, maximize=True) in steps
torch.RAdam(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)
torch.RAdam()
torch.Rprop(lr=0.05, etas=(0.4, 1.5), step_sizes=(1e-3, 0.5), maximize=True)
torch.SGD(lr=0.1), clip = torch.clip_grad_norm_(max_norm=0.5)
torch.SGD(lr=0.1), clip = torch.clip_grad_norm_(max_norm=0.5, norm_type=1)
torch.SGD(lr=0.1), clip = torch.clip_grad_norm_(max_norm=0.5, norm_type=3)
torch.SGD(lr=0.1), clip = torch.clip_grad_norm_(max_norm=0.5, norm_type=inf)
torch.SGD(lr=0.1), clip = torch.clip_grad_value_(clip_value=0.25)
"""
REFUSED = """
torch.SGD(lr=0.1, nesterov=True)
torch.SGD(lr=0.1, momentum=0.9, dampening=0.5, nesterov=True)
"""
TORCH_OPTIMIZER = """
torch_optimizer.Yogi(lr=0.1, betas=(0.8, 0.95), eps=1e-2, initial_accumulator=1e-3, weight_decay=0.1) in steps
torch_optimizer.Yogi()
torch_optimizer.Lamb(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1) in steps
torch_optimizer.Lamb(lr=0.1, betas=(0.8, 0.95), eps=1e-3, clamp_value=1.5, debias=True)
torch_optimizer.Lamb(lr=0.1, betas=(0.8, 0.95), eps=1e-3, adam=True)
torch_optimizer.Lamb()
torch_optimizer.LARS(lr=0.5, momentum=0.9, weight_decay=0.1, trust_coefficient=0.1) in steps
torch_optimizer.LARS(lr=0.5, momentum=0.9, dampening=0.5, weight_decay=0.1, trust_coefficient=0.1, eps=1e-3)
torch_optimizer.LARS(lr=0.05, momentum=0.9, nesterov=True)
torch_optimizer.SGDW(lr=0.05, momentum=0.9, dampening=0.5, weight_decay=0.1) in steps
torch_optimizer.QHM(lr=0.05, momentum=0.9, nu=0.8, weight_decay=0.1) in steps
torch_optimizer.QHAdam(lr=0.05, betas=(0.9, 0.95), nus=(0.7, 0.8), weight_decay=0.1, eps=1e-3) in steps
torch_optimizer.QHAdam(lr=0.05, weight_decay=0.1, decouple_weight_decay=True, eps=1e-3)
torch_optimizer.QHAdam()
torch_optimizer.AggMo(lr=0.02, betas=(0.1, 0.8, 0.95), weight_decay=0.1) in steps
torch_optimizer.AggMo()
torch_optimizer.DiffGrad(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1) in steps
torch_optimizer.DiffGrad()
torch_optimizer.AdaMod(lr=0.1, betas=(0.8, 0.95), beta3=0.9, eps=1e-3, weight_decay=0.1) in steps
torch_optimizer.AdaMod()
lion_pytorch.Lion(lr=0.02, weight_decay=0.1)
lion_pytorch.Lion(lr=0.02, betas=(0.95, 0.98), weight_decay=0.1, decoupled_weight_decay=True) in steps
timm.RMSpropTF(lr=0.02, alpha=0.8, eps=1e-3, weight_decay=0.1) in steps
timm.RMSpropTF(lr=0.02, momentum=0.5, weight_decay=0.1, decoupled_decay=True) in steps
timm.RMSpropTF(lr=0.02, momentum=0.5, centered=True, eps=1e-2) in steps
timm.RMSpropTF(lr=0.02, momentum=0.5, lr_in_momentum=False) in steps
timm.RMSpropTF()
torch_optimizer.RAdam(lr=0.125, betas=(0.75, 0.875), eps=0.0009765625, weight_decay=0.125) in steps to 1e-6
torch_optimizer.RAdam() to 1e-6
"""
NO_LARS = """
torch_optimizer.LARS(lr=0.1, nesterov=True)
torch_optimizer.LARS(lr=0.1, momentum=0.9, dampening=0.5, nesterov=True)
"""
SPACES = {
    "torch": torch.optim,
    "torch_optimizer": torch_optimizer,
    "lion_pytorch": lion_pytorch,
    "timm": optim,
}
SKIP = ("params", "foreach", "capturable", "differentiable", "fused", "use_triton")


class Library:
    def __init__(self, call, parts):
        rule, _, self.clip = call.partition(", clip = ")
        self.parameters = [torch.tensor(p, requires_grad=True) for p in parts]
        self.optimizer = eval(rule.replace("(", "(p, ", 1), {**SPACES, "p": self.parameters})
        self.first = self.optimizer.param_groups[0]["lr"]

    def scale(self, factor):
        self.optimizer.param_groups[0]["lr"] = self.first * factor

    def step(self, gradients):
        for p, g in zip(self.parameters, gradients, strict=True):
            p.grad = torch.tensor(g)
        if self.clip:
            eval(
                self.clip.replace("(", "(p, "), {"torch": torch.nn.utils, "p": self.parameters, "inf": np.inf}
            )
        self.optimizer.step()

    def values(self):
        return [p.detach().numpy().copy() for p in self.parameters]


def signatures(names):
    return {n: signature(getattr(SPACES[n.split(".")[0]], n.split(".")[1]), SKIP) for n in names}


def names(text):
    return sorted({line.split("(")[0] for line in text.split("\n") if line})


if __name__ == "__main__":
    found = signatures(names(TORCH))
    more = {
        "torch." + n: signature(getattr(torch.nn.utils, n), ("parameters", "error_if_nonfinite", "foreach"))
        for n in ("clip_grad_norm_", "clip_grad_value_")
    }
    record(
        "torch",
        {"torch": torch.__version__},
        Library,
        TORCH,
        {**found, **more},
        found,
        {"raises": raised(Library, REFUSED)},
    )
    versions = {p: version(p) for p in ("torch", "torch-optimizer", "lion-pytorch", "timm")}
    found = signatures(names(TORCH_OPTIMIZER))
    record(
        "torch_optimizer",
        versions,
        Library,
        TORCH_OPTIMIZER,
        found,
        found,
        {"raises": raised(Library, NO_LARS)},
    )
