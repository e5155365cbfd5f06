"""The formats that networks are exported in: plain names, each with where it is written. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from nastk.registry import Entry


@dataclass(frozen=True)
class Format(Entry):
    """target: a function (Exported) -> bytes, or, of a folder, name -> bytes.

    suffix: of its file; empty for a folder. packages: what it needs that does not come with nastk.
    needs_weights: it is of no use untrained.
    """

    suffix: str
    packages: tuple[str, ...] = ()
    needs_weights: bool = True

    def check_packages(self, name: str) -> None:
        """ValueError that says what to install."""
        missing = [package for package in self.packages if find_spec(package) is None]
        if missing:
            raise ValueError(
                f"--format {name} needs {' and '.join(missing)} (nastk's extra `export`): "
                f"pip install {' '.join(self.packages)}"
            )


FORMATS: dict[str, Format] = {
    "onnx": Format(
        "nastk.exports.onnx_file:write",
        "one .onnx file, for onnxruntime and whatever else reads it",
        suffix=".onnx",
        packages=("onnx", "onnxscript", "onnxruntime"),
    ),
    "torch-export": Format(
        "nastk.exports.torch_export:write", "one .pt2 file that PyTorch loads without nastk", suffix=".pt2"
    ),
    "safetensors": Format(
        "nastk.exports.hub_folder:write",
        "a folder as model hubs have it: config.json, model.safetensors, README.md",
        suffix="",
    ),
    "python": Format(
        "nastk.exports.python_file:write",
        "one readable .py file that needs PyTorch only, and takes the weights file",
        suffix=".py",
        needs_weights=False,
    ),
}
