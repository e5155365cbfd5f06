"""Exact sizes of a network: parameters, and multiply-accumulates (MACs) of one image."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn
from torch.func import functional_call


def count_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def count_macs(network: nn.Module, *shapes: tuple[int, int, int]) -> int:
    """MACs of convolutions, also transposed, and linear layers for one image; in eval mode, hence without the
    auxiliary head.

    shapes: [C, H, W] of each input of the module (of a network, its images). Batch norm, pooling and biases do
    not count.
    """
    weight = next(network.parameters(), None)
    if weight is None:
        return 0
    zeros: dict[str, Tensor] = {}
    if weight.is_meta:
        # Running it there would load torch's compiler, and so would to_empty its algebra: seconds both.
        tensors = chain(network.named_parameters(), network.named_buffers())
        zeros = {
            name: torch.zeros(tensor.shape, dtype=tensor.dtype, device="cpu") for name, tensor in tensors
        }
    total = 0

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            kernel = module.kernel_size[0] * module.kernel_size[1]
            total += output.numel() * kernel * module.in_channels // module.groups
        elif isinstance(module, nn.ConvTranspose2d):  # every pixel of the input meets the whole kernel
            kernel = module.kernel_size[0] * module.kernel_size[1]
            total += inputs[0].numel() * kernel * module.out_channels // module.groups
        elif isinstance(module, nn.Linear):
            total += output.numel() * module.in_features

    handles = [
        module.register_forward_hook(add)
        for module in network.modules()
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear))
    ]
    training = [module for module in network.modules() if module.training]
    try:
        network.eval()
        device = "cpu" if weight.is_meta else weight.device
        with torch.inference_mode():
            inputs = tuple(torch.zeros(1, *shape, device=device, dtype=weight.dtype) for shape in shapes)
            functional_call(network, zeros, inputs)
    finally:
        for module in training:  # one by one: some may have been in eval mode, such as frozen norms
            module.training = True
        for handle in handles:
            handle.remove()
    return total
