"""Mixup (arXiv 1710.09412) and CutMix (arXiv 1905.04899) of training batches, as torchvision has them.

Legend: N batch, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nastk.engine.random import DrawingFrom


class Mixing:
    """Mixes each image of a batch with its neighbour, and their labels with it.

    mixup, cutmix: the alpha of the beta distribution that shares are drawn from; 0: not that one. Where both are
    on, one of the two at random for each batch.
    """

    def __init__(self, mixup: float, cutmix: float, num_classes: int) -> None:
        from torchvision.transforms import v2  # takes seconds, and most trainings need none of it

        alphas = {v2.MixUp: mixup, v2.CutMix: cutmix}
        self._transforms = [
            transform(alpha=alpha, num_classes=num_classes) for transform, alpha in alphas.items() if alpha
        ]

    def __call__(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images like `images` [N, C, H, W], and what share of each class is in them, float32 [N, K].

        labels: int64 [N]. generator: on the CPU.
        """
        chosen = torch.randint(len(self._transforms), (), generator=generator)
        with DrawingFrom(generator):
            mixed, shares = self._transforms[int(chosen)](images, labels)
        return mixed, shares
