"""A trained network as one uses it: images in, classes out, with the preprocessing it was trained with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nastk import registry
from nastk.data.augmentation import normalise
from nastk.data.decoding import Form
from nastk.data.reading import decode_one
from nastk.data.values import SIXTEEN_BITS, ValueRange
from nastk.genotype import Genotype
from nastk.networks import weights as weight_files
from nastk.networks.network import Network
from nastk.run import WEIGHTS

EXPORTED_WEIGHTS = "model.safetensors"  # of a directory that nastk export wrote
WEIGHTS_BEST = "weights_best.safetensors"  # of its best epoch by validation, where there are such images


class Classifier(nn.Module):
    """A network in eval mode that knows what it was trained on.

    classes: their names, in the order of the logits. shape: (C, H, W) of the images it takes. mean, std: per
    channel, in units in which white is 1. values: what images of more than 8 bits have as black and white.
    genotype: the architecture. settings: what else its network was built with, the keys of schema.NetworkConfig.
    """

    def __init__(
        self,
        network: Network,
        genotype: Genotype,
        *,
        settings: dict[str, Any],
        classes: tuple[str, ...],
        shape: tuple[int, int, int],
        mean: tuple[float, ...],
        std: tuple[float, ...],
        values: ValueRange = SIXTEEN_BITS,
    ) -> None:
        super().__init__()
        self.network = network
        self.genotype, self.settings = genotype, settings
        self.classes, self.shape, self.mean, self.std = classes, shape, mean, std
        self.values = values
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, K] of normalised images float32 [N, C, H, W]."""
        logits: Tensor = self.network(images)[0]
        return logits

    @property
    def form(self) -> Form:
        """What `nastk.data.decoding.decode` brings image files to, here and when the network was trained."""
        return Form(self.shape[0], self.shape[1:], self.values)

    def preprocess(self, path: str | os.PathLike[str]) -> Tensor:
        """An image file as float32 [1, C, H, W]: brought to size and normalised as the test images were.

        ValueError for a file that is no image.
        """
        return self._normalised(decode_one(os.fspath(path), self.form)[None])

    @torch.inference_mode()
    def classify(self, pixels: Tensor, top: int = 5) -> list[list[tuple[str, float]]]:
        """The `top` most likely classes of each image with their probabilities, best first.

        pixels: uint8 [N, H, W, C] in `form`.
        """
        probabilities = self(self._normalised(pixels)).softmax(dim=1)
        found = probabilities.topk(min(top, len(self.classes)))
        return [
            [(self.classes[number], share) for share, number in zip(shares, numbers, strict=True)]
            for shares, numbers in zip(found.values.tolist(), found.indices.tolist(), strict=True)
        ]

    def predict(self, path: str | os.PathLike[str], top: int = 5) -> list[tuple[str, float]]:
        """The `top` most likely classes of an image file with their probabilities, best first.

        ValueError for a file that is no image. Of many files, `nastk.predict` is faster.
        """
        return self.classify(decode_one(os.fspath(path), self.form)[None], top)[0]

    def _normalised(self, pixels: Tensor) -> Tensor:
        device = next(self.network.parameters()).device
        return normalise(pixels.to(device), self.mean, self.std)


def weights_in(directory: Path) -> Path | None:
    """The weights file of a run that trained a network, or of a directory that was exported; None without one."""
    files = (directory / name for name in (WEIGHTS, EXPORTED_WEIGHTS))
    return next((file for file in files if file.is_file()), None)


def load_classifier(path: Path) -> Classifier:
    """The network that an evaluation or a transfer trained: its run directory, or its weights file.

    Also one that was exported as safetensors. On the CPU, without its auxiliary head. ValueError for anything else.
    """
    file = weights_in(path) if path.is_dir() else path
    if file is None:
        raise ValueError(f"{path}: a directory without {WEIGHTS}, so no finished evaluation or transfer")
    loaded = weight_files.load(file)
    settings = loaded.network | {"auxiliary": False}
    try:
        classes, shape = tuple(map(str, loaded.data["classes"])), tuple(map(int, loaded.data["shape"]))
        mean, std = (tuple(map(float, loaded.data[name])) for name in ("mean", "std"))
        values = ValueRange(*map(float, loaded.data.get("values") or (0, 65535)))
        with torch.random.fork_rng(devices=()):  # layers draw from the global generator when they are made
            network: Network = registry.space_entry(loaded.genotype.space).load_network()(
                loaded.genotype,
                **settings,
                num_classes=len(classes),
                channels_in=shape[0],
                image_size=shape[1:],
            )
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{file}: not a weights file of nastk: {error}") from None
    weight_files.adopt(network, loaded, file)
    channels, height, width = shape
    return Classifier(
        network,
        loaded.genotype,
        settings=settings,
        classes=classes,
        shape=(channels, height, width),
        mean=mean,
        std=std,
        values=values,
    )
