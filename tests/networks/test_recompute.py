"""What is computed again gives the same bits, moves running statistics once, and is not kept."""

import pytest
import torch
from graphs import graph_bytes
from torch.nn import functional as F

from nastk.archs import load_arch
from nastk.engine.device import Engine
from nastk.engine.memory import step_bytes
from nastk.networks.cell_network import CellNetwork
from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.gates import soft
from nastk.networks.nasbench201 import NASBench201Supernet
from nastk.networks.skip_dropout import SkipDropout
from nastk.schema import EngineConfig
from nastk.spaces.cell import DARTS
from nastk.spaces.nasbench201 import NASBENCH201

SIZE = {"init_channels": 8, "num_cells": 3, "num_classes": 3}


def mixture(space, supernet):
    mask = space.full_mask()

    def call(net, images):
        weights = torch.rand(len(mask.allowed), 8, generator=torch.Generator().manual_seed(0))
        dropout = SkipDropout(0.5, torch.Generator().manual_seed(0))
        return net(images, soft(weights.requires_grad_(), mask), skip_dropout=dropout)

    return lambda: supernet(space, mask, **SIZE), call


def evaluation():
    genotype = load_arch("darts-v2").genotype
    return lambda: CellNetwork(genotype, **SIZE), lambda net, images: net(images)[0]


CASES = {
    "mixture": lambda: mixture(DARTS, CellSupernet),
    "nasbench201": lambda: mixture(NASBENCH201, NASBench201Supernet),
    "network": evaluation,
}


@pytest.mark.parametrize("case", CASES)
def test_the_same_bits_of_less(case):
    build, call = CASES[case]()
    images, labels = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)), torch.arange(4) % 3
    found = []
    for recompute in (False, True):
        torch.manual_seed(0)
        net = Engine(EngineConfig(device="cpu", recompute=recompute), 0).place(build())

        def loss_of(images, labels, net=net):
            return F.cross_entropy(call(net, images), labels)

        kept = graph_bytes(net, lambda: loss_of(images, labels).backward())
        said = step_bytes(net, loss_of, (3, 8, 8), 4, copies=0)
        assert said == pytest.approx(kept, rel=0.01)
        found.append((kept, [p.grad for p in net.parameters()], list(net.buffers())))
    (all_kept, *expected), (kept, *again) = found
    assert kept < {"mixture": 0.7, "nasbench201": 0.8, "network": 0.8}[case] * all_kept
    for ours, theirs in zip(again, expected, strict=True):
        assert len(ours) > 20
        for one, other in zip(ours, theirs, strict=True):
            assert one is other is None or torch.equal(one, other)
