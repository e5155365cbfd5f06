"""What is exported, and what every format says about it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nastk import __version__
from nastk.genotype import to_json
from nastk.networks.classifier import Classifier
from nastk.wording import counted


@dataclass(frozen=True)
class Exported:
    """A network under a name. summary: that of the run which trained it; empty where it is not known."""

    network: Classifier
    name: str
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def training(self) -> dict[str, Any]:
        """How it was trained, as far as that is known: dataset, seed, epochs, test_accuracy in %.

        Of a data set that was named by its path only the last part: who exports a network passes it on.
        """
        if not self.summary:
            return {}
        return {
            "dataset": Path(str(self.summary["dataset"])).name,
            "seed": self.summary["seed"],
            "epochs": self.summary["steps"],
            "test_accuracy": self.summary["test_accuracy"],
        }

    @property
    def trained(self) -> str:
        """The same in words; empty where it is not known."""
        if not self.training:
            return ""
        found = self.training
        return (
            f"trained on {found['dataset']} with seed {found['seed']}; test accuracy {found['test_accuracy']:.2f} % "
            f"after the last of {counted(found['epochs'], 'epoch')}"
        )

    @property
    def facts(self) -> dict[str, Any]:
        """All that is needed to use it and to build it again, for JSON.

        image_shape: [C, H, W]. mean, std: per channel, in units in which white is 1. values: what images of more
        than 8 bits have as black and white.
        """
        network = self.network
        return {
            "nastk": __version__,
            "genotype": json.loads(to_json(network.genotype)),
            "network": network.settings,
            "classes": list(network.classes),
            "image_shape": list(network.shape),
            "mean": list(network.mean),
            "std": list(network.std),
            "values": [network.values.black, network.values.white],
            "training": self.training,
        }
