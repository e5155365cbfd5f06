"""Batch norm as networks here use it: without a counter, and with a gate in its scale."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from nastk.networks.gates import Gate


class BatchNorm2d(nn.BatchNorm2d):
    """PyTorch's without its count of batches, which nothing reads: on a GPU that is a launch a norm and step.

    Weights that have such counts, as PyTorch's own norms write them, are loaded without them.
    """

    momentum: float

    def __init__(self, channels: int, *, affine: bool = True) -> None:
        super().__init__(channels, affine=affine)
        self.num_batches_tracked = None

    def forward(self, x: Tensor, gate: Gate | None = None) -> Tensor:
        """`gate * norm(x)` of x [N, C, H, W]: the gate is folded into the norm's scale and shift."""
        weight: Tensor | None = self.weight
        bias: Tensor | None = self.bias
        if gate is not None:
            per_channel = gate.per_channel(self.num_features)
            weight = per_channel if weight is None else weight * per_channel
            bias = None if bias is None else bias * per_channel
        return F.batch_norm(
            x, self.running_mean, self.running_var, weight, bias, self.training, self.momentum, self.eps
        )

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        state_dict.pop(f"{prefix}num_batches_tracked", None)
        # Not the next class's, which would ask for the count.
        nn.Module._load_from_state_dict(self, state_dict, prefix, *rest)
