"""Small backbones for the heads of dense tasks."""

import pytest
import torch

from nastk.archs import load_arch
from nastk.networks.backbone import Backbone
from nastk.networks.cell_network import CellNetwork


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def backbone_of():
    """A function (*out_indices) -> Backbone of 128 channels at 1/32."""

    def build(*out_indices: int) -> Backbone:
        genotype = load_arch("darts-v2").genotype
        network = CellNetwork(genotype, init_channels=8, num_cells=3, num_classes=1, stem="imagenet")
        return Backbone(network, out_indices)

    return build


@pytest.fixture
def steps_to_half():
    """A function (parameters, loss_of, most) -> steps of Adam after which loss_of() is half of what it was."""

    def train(parameters, loss_of, most: int = 30, lr: float = 2e-3) -> int:
        optimizer = torch.optim.Adam(parameters, lr=lr)
        first = None
        for step in range(most + 1):
            loss = loss_of()
            first = loss.item() if first is None else first
            if loss.item() < first / 2:
                return step
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        raise AssertionError(f"the loss went from {first} to {loss.item()} in {most} steps")

    return train
