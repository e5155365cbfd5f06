"""Random crop, flip and cutout of a whole batch at once, on the device: the DARTS augmentation; policies if asked for.

Legend: B batch, C channels, H W the image's sides, p padding.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from nastk.data import policies


@dataclass(frozen=True, eq=False)
class Draws:
    """The random numbers of `num` images, one of each an image.

    dy, dx: int64, the crop's corner in the padded image, in [0, 2p]. flip: bool.
    cy, cx: int64, the pixel that the cutout box is centred on. seeds: int64, on the CPU wherever the others
    are, of the policy's own draws; None without one.
    """

    dy: Tensor
    dx: Tensor
    flip: Tensor
    cy: Tensor
    cx: Tensor
    seeds: Tensor | None = None

    def to(self, device: torch.device | str) -> Draws:
        return replace(Draws(*(values.to(device) for values in self._all())), seeds=self.seeds)

    def __getitem__(self, part: slice) -> Draws:
        seeds = None if self.seeds is None else self.seeds[part]
        return replace(Draws(*(values[part] for values in self._all())), seeds=seeds)

    def __len__(self) -> int:
        return len(self.dy)

    def _all(self) -> tuple[Tensor, ...]:
        return self.dy, self.dx, self.flip, self.cy, self.cx


@dataclass(frozen=True)
class Augmentation:
    """Zero-pad by `pad` pixels, crop back, flip left to right, apply a policy, normalise, set a square to 0.

    cutout: the side of the square, which may hang over the image's border (DeVries & Taylor, arXiv
    1708.04552, as in the DARTS code: rows [cy - cutout // 2, cy + cutout // 2), columns likewise).
    Speed-run recipes pad by reflection and keep the square inside: that is another augmentation.
    policy: trivial or rand (data.policies), between flip and cutout as in torchvision's own recipes; basic: none.
    """

    pad: int
    flip: bool
    cutout: int
    policy: str = "basic"

    def draw(self, num: int, height: int, width: int, generator: torch.Generator) -> Draws:
        """Draws of `num` images from a CPU generator.

        The first five are drawn whatever is switched on, so that switching one off moves no other; the seeds of
        a policy come behind them.
        """

        def integers(end: int) -> Tensor:
            return torch.randint(end, (num,), generator=generator)

        dy, dx, flip = integers(2 * self.pad + 1), integers(2 * self.pad + 1), integers(2)
        cy, cx = integers(height), integers(width)
        seeds = integers(2**62) if self.policy != "basic" else None
        return Draws(dy=dy, dx=dx, flip=flip.bool(), cy=cy, cx=cx, seeds=seeds)

    def apply(self, pixels: Tensor, draws: Draws, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
        """float32 [B, C, H, W], channels-last, of uint8 pixels [B, H, W, C] and B draws on their device.

        mean, std: per channel, in units in which white is 1.
        """
        height, width = pixels.shape[1:3]
        if self.pad or self.flip:
            pixels = self._crop_and_flip(pixels, draws)
        if draws.seeds is not None:
            pixels = policies.augmented(self.policy, pixels, draws.seeds)
        images = _normalised_rows(pixels, mean, std)
        if self.cutout:
            images *= self._keep(draws, height, width, pixels.shape[3])
        return images.view(pixels.shape).permute(0, 3, 1, 2)

    def _crop_and_flip(self, pixels: Tensor, draws: Draws) -> Tensor:
        """One gather by flat indices: 32 bits where they do, which halves the traffic."""
        num, height, width, channels = pixels.shape
        pad = self.pad
        padded = functional.pad(pixels, (0, 0, pad, pad, pad, pad))
        kind = torch.int32 if padded.numel() < 2**31 else torch.int64
        count = functools.partial(torch.arange, device=pixels.device, dtype=kind)

        column = count(width)
        columns = column.expand(num, width)
        if self.flip:
            columns = torch.where(draws.flip[:, None], column.flip(0), column)
        columns = columns + draws.dx[:, None].to(kind)  # [B, W]
        bytes_in_row = (columns[:, :, None] * channels + count(channels)).view(num, 1, -1)  # [B, 1, W * C]
        rows = count(height) + draws.dy[:, None].to(kind)  # [B, H]
        rows = rows + count(num)[:, None] * (height + 2 * pad)
        flat = rows[:, :, None] * ((width + 2 * pad) * channels) + bytes_in_row  # [B, H, W * C]
        return padded.view(-1).index_select(0, flat.view(-1)).view(pixels.shape)

    def _keep(self, draws: Draws, height: int, width: int, channels: int) -> Tensor:
        """float32 [B, H, W * C]: 0 in the square, 1 outside. In floats: booleans are several times slower."""
        half = self.cutout // 2

        def outside(centre: Tensor, side: int) -> Tensor:
            distance = torch.arange(side, device=centre.device) - centre[:, None]
            return ((distance < -half) | (distance >= half)).float()

        rows = outside(draws.cy, height)[:, :, None]
        columns = outside(draws.cx, width).repeat_interleave(channels, dim=1)[:, None, :]
        return torch.addcmul(rows, 1 - rows, columns)


def normalise(pixels: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """float32 [B, C, H, W], channels-last, of uint8 pixels [B, H, W, C]: (pixels / 255 - mean) / std."""
    return _normalised_rows(pixels, mean, std).view(pixels.shape).permute(0, 3, 1, 2)


def _normalised_rows(pixels: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """float32 [B, H, W * C]. Whole rows, because broadcasting over C = 3 runs an inner loop of three."""
    num, height, width, _ = pixels.shape
    scale, shift = _row_constants(mean, std, width, pixels.device)
    rows = pixels.reshape(num, height, -1).float()
    return torch.addcmul(shift, rows, scale, out=rows)  # a fresh megabyte costs more than the arithmetic


@functools.lru_cache(maxsize=16)
def _row_constants(
    mean: tuple[float, ...], std: tuple[float, ...], width: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """scale, shift float32 [W * C]; kept, because making them on a GPU waits for it."""
    means, stds = (torch.tensor(values, dtype=torch.float64) for values in (mean, std))
    scale, shift = 1 / (255 * stds), -means / stds
    with torch.inference_mode(False):
        return scale.float().repeat(width).to(device), shift.float().repeat(width).to(device)
