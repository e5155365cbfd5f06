"""torch.export: the network as a graph in one .pt2 file, for the PyTorch that wrote it and later ones."""

from __future__ import annotations

import io
import json

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from nastk.exports.exported import Exported
from nastk.networks.classifier import Classifier

ABOUT = "nastk.json"  # the file of facts in the .pt2 file

# What the nodes of a graph remember of the source they came from, down to the paths on this machine.
_TRACES = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node")


def write(exported: Exported) -> bytes:
    """Logits of normalised images, of a batch of any size; with the facts about it as `extra_files`."""
    about = json.dumps(exported.facts | {"torch": torch.__version__}, indent=1)
    content = io.BytesIO()
    torch.export.save(trace(exported.network), content, extra_files={ABOUT: about})
    return content.getvalue()


def trace(network: Classifier) -> ExportedProgram:
    """The network, in eval mode, with a batch of any size.

    Traced with two images: of one, PyTorch takes the 1 for a constant.
    """
    assert not network.training
    with torch.no_grad():
        program = torch.export.export(
            network, (sample(network),), dynamic_shapes={"images": {0: Dim("batch")}}
        )
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                for name in _TRACES:
                    node.meta.pop(name, None)
    return program


def sample(network: Classifier, num: int = 2) -> Tensor:
    """Normalised images [N, C, H, W] of noise, always the same."""
    return torch.randn(num, *network.shape, generator=torch.Generator().manual_seed(num))
