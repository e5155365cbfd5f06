"""Mean and standard deviation of a training set's pixels."""

from __future__ import annotations

import torch

from nastk.data.images import ImageSet

_SAMPLE = 10_000  # images; more move the figures by less than augmentation does


def channel_statistics(images: ImageSet) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(mean, std) per channel, white being 1, of at most 10,000 images, always the same ones.

    Counted in whole numbers, so that they are the same on every machine. A channel without any
    variation gets std 1: there is nothing to scale.
    """
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(images.num_images, generator=generator)[:_SAMPLE].sort().values
    channels = images.shape[0]
    counts = torch.zeros(channels, 256, dtype=torch.int64)
    for pixels in images.pixels(chosen.split(64)):
        for channel in range(channels):
            counts[channel] += torch.bincount(pixels[..., channel].flatten().cpu(), minlength=256)
    share = counts.double() / counts.sum(dim=1, keepdim=True)
    values = torch.arange(256, dtype=torch.float64) / 255
    mean = share @ values
    std = (share * (values - mean[:, None]) ** 2).sum(dim=1).sqrt()
    std = torch.where(std > 0, std, torch.ones_like(std))
    return tuple(mean.tolist()), tuple(std.tolist())
