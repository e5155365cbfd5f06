"""The supernet equals the plain definition in float64: outputs, all gradients, running statistics."""

import pytest
import torch
from plain_supernet import PlainSupernet, copy_weights, matching_tensors

from nastk.networks.batch_norm import BatchNorm2d
from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.gates import Gate, Gates, SharedGates, soft
from nastk.spaces.cell import DARTS, RELATIVENAS
from nastk.spaces.mask import Mask

SIZE = {"init_channels": 4, "num_cells": 4, "num_classes": 7}
LAYOUTS = {"nchw": torch.contiguous_format, "channels-last": torch.channels_last}


def random_mask(space, seed):
    """A random non-empty row for every edge; a `none` alone is left out, as it ends a cell's usefulness."""
    generator = torch.Generator().manual_seed(seed)
    num = len(space.operations)

    def row():
        size = int(torch.randint(1, num + 1, (), generator=generator))
        return tuple(sorted(torch.randperm(num, generator=generator)[:size].tolist()))

    return Mask(tuple(row() for _ in space.decisions))


def plain_gates(values, mask):
    """Of `values` [D, O] on what the mask allows, each a tensor of its own."""
    return Gates(
        tuple(
            tuple((operation, values[decision, operation]) for operation in row)
            for decision, row in enumerate(mask.allowed)
        )
    )


def close(found, expected, name):
    scale = max(float(expected.abs().max()), 1.0)
    assert float((found - expected).abs().max()) <= 1e-10 * scale, name


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("masked", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (None, 1))])
@pytest.mark.parametrize("space", [DARTS, RELATIVENAS], ids=["darts", "relativenas"])
def test_equals_the_plain_definition(space, masked, layout, training):
    torch.manual_seed(0)
    mask = space.full_mask() if masked is None else random_mask(space, masked)
    supernet = CellSupernet(space, mask, **SIZE).double().to(memory_format=LAYOUTS[layout])
    plain = PlainSupernet(space, mask, **SIZE).double().to(memory_format=LAYOUTS[layout])
    for name, tensor in supernet.state_dict().items():
        if name.endswith(("running_var", "norm.weight")):
            tensor.uniform_(0.5, 1.5)
    copy_weights(plain, supernet)
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64).contiguous(memory_format=LAYOUTS[layout])
    labels = torch.arange(4)
    raw = torch.rand(len(space.decisions), len(space.operations), dtype=torch.float64)
    found = []
    for net, gates in ((plain, plain_gates), (supernet, soft)):
        values = raw.clone().requires_grad_()
        net.train(training)
        logits = net(images, gates(values, mask))
        torch.nn.functional.cross_entropy(logits, labels).backward()
        found.append((logits.detach(), values.grad))
    close(found[1][0], found[0][0], "logits")
    close(found[1][1], found[0][1], "gates")
    pairs = matching_tensors(plain, supernet)
    assert len(pairs) > 100
    for name, ours, theirs in pairs:
        close(theirs.detach().double(), ours.detach().double(), name)  # buffers: running statistics
        assert (ours.grad is None) == (theirs.grad is None), name
        if ours.grad is not None:
            close(theirs.grad, ours.grad, name)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_a_gate_in_the_norm_has_the_gradients_of_a_product(dtype, layout, affine, training):
    """The trap: an expanded (stride-0) scale gives garbage gradients in channels-last on the CPU."""
    generator = torch.Generator().manual_seed(1)
    norm = BatchNorm2d(6, affine=affine).to(dtype).train(training)
    if affine:
        norm.weight.data.uniform_(0.5, 1.5, generator=generator)
    x = torch.randn(5, 6, 4, 4, generator=generator, dtype=dtype).contiguous(memory_format=LAYOUTS[layout])
    weights = torch.randn(5, 6, 4, 4, generator=generator, dtype=dtype).contiguous(
        memory_format=LAYOUTS[layout]
    )
    results = []
    for apply in (
        lambda x, gate: gate * norm(x),
        lambda x, gate: norm(x, Gate(SharedGates(gate.view(1, 1)), 0)),
    ):
        leaf, gate = x.clone().requires_grad_(), torch.tensor(0.3, dtype=dtype, requires_grad=True)
        norm.running_mean.zero_()
        y = apply(leaf, gate)
        norm.zero_grad()
        (y * weights).sum().backward()
        own = [norm.weight.grad.clone(), norm.bias.grad.clone()] if affine else []
        results.append([y.detach(), leaf.grad, gate.grad, norm.running_mean.clone(), *own])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4 if dtype == torch.float32 else 1e-11, atol=1e-5)
