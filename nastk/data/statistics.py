"""Mean and standard deviation of a training set's pixels."""

from __future__ import annotations

import torch

from nastk.data.images import ImageSet

_SAMPLE = 10_000  # images; more move the figures by less than augmentation does
_AT_A_TIME = 64  # of them, but no more than so many
_BYTES = 2**26
_PIECE = 2**22  # bytes that are counted at a time: counting takes eight times their memory


def channel_statistics(images: ImageSet) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(mean, std) per channel, white being 1, of at most 10,000 images, always the same ones.

    Counted in whole numbers, so that they are the same on every machine. A channel without any
    variation gets std 1: there is nothing to scale.
    """
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(images.num_images, generator=generator)[:_SAMPLE].sort().values
    channels = images.shape[0]
    counts = torch.zeros(channels, 256, dtype=torch.int64)
    at_a_time = max(min(_BYTES * images.num_images // images.nbytes, _AT_A_TIME), 1)
    for pixels in images.pixels(chosen.split(at_a_time)):
        for channel in range(channels):
            for piece in pixels[..., channel].flatten().cpu().split(_PIECE):
                counts[channel] += torch.bincount(piece, minlength=256)
    share = counts.double() / counts.sum(dim=1, keepdim=True)
    values = torch.arange(256, dtype=torch.float64) / 255
    mean = share @ values
    std = (share * (values - mean[:, None]) ** 2).sum(dim=1).sqrt()
    std = torch.where(std > 0, std, torch.ones_like(std))
    return tuple(mean.tolist()), tuple(std.tolist())
