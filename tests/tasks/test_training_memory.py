"""What the training of one network is said to take is what it really keeps."""

import pytest
import torch
from graphs import graph_bytes
from torch import nn
from torch.nn import functional as F

from nastk.archs import load_arch
from nastk.data.batches import Batches
from nastk.engine.device import Engine
from nastk.engine.memory import step_bytes
from nastk.networks.cell_network import CellNetwork
from nastk.schema import EngineConfig, StandaloneTrainConfig
from nastk.tasks.classification import Classification
from nastk.tasks.training import Training

FLOAT = 4


def test_a_network_worked_out_by_hand():
    """A convolution keeps its input, a ReLU its output, the loss the log-probabilities and the labels."""
    network = nn.Sequential(nn.Conv2d(1, 5, 3, padding=1, bias=False), nn.ReLU(), nn.Flatten(1))
    graph = 64 * FLOAT + 5 * 64 * FLOAT + 5 * 64 * FLOAT + 8  # of an image of 8x8

    def loss_of(images, labels):
        return F.cross_entropy(network(images), labels)

    for batch_size in (3, 6, 60):
        found = step_bytes(network, loss_of, (1, 8, 8), batch_size, copies=3)
        assert found == pytest.approx(batch_size * graph + 3 * 5 * 9 * FLOAT, abs=FLOAT)


@pytest.mark.parametrize(("auxiliary", "drop_path"), [(False, 0.0), (True, 0.4)])
def test_training_alone(random_images, auxiliary, drop_path):
    engine = Engine(EngineConfig(device="cpu"), 0)
    genotype = load_arch("darts-v2").genotype
    network = engine.place(
        CellNetwork(genotype, init_channels=4, num_cells=3, num_classes=2, channels_in=1, auxiliary=auxiliary)
    )
    config = StandaloneTrainConfig(epochs=2, batch_size=10, drop_path=drop_path)
    images = random_images(20)
    job = Training(
        network,
        Classification(images, config, engine),
        Batches(images, 10),
        Batches(images, 20),
        config,
        engine,
    )
    before = [tensor.clone() for tensor in network.state_dict().values()]
    said = job.peak_memory()
    assert all(map(torch.equal, before, network.state_dict().values()))
    assert engine.streams.state_dict() == {}
    job.step()  # without drop path: it begins at 0
    weights = sum(parameter.nbytes for parameter in network.parameters())
    assert said == pytest.approx(graph_bytes(network, job.step) + 3 * weights, rel=0.01)
