"""worst.json: the test images that a network was surest and wrong about, small enough for a page."""

from __future__ import annotations

import base64
import io

import torch
from PIL import Image
from torch import Tensor

from nastk.data.images import ImageSet
from nastk.engine.outcome import Outcome
from nastk.run import Run

WORST = "worst.json"
SIDE = 96  # pixels that an image's longer side has at most


def write_worst(run: Run, outcome: Outcome, images: ImageSet) -> None:
    """The wrong predictions, the surest first: place of the image, its class, the class predicted, the probability
    of that in %, and the picture as a PNG in base64. images: those that were tested, in their order.
    """
    rows = []
    if len(outcome.worst):
        pixels = torch.cat(list(images.pixels([outcome.worst[:, 0]]))).cpu()  # [M, H, W, C]
        for picture, (place, label, predicted), sureness in zip(
            pixels, outcome.worst.tolist(), outcome.sureness.tolist(), strict=True
        ):
            rows.append(
                {
                    "image": place,
                    "class": images.classes[label],
                    "predicted": images.classes[predicted],
                    "confidence": 100.0 * sureness,
                    "png": _png(picture),
                }
            )
    run.write_json(WORST, {"images": rows})


def _png(pixels: Tensor) -> str:
    """Of uint8 [H, W, C]."""
    image = Image.fromarray(pixels.numpy()[:, :, 0] if pixels.shape[2] == 1 else pixels.numpy())
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")
