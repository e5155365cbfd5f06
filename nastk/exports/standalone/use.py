"""How the network is used: its weights, images, classes."""

from __future__ import annotations

import sys

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nastk.exports.standalone.cell_network import Network
from nastk.exports.standalone.constants import BLACK, CHANNELS, CLASSES, IMAGE_SIZE, MEAN, STD, WHITE


def build() -> Network:
    """The network with fresh weights."""
    return Network()


def load(path: str) -> Network:
    """The network with the weights in a file (.safetensors, or what torch.save wrote), to be used."""
    if path.endswith(".safetensors"):
        from safetensors.torch import load_file

        state = load_file(path)
    else:
        state = torch.load(path, map_location="cpu", weights_only=True)
    network = build()
    # A second classifier, which helped in training only.
    network.load_state_dict(
        {name: value for name, value in state.items() if not name.startswith("auxiliary.")}
    )
    return network.eval()


def read(path: str) -> Tensor:
    """An image file as float32 [1, C, H, W]: turned, brought to size and normalised as in training."""
    from PIL import Image, ImageOps

    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
        if image.mode[0] in "IF":  # grey of more than 8 bits
            grey = torch.frombuffer(bytearray(image.convert("F").tobytes()), dtype=torch.float32).double()
            share = (grey.nan_to_num(BLACK).clamp(BLACK, WHITE) - BLACK) / (WHITE - BLACK)
            pixels = (255 * share).round().byte()
        else:
            if CHANNELS == 3 and image.mode in ("P", "PA"):
                image = image.convert("RGBA")
            image = image.convert("L" if CHANNELS == 1 else "RGB")
            pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    planes = pixels.view(1, image.height, image.width, -1).permute(0, 3, 1, 2).expand(-1, CHANNELS, -1, -1)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (MEAN, STD))
    return (_fit(planes).float() / 255 - mean) / std


def _fit(planes: Tensor) -> Tensor:
    """[1, C, h, w] -> [1, C, H, W]: scaled until it covers IMAGE_SIZE, the centre cut out."""
    height, width = IMAGE_SIZE
    scale = max(height / planes.shape[2], width / planes.shape[3])
    size = max(height, round(planes.shape[2] * scale)), max(width, round(planes.shape[3] * scale))
    if planes.shape[2:] != size:
        planes = F.interpolate(planes, size, mode="bilinear", antialias=True)
    top, left = round((size[0] - height) / 2), round((size[1] - width) / 2)
    return planes[:, :, top : top + height, left : left + width]


@torch.inference_mode()
def predict(network: nn.Module, path: str, top: int = 5) -> list[tuple[str, float]]:
    """The most likely classes of an image file with their probabilities, best first."""
    found = network(read(path))[0].softmax(dim=0).topk(min(top, len(CLASSES)))
    return [
        (CLASSES[number], share)
        for share, number in zip(found.values.tolist(), found.indices.tolist(), strict=True)
    ]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: python {sys.argv[0]} WEIGHTS IMAGE")
    for name, share in predict(load(sys.argv[1]), sys.argv[2]):
        print(f"{100 * share:6.2f} %  {name}")
