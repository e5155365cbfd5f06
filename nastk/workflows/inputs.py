"""What a run is made of besides its configuration: images, the files that it names, an architecture."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nastk.config import Config
from nastk.data.fingerprint import Fingerprint, differences
from nastk.data.images import ImageSet
from nastk.data.search_images import SearchImages
from nastk.engine.inputs import Inputs


class RunInputs(Inputs):
    """Fingerprints of the images that were loaded so far, digests of files and texts, all by their names."""

    def __init__(self, config: Config, texts: Mapping[str, str] | None = None) -> None:
        """texts: whatever else the run was started with ("genotype.json")."""
        self.images: dict[str, Fingerprint] = {}
        self.digests = {name: _digest(text.encode()) for name, text in (texts or {}).items()}
        self.add_named_files(config)

    def add_named_files(self, config: Config) -> None:
        """Remember the files that the configuration names, as they are now."""
        self.digests |= {key: _digest(path.read_bytes()) for key, path in _named_files(config).items()}

    def add(self, name: str, images: ImageSet | SearchImages) -> None:
        """Remember images ("training images") as they were loaded."""
        assert images.fingerprint is not None
        self.images[name] = images.fingerprint
        if isinstance(images, SearchImages) and images.validation_fingerprint is not None:
            self.images["validation images"] = images.validation_fingerprint

    def state_dict(self) -> dict[str, Any]:
        images = {name: fingerprint.to_dict() for name, fingerprint in self.images.items()}
        return {"images": images, "digests": dict(self.digests)}

    def differences(self, state: dict[str, Any]) -> list[str]:
        """Of images only those that have been loaded yet are looked at."""
        found = [
            f"{name}: {', '.join(differences(Fingerprint.from_dict(then), self.images[name]))}"
            for name, then in state["images"].items()
            if name in self.images and self.images[name] != Fingerprint.from_dict(then)
        ]
        if self.images:  # of one load, which has all parts
            found += [
                f"{name}: there are none any more" for name in sorted(state["images"].keys() - self.images)
            ]
        if state["images"]:
            found += [f"{name}: there were none" for name in sorted(self.images.keys() - state["images"])]
        names = sorted(state["digests"].keys() | self.digests.keys())
        return found + [
            f"another {name}" for name in names if state["digests"].get(name) != self.digests.get(name)
        ]


def _named_files(config: Config) -> dict[str, Path]:
    """ "group.key" -> the file that it names, for every key that names one that is there (a table, say)."""
    return {
        f"{group}.{field.name}": Path(value)
        for group, values in config.groups()
        for field in dataclasses.fields(values)
        if field.metadata.get("path") and (value := getattr(values, field.name)) and Path(value).is_file()
    }


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
