"""How much memory a training step takes, found out without making one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

PLAIN = 3  # copies of the weights in training by SGD: themselves, their gradients, the momentum
FEW, MORE = 2, 3  # images, enough for every batch norm


def step_bytes(
    network: nn.Module,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    image_shape: tuple[int, int, int],
    batch_size: int,
    *,
    copies: int,
) -> int:
    """Bytes of tensors at the peak of a training step, which is where its backward pass begins.

    They are all that the graph of loss_of(images [N, C, H, W], labels [N]) keeps, and `copies` of the
    weights: themselves, their gradients, the momentum, and what else a method has of them. Not counted
    are what an operation needs while it runs, the allocator's gaps, and the data set.
    Found with losses on two and three images of `image_shape` (C, H, W), which move the network's running
    statistics: what the graph keeps of the images grows with the batch, the rest does not.
    """
    few, more = (_graph_bytes(network, loss_of, image_shape, num) for num in (FEW, MORE))
    graph = few + (more - few) * (batch_size - FEW) // (MORE - FEW)
    return graph + copies * sum(parameter.nbytes for parameter in network.parameters())


def _graph_bytes(
    network: nn.Module,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    image_shape: tuple[int, int, int],
    num_images: int,
) -> int:
    """Of all that the graph of the loss keeps but the network's own tensors."""
    device = next(network.parameters()).device
    images = torch.zeros(num_images, *image_shape, device=device).contiguous(
        memory_format=torch.channels_last
    )
    labels = torch.zeros(num_images, dtype=torch.long, device=device)
    own = {tensor.untyped_storage().data_ptr() for tensor in network.state_dict().values()}
    kept: dict[int, torch.UntypedStorage] = {}  # alive, so that no address is given twice

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss_of(images, labels)
    return sum(storage.nbytes() for storage in kept.values())


def free_bytes(device: torch.device) -> int | None:
    """What is free of the device's memory, or of what this process may have of the machine's; None: unknown."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found = [_available(), _left_of_cgroup()]
    return min((one for one in found if one is not None), default=None)


def _available() -> int | None:
    """Linux's own estimate."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _left_of_cgroup() -> int | None:
    """Of a container's limit, what is not in use; caches count as in use, so at least half of it."""
    place = Path("/sys/fs/cgroup")
    try:
        limit = int((place / "memory.max").read_text(encoding="ascii"))
        used = int((place / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):  # none, or "max"
        return None
    return max(limit - used, limit // 2)
