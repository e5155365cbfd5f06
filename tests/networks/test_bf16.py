"""Under autocast to bf16 every branch of a cell stays bf16, whatever it is weighted or masked with.

On a CPU, where nastk does not offer bf16: which types there are is the same on CUDA.
"""

import pytest
import torch

from nastk.archs import load_arch
from nastk.networks.cell_network import CellNetwork
from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.drop_path import draw_masks
from nastk.networks.gates import soft, uniform_path
from nastk.networks.nasbench201 import NASBench201Network, NASBench201Supernet
from nastk.networks.skip_dropout import SkipDropout
from nastk.spaces.cell import DARTS, RELATIVENAS
from nastk.spaces.nasbench201 import NASBENCH201

SIZE = {"init_channels": 8, "num_cells": 3, "num_classes": 5}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def masks_of(num):
    return draw_masks(num, 4, 0.3, torch.Generator().manual_seed(0))


def types_of_cells(network, *inputs, **options):
    """Of the outputs of all cells: sums over branches, of which a single float32 one would show."""
    found = []
    for cell in network.cells:
        cell.register_forward_hook(lambda _module, _inputs, output: found.append(output.dtype))
    images = torch.randn(4, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        network(images, *inputs, **options)
    assert len(found) == SIZE["num_cells"]
    return set(found)


@pytest.mark.parametrize("arch", ["darts-v2", "relativenas-cifar10"])
def test_a_network_of_cells(arch):
    network = CellNetwork(load_arch(arch).genotype, **SIZE)
    assert types_of_cells(network, masks_of(network.num_drop_paths)) == {torch.bfloat16}


def test_a_network_of_nasbench201():
    network = NASBench201Network(NASBENCH201.genotype((3, 4, 1, 0, 2, 3)), **SIZE)
    assert types_of_cells(network, masks_of(network.num_drop_paths)) == {torch.bfloat16}


@pytest.mark.parametrize(
    ("space", "supernet"),
    [(DARTS, CellSupernet), (RELATIVENAS, CellSupernet), (NASBENCH201, NASBench201Supernet)],
    ids=["darts", "relativenas", "nasbench201"],
)
def test_supernets(space, supernet):
    """A path with drop path, and a mixture with dropout after skips."""
    mask = space.full_mask()
    network = supernet(space, mask, **SIZE)
    gates = uniform_path(mask, torch.Generator().manual_seed(0))
    assert types_of_cells(network, gates, masks_of(network.num_drop_paths(gates))) == {torch.bfloat16}
    alphas = torch.randn(len(space.decisions), max(map(len, mask.allowed))).requires_grad_()
    dropout = SkipDropout(0.4, torch.Generator().manual_seed(0))
    network = supernet(space, mask, **SIZE)
    assert types_of_cells(network, soft(alphas.softmax(dim=-1), mask), skip_dropout=dropout) == {
        torch.bfloat16
    }
