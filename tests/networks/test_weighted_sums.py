"""What has no weights of its own is summed by one matrix product; it says when that would round."""

import pytest
import torch

from nastk.networks import mixed_edges
from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.gates import Gates, soft
from nastk.networks.skip_dropout import SkipDropout
from nastk.networks.weighted_sums import weighted_sums
from nastk.spaces.cell import DARTS


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_sums_by_hand_in_the_first_maps_layout(layout):
    generator = torch.Generator().manual_seed(0)
    maps = [torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64) for _ in range(3)]
    weights = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    found = weighted_sums(weights, [maps[0].contiguous(memory_format=layout), *maps[1:]])
    for row, one in zip(weights, found, strict=True):
        torch.testing.assert_close(one, sum(w * x for w, x in zip(row, maps, strict=True)))
        assert one.is_contiguous(memory_format=layout)


def forward(monkeypatch, *, precision="highest", change=tuple, dropout=None):
    """A supernet's logits, and how many of its maps went into sums by matrix products."""
    torch.manual_seed(0)
    mask = DARTS.full_mask()
    net = CellSupernet(DARTS, mask, init_channels=8, num_cells=3, num_classes=3).double()
    weights = torch.rand(len(DARTS.decisions), len(DARTS.operations), dtype=torch.float64)
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    maps = []

    def counted(weights, given):
        maps.extend(given)
        return weighted_sums(weights, given)

    monkeypatch.setattr(mixed_edges, "weighted_sums", counted)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        logits = net(images, Gates(change(soft(weights, mask).rows)), skip_dropout=dropout)
    finally:
        torch.set_float32_matmul_precision(before)
    return logits, len(maps)


def test_under_tf32_they_are_made_one_by_one(monkeypatch):
    """There a product would round its maps, which a sum does not."""
    logits, num = forward(monkeypatch)
    # One normal and two reduction cells with five nodes that edges begin at, of which reductions halve two.
    assert num == 3 * 5 + 2 * (2 * 2 + 3 * 3)
    one_by_one, none = forward(monkeypatch, precision="high")
    assert none == 0
    torch.testing.assert_close(logits, one_by_one)


def test_numbers_among_the_gates_are_weighted_on_their_own(monkeypatch):
    def halves(rows):
        return ((*((option, 0.5) for option, _ in rows[0]),), *rows[1:])

    logits, num = forward(monkeypatch, change=halves)
    one_by_one, _ = forward(monkeypatch, precision="high", change=halves)
    assert num
    torch.testing.assert_close(logits, one_by_one)


def test_every_edge_drops_out_a_skip_of_its_own(monkeypatch):
    def dropout():
        return SkipDropout(0.5, torch.Generator().manual_seed(0))

    logits, num = forward(monkeypatch, dropout=dropout())
    assert num == 3 * 4 * 2  # the poolings; from the last node there is one edge with two, which are too few
    one_by_one, _ = forward(monkeypatch, precision="high", dropout=dropout())
    torch.testing.assert_close(logits, one_by_one)
