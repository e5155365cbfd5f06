"""Images per CPU-second of nastk's batches against a DataLoader with torchvision's transforms.

    python benchmarks/data_path.py [--quick]

Prints, for random 32x32 colour images in batches of 96 with random crop, flip and cutout, the median
and range of each side's images per CPU-second of this process (one thread, no workers; repeats
alternate between the two) and the ratio of the medians. --quick: a few batches, to see that it runs.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable

import torch
import torchvision
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from nastk.data.augmentation import Augmentation
from nastk.data.batches import Batches
from nastk.data.images import ResidentImages

MEAN, STD = (0.49139968, 0.48215827, 0.44653124), (0.24703233, 0.24348505, 0.26158768)
BATCH = 96


class Cutout:
    """The DARTS code's, image by image."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __call__(self, image: Tensor) -> Tensor:
        height, width = image.shape[1:]
        cy, cx = int(torch.randint(height, ())), int(torch.randint(width, ()))
        half = self.length // 2
        image[:, max(cy - half, 0) : cy + half, max(cx - half, 0) : cx + half] = 0
        return image


class Pictures(Dataset):
    def __init__(self, tensor: Tensor, labels: Tensor) -> None:
        self.pictures = [Image.fromarray(pixels.numpy()) for pixels in tensor]
        self.labels = labels.tolist()
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
                Cutout(16),
            ]
        )

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.pictures[index]), self.labels[index]


def images_per_cpu_second(epoch: Callable[[], int]) -> float:
    start = time.process_time()
    num = epoch()
    return num / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description="images per CPU-second of the data path")
    parser.add_argument("--quick", action="store_true", help="a few batches, to see that it runs")
    quick = parser.parse_args().quick
    num, repeats = (4 * BATCH, 2) if quick else (50 * BATCH, 9)

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    tensor = torch.randint(256, (num, 32, 32, 3), dtype=torch.uint8, generator=generator)
    labels = torch.randint(10, (num,), generator=generator)
    images = ResidentImages(tensor=tensor, labels=labels, classes=tuple("0123456789"), mean=MEAN, std=STD)
    batches = Batches(images, BATCH, augmentation=Augmentation(pad=4, flip=True, cutout=16), shuffle=True)
    loader = DataLoader(Pictures(tensor, labels), BATCH, shuffle=True)
    rounds = 1 if quick else 10  # a nastk epoch is too short to time

    sides: dict[str, Callable[[], int]] = {
        "nastk": lambda: sum(len(y) for _ in range(rounds) for _, y in batches.epoch(generator, generator)),
        "DataLoader": lambda: sum(len(y) for _, y in loader),
    }
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for epoch in sides.values():
        epoch()
    for _ in range(repeats):
        for name, epoch in sides.items():
            speeds[name].append(images_per_cpu_second(epoch))

    print(f"{platform.machine()}, {os.cpu_count()} CPUs, torch {torch.__version__}", end=", ")
    print(f"torchvision {torchvision.__version__}, n = {repeats} repeats of {num} images")
    print(f"{'':12}{'images per CPU-second, median (min - max)':>44}")
    medians = {}
    for name, values in speeds.items():
        medians[name] = statistics.median(values)
        print(f"{name:12}{medians[name]:>20,.0f}  ({min(values):,.0f} - {max(values):,.0f})")
    print(f"{'ratio':12}{medians['nastk'] / medians['DataLoader']:>20.1f}")


if __name__ == "__main__":
    main()
