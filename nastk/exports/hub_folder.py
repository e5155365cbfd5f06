"""A folder in the convention of model hubs: config.json, model.safetensors, README.md.

What config.json says of the images has the names that timm uses (`pretrained_cfg`), so that its tools find the
preprocessing; the architecture is under `nastk`, because no other program can build it from a name.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor, nn

from nastk.exports.exported import Exported
from nastk.networks import weights as weight_files
from nastk.networks.classifier import EXPORTED_WEIGHTS, Classifier
from nastk.networks.counting import count_macs, count_parameters
from nastk.wording import counted


def write(exported: Exported) -> dict[str, bytes]:
    """The files of the folder by their names; nastk reads them again (`nastk predict FOLDER cat.jpg`)."""
    network = exported.network
    facts = exported.facts
    weights = weight_files.to_bytes(
        network.network,
        network.genotype,
        network=network.settings,
        data={name: facts[name] for name in ("classes", "mean", "std", "values")}
        | {"shape": facts["image_shape"]},
        config="",  # names folders of this machine
    )
    config = json.dumps(_config(exported), indent=2, ensure_ascii=False)
    return {
        "config.json": f"{config}\n".encode(),
        EXPORTED_WEIGHTS: weights,
        "README.md": _card(exported).encode(),
    }


def _config(exported: Exported) -> dict[str, Any]:
    network = exported.network
    head, pooled = _head(network)
    num_classes = len(network.classes)
    return {
        "architecture": f"nastk_{network.genotype.space}",
        "num_classes": num_classes,
        "num_features": pooled[0],
        "global_pool": "avg",
        "label_names": list(network.classes),
        "pretrained_cfg": {
            "tag": exported.name,
            "custom_load": False,
            "input_size": list(network.shape),
            "fixed_input_size": True,
            "interpolation": "bilinear",
            "crop_pct": 1.0,
            "crop_mode": "center",
            "mean": list(network.mean),
            "std": list(network.std),
            "num_classes": num_classes,
            "pool_size": list(pooled[1:]),
            "first_conv": next(
                name for name, module in network.network.named_modules() if isinstance(module, nn.Conv2d)
            ),
            "classifier": head,
        },
        "nastk": exported.facts,
    }


def _head(network: Classifier) -> tuple[str, tuple[int, int, int]]:
    """The name of the last linear layer, and (C, H, W) of the map that is averaged before it."""
    linear = [name for name, module in network.network.named_modules() if isinstance(module, nn.Linear)]
    shapes: list[torch.Size] = []

    def see(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        shapes.append(inputs[0].shape[1:])

    classifier = network.network.get_submodule(linear[-1].rpartition(".")[0])
    handle = classifier.register_forward_pre_hook(see)
    with torch.no_grad():
        network(torch.zeros(1, *network.shape))
    handle.remove()
    channels, height, width = shapes[0]
    return linear[-1], (channels, height, width)


def _card(exported: Exported) -> str:
    network = exported.network
    channels, height, width = network.shape
    params, macs = count_parameters(network.network), count_macs(network.network, network.shape)
    kind = "grey" if channels == 1 else "colour"
    classes = ", ".join(network.classes[:20]) + (", ..." if len(network.classes) > 20 else "")
    return f"""---
library_name: nastk
pipeline_tag: image-classification
tags:
- image-classification
- neural-architecture-search
---

# {exported.name}

An image classifier of {counted(len(network.classes), "class", "classes")}: {classes}.
{f"It was {exported.trained}." if exported.trained else "How it was trained is not known."}

- architecture: space {network.genotype.space}, {counted(network.settings["init_channels"], "channel")},
  {counted(network.settings["num_cells"], "cell")}; the genotype is in config.json
- size: {counted(params, "parameter")}, {counted(macs, "MAC")} an image
- images: {height}x{width}, {kind}; scaled until they cover that (bilinear, antialiased), the centre cut out,
  divided by 255, `mean` subtracted, divided by `std` (config.json, pretrained_cfg)

With nastk:

```
nastk predict FOLDER cat.jpg
```

Without it: `nastk export FOLDER --format python` writes one file that needs PyTorch only and takes
`{EXPORTED_WEIGHTS}` as it is.
"""
