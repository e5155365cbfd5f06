"""NAS-Bench-201's networks: the benchmark's sizes, and both networks against the definition written out."""

import numpy
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nastk.genotype import Genotype
from nastk.networks.counting import count_macs, count_parameters
from nastk.networks.drop_path import draw_masks, is_droppable
from nastk.networks.gates import one_hot, soft
from nastk.networks.nasbench201 import NASBench201Network, NASBench201Supernet
from nastk.networks.skip_dropout import SkipDropout
from nastk.spaces.mask import Mask
from nastk.spaces.nasbench201 import NASBENCH201 as SPACE

SIZE = {"init_channels": 4, "num_cells": 4, "num_classes": 5}
LAYOUTS = {"nchw": torch.contiguous_format, "channels-last": torch.channels_last}
NONE, SKIP, CONV1, CONV3, POOL = range(5)
ALL_KINDS = (CONV3, POOL, SKIP, NONE, CONV1, CONV3)
#  the data sets of the benchmark: classes, side of the images
DATASETS = {"cifar10": (10, 32), "cifar100": (100, 32), "ImageNet16-120": (120, 16)}
#  of the benchmark's list: architecture, 3x3 and 1x1 convolutions
LISTED = {
    0: ("|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|", 0, 2),
    11: ("|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|", 3, 0),
    284: ("|skip_connect~0|+|skip_connect~0|skip_connect~1|+|none~0|nor_conv_1x1~1|none~2|", 0, 1),
    1835: ("|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|", 0, 0),
    6111: ("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|", 4, 1),
}  # fmt: skip


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def genotype_of(cell):
    return SPACE.genotype(cell)


def network_of(cell=ALL_KINDS, **options):
    return NASBench201Network(genotype_of(cell), **(SIZE | options))


def benchmark_sizes(arch, classes, side):
    """Parameters, and MACs of one image, at the benchmark's size."""
    with torch.device("meta"):
        network = NASBench201Network(
            Genotype("nasbench201", arch), **SPACE.published_size._asdict(), num_classes=classes
        )
        return count_parameters(network), count_macs(network, (3, side, side))


@pytest.mark.parametrize("number", LISTED)
@pytest.mark.parametrize("dataset", DATASETS)
def test_the_sizes_follow_the_benchmarks_formulas(number, dataset):
    """The benchmark counts the linear layer's biases as multiply-adds, too: one a class."""
    arch, num_3x3, num_1x1 = LISTED[number]
    classes, side = DATASETS[dataset]
    params, macs = benchmark_sizes(arch, classes, side)
    assert params == 73_306 + 65 * (classes - 10) + 243_040 * num_3x3 + 28_000 * num_1x1
    base = {"cifar10": 7_783_050, "cifar100": 7_788_900, "ImageNet16-120": 1_953_400}[dataset]
    scale = 1 if side == 32 else 4
    assert macs + classes == base + (35_389_440 * num_3x3 + 3_932_160 * num_1x1) // scale


def test_the_sizes_are_the_tables(shared_data):
    with numpy.load(shared_data / "nasbench201.npz", allow_pickle=False) as table:
        archs, params, flops = (table[key] for key in ("arch_str", "params_M", "flops_M"))
        assert table["datasets"].tolist() == list(DATASETS)
    for number in numpy.random.RandomState(0).choice(len(archs), 12, replace=False):
        for column, (classes, side) in enumerate(DATASETS.values()):
            found = benchmark_sizes(str(archs[number]), classes, side)
            assert found[0] == round(params[number, column] * 1e6)
            assert found[1] + classes == round(flops[number, column] * 1e6)


class PlainConv(nn.Sequential):
    def __init__(self, channels_in, channels, kernel, stride, affine):
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(channels_in, channels, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(channels, affine=affine),
        )


class PlainBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.branch = nn.Sequential(
            PlainConv(channels, 2 * channels, 3, 2, True), PlainConv(2 * channels, 2 * channels, 3, 1, True)
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(channels, 2 * channels, 1, bias=False))

    def forward(self, x):
        return self.shortcut(x) + self.branch(x)


class PlainEdge(nn.Module):
    def __init__(self, channels, affine):
        super().__init__()
        self.conv1 = PlainConv(channels, channels, 1, 1, affine)
        self.conv3 = PlainConv(channels, channels, 3, 1, affine)

    def forward(self, x, weights):
        """weights [O] in the benchmark's order."""
        pooled = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        outputs = [torch.zeros_like(x), x, self.conv1(x), self.conv3(x), pooled]
        return sum(weight * output for weight, output in zip(weights, outputs, strict=True))


class Plain(nn.Module):
    """The benchmark's definition, every operation of every edge computed and weighted."""

    def __init__(self, affine, channels=4, num_cells=4, num_classes=5):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.stages, self.blocks = nn.ModuleList(), nn.ModuleList()
        first, second = num_cells // 3, 2 * num_cells // 3
        for width, number in ((1, first), (2, second - first), (4, num_cells - second)):
            self.stages.append(
                nn.ModuleList(
                    nn.ModuleList(PlainEdge(width * channels, affine) for _ in range(6))
                    for _ in range(number)
                )
            )
        self.blocks = nn.ModuleList([PlainBlock(channels), PlainBlock(2 * channels)])
        self.norm = nn.BatchNorm2d(4 * channels)
        self.linear = nn.Linear(4 * channels, num_classes)

    def forward(self, x, weights):
        """weights [E, O]."""
        x = self.stem(x)
        for number, stage in enumerate(self.stages):
            if number:
                x = self.blocks[number - 1](x)
            for edges in stage:
                nodes = [x]
                for first, node in ((0, 1), (1, 2), (3, 3)):
                    nodes.append(sum(edges[first + i](nodes[i], weights[first + i]) for i in range(node)))
                x = nodes[3]
        return self.linear(F.relu(self.norm(x)).mean(dim=(2, 3)))


def matching_modules(plain, network):
    """(the plain net's module, the network's) whose tensors correspond in order.

    Operations are left out where the network has none, or where they have no tensors.
    """
    yield plain.stem, network.stem
    for one, other in zip(plain.blocks, network.blocks.values(), strict=True):
        for place in (0, 1):
            conv = (other.first, other.second)[place]
            yield one.branch[place], conv
        yield one.shortcut, other.shortcut
    yield plain.norm, network.classifier.norm
    yield plain.linear, network.classifier.linear
    for edges, cell in zip((cell for stage in plain.stages for cell in stage), network.cells, strict=True):
        for edge, one in enumerate(edges):
            if isinstance(network, NASBench201Supernet):
                held = {int(index): module for index, module in cell.operations[edge].items()}
            else:
                held = dict.fromkeys((CONV1, CONV3))
                for ends, module in zip(cell.edges, cell.operations, strict=True):
                    if SPACE.edge_index[ends] == edge and hasattr(module, "conv"):
                        held[CONV3 if module.conv.kernel_size == (3, 3) else CONV1] = module
            for index, module in ((CONV1, one.conv1), (CONV3, one.conv3)):
                if held.get(index) is not None:
                    yield module, held[index]


def matching_tensors(plain, network):
    pairs = []
    for one, other in matching_modules(plain, network):
        pairs += zip(one.parameters(), other.parameters(), strict=True)
        statistics = [buffer for buffer in one.buffers() if buffer.dim()]  # without counts of batches
        pairs += zip(statistics, other.buffers(), strict=True)
    return pairs


def randomise(network):
    """Running statistics, scales and shifts that are not those of a fresh network."""
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_mean", "running_var", "norm.weight", "norm.bias")):
            tensor.uniform_(0.5, 1.5)


def random_mask(generator):
    def row():
        size = int(torch.randint(1, 6, (), generator=generator))
        return tuple(sorted(torch.randperm(5, generator=generator)[:size].tolist()))

    return Mask(tuple(row() for _ in range(6)))


def close(found, expected):
    found, expected = found.detach().double(), expected.detach().double()
    scale = max(float(expected.abs().max()), 1.0)
    assert float((found - expected).abs().max()) <= 1e-10 * scale


def images(layout="nchw", num=4):
    return torch.randn(num, 3, 8, 8, dtype=torch.float64).contiguous(memory_format=LAYOUTS[layout])


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("masked", [None, 0, 1, 2])
def test_the_supernet_equals_the_plain_definition(masked, layout, training):
    """Outputs, gradients of gates and weights, running statistics, under soft gates."""
    mask = SPACE.full_mask() if masked is None else random_mask(torch.Generator().manual_seed(masked))
    supernet = NASBench201Supernet(SPACE, mask, **SIZE).double().to(memory_format=LAYOUTS[layout])
    plain = Plain(affine=False).double().to(memory_format=LAYOUTS[layout])
    randomise(supernet)
    pairs = matching_tensors(plain, supernet)
    with torch.no_grad():
        for ours, theirs in pairs:
            ours.copy_(theirs)
    allowed = torch.zeros(6, 5, dtype=torch.bool)
    for edge, row in enumerate(mask.allowed):
        allowed[edge, list(row)] = True
    raw, x = torch.rand(6, 5, dtype=torch.float64), images(layout)
    found = []
    for net in (plain, supernet):
        values = raw.clone().requires_grad_()
        net.train(training)
        if net is plain:
            logits = net(x, values * allowed)
        else:
            logits = net(x, soft(values, mask))
        F.cross_entropy(logits, torch.arange(4)).backward()
        found.append((logits, values.grad))
    close(found[1][0], found[0][0])
    close(found[1][1], found[0][1])
    for ours, theirs in pairs:
        close(theirs, ours)
        if theirs.grad is not None:
            close(theirs.grad, ours.grad)
    assert all(p.grad is not None for p in supernet.parameters()) or masked is not None


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "cell", [ALL_KINDS, (NONE, POOL, CONV3, SKIP, CONV1, NONE), (SKIP,) * 6, (CONV1,) * 6]
)
def test_the_network_equals_the_plain_definition(cell, layout, training):
    """Operations that lead nowhere, and on a node without inputs, too."""
    network = network_of(cell).double().to(memory_format=LAYOUTS[layout])
    plain = Plain(affine=True).double().to(memory_format=LAYOUTS[layout])
    randomise(network)
    pairs = matching_tensors(plain, network)
    assert len(pairs) == len(network.state_dict())
    with torch.no_grad():
        for ours, theirs in pairs:
            ours.copy_(theirs)
    weights = F.one_hot(torch.tensor(cell), 5).double()
    x = images(layout)
    logits, auxiliary = network.train(training)(x)
    expected = plain.train(training)(x, weights)
    assert auxiliary is None
    close(logits, expected)
    for output in (logits, expected):
        output.square().sum().backward()
    for ours, theirs in pairs:
        close(theirs, ours)
        if theirs.grad is not None:
            close(theirs.grad, ours.grad)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("cell", [ALL_KINDS, (CONV3, CONV1, CONV3, NONE, POOL, SKIP)])
def test_a_path_is_the_network_with_its_weights(cell, training):
    """A fresh network's norms scale by 1 and shift by 0, which is what the supernet's norms do."""
    supernet = NASBench201Supernet(SPACE, SPACE.full_mask(), **SIZE).double()
    for name, buffer in supernet.named_buffers():
        if name.endswith(("mean", "var")):
            buffer.uniform_(0.5, 1.5)
    network = network_of(cell).double()
    for name in ("stem", "blocks", "classifier"):
        getattr(network, name).load_state_dict(getattr(supernet, name).state_dict())
    for own, mixed in zip(network.cells, supernet.cells, strict=True):
        for ends, operation in zip(own.edges, own.operations, strict=True):
            edge = SPACE.edge_index[ends]
            operation.load_state_dict(
                mixed.owner(edge, cell[edge])[str(cell[edge])].state_dict(), strict=False
            )
    x = images()
    gates = one_hot(SPACE.path(genotype_of(cell)), 6)
    close(supernet.train(training)(x, gates), network.train(training)(x)[0])


def active_names(cell):
    return {
        f"cells.{position}.operations.{edge}.{op}"
        for position in range(4)
        for edge, op in enumerate(cell)
        if op in (CONV1, CONV3)
    }


def test_only_operations_of_the_gates_run_and_what_edges_share_runs_once():
    supernet = NASBench201Supernet(SPACE, SPACE.full_mask(), **SIZE).double()
    runs = {}
    for name, module in supernet.named_modules():
        if isinstance(module, (nn.Conv2d, nn.AvgPool2d)) and name.startswith("cells."):
            module.register_forward_hook(lambda *_, name=name: runs.__setitem__(name, runs.get(name, 0) + 1))
    cell = (POOL, POOL, CONV3, POOL, NONE, CONV1)
    supernet(images(), one_hot(SPACE.path(genotype_of(cell)), 6)).sum().backward()
    pools = {f"cells.{position}.pools.0.{POOL}" for position in range(4)}  # three edges, one pooling
    assert runs == dict.fromkeys({f"{name}.conv" for name in active_names(cell)} | pools, 1)
    prefixes = tuple(active_names(cell))
    for name, parameter in supernet.named_parameters():
        assert (parameter.grad is not None) == (not name.startswith("cells.") or name.startswith(prefixes))


def test_path_names_are_exactly_what_a_training_step_touches():
    supernet = NASBench201Supernet(SPACE, SPACE.full_mask(), **SIZE).double()
    gates = one_hot(SPACE.path(genotype_of(ALL_KINDS)), 6)
    before = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    optimizer = torch.optim.SGD(supernet.parameters(), lr=0.1, momentum=0.9, weight_decay=3e-4)
    for _ in range(2):
        optimizer.zero_grad()
        supernet(images(), gates).square().sum().backward()
        optimizer.step()
    after = supernet.state_dict()
    names = supernet.path_names(gates)
    assert {name for name in after if not after[name].equal(before[name])} == set(names)
    assert len(names) == len(set(names)) < len(after)


def test_parameters_of_edges_and_of_the_blocks():
    supernet = NASBench201Supernet(SPACE, SPACE.full_mask().restrict(2, [NONE, SKIP]), **SIZE)
    names = {id(parameter): name for name, parameter in supernet.named_parameters()}
    for edge in range(6):
        found = [names[id(parameter)] for parameter in supernet.decision_parameters(edge)]
        kinds = () if edge == 2 else (CONV1, CONV3)
        assert found == [
            f"cells.{cell}.operations.{edge}.{op}.conv.weight" for cell in range(4) for op in kinds
        ]
    shared = [names[id(parameter)] for parameter in supernet.shared_parameters()]
    assert shared == [name for name in names.values() if name.startswith("blocks.")]
    assert sum(p.numel() for p in supernet.shared_parameters()) == sum(
        9 * c * 2 * c + 9 * 4 * c * c + 4 * 2 * c + c * 2 * c for c in (4, 8)
    )


@pytest.mark.parametrize("num_cells", [3, 4, 5, 15])
def test_blocks_stand_at_a_third_and_two_thirds(num_cells):
    network = network_of(num_cells=num_cells)
    assert list(network.blocks) == [str(num_cells // 3), str(2 * num_cells // 3)]
    shapes = []
    for cell in network.cells:
        cell.register_forward_hook(lambda _, inputs, output: shapes.append(output.shape[1:]))
    network(torch.randn(2, 3, 16, 8))
    first, second = num_cells // 3, 2 * num_cells // 3
    assert shapes == (
        [(4, 16, 8)] * first + [(8, 8, 4)] * (second - first) + [(16, 4, 2)] * (num_cells - second)
    )


@pytest.mark.parametrize("channels_in", [1, 3])
@pytest.mark.parametrize("side", [8, 28, 32])
def test_the_auxiliary_head_stands_behind_two_thirds(side, channels_in):
    network = network_of(channels_in=channels_in, auxiliary=True, image_size=(side, side), num_cells=6)
    assert network.auxiliary_after == 4
    x = torch.randn(2, channels_in, side, side)
    logits, auxiliary = network(x)
    assert logits.shape == auxiliary.shape == (2, 5)
    (logits.sum() + auxiliary.sum()).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert network(x[:1])[1] is None
    assert network.eval()(x)[1] is None


@pytest.mark.parametrize(
    "build", [network_of, lambda **o: NASBench201Supernet(SPACE, SPACE.full_mask(), **(SIZE | o))]
)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_cells": 2}, r"^network\.num_cells: space 'nasbench201' needs at least 3, found 2$"),
        ({"image_size": (30, 32)}, r"^images of 30x32 pixels do not fit: with the cifar stem and 4 cells"),
    ],
)  # fmt: skip
def test_what_cannot_be_built(build, options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_there_is_no_imagenet_stem():
    with pytest.raises(ValueError) as caught:
        network_of(stem="imagenet")
    assert str(caught.value) == "network.stem: space 'nasbench201' has the cifar stem only, not imagenet"


@pytest.mark.parametrize("cell", [(NONE,) * 6, (CONV3, CONV3, CONV1, NONE, NONE, NONE)])
def test_a_cell_that_is_not_connected_can_be_trained(cell):
    """Its answer is the same for all images."""
    supernet = NASBench201Supernet(SPACE, SPACE.full_mask(), **SIZE).double()
    gates = one_hot(SPACE.path(genotype_of(cell)), 6)
    for logits in (network_of(cell).double()(images())[0], supernet(images(), gates)):
        assert logits.isfinite().all() and logits.equal(logits[:1].expand(4, 5))
        logits.sum().backward()
    assert supernet.classifier.linear.bias.grad is not None
    assert supernet.stem[0].weight.grad is None


class Masks:
    """Masks that tell how many of them a forward pass takes."""

    def __init__(self, masks):
        self.rest = iter(masks)

    def to(self, _dtype):
        return self

    def unbind(self):
        return self.rest


def test_as_many_masks_are_taken_as_is_said():
    """All operations but skips and none are subject to drop path, as in the other spaces."""
    network, supernet = network_of(), NASBench201Supernet(SPACE, SPACE.full_mask(), **SIZE)
    gates = one_hot(SPACE.path(genotype_of(ALL_KINDS)), 6)
    assert network.num_drop_paths == supernet.num_drop_paths(gates) == 4 * 4
    for net, rest in ((network, []), (supernet, [gates])):
        masks = Masks(draw_masks(16, 2, 0.3, torch.Generator().manual_seed(0)))
        net(torch.randn(2, 3, 8, 8), *rest, masks)
        assert next(masks.rest, None) is None


def test_masks_of_zero_leave_the_skips():
    supernet = NASBench201Supernet(SPACE, SPACE.full_mask(), **SIZE).double().eval()
    skip = genotype_of((NONE, SKIP, NONE, NONE, NONE, SKIP))
    x = images()
    gates = one_hot(SPACE.path(genotype_of((CONV3, SKIP, POOL, CONV1, POOL, SKIP))), 6)
    dropped = supernet(x, gates, torch.zeros(16, 4, 1, 1, 1))
    close(dropped, supernet(x, one_hot(SPACE.path(skip), 6)))
    network = network_of((CONV3, SKIP, POOL, CONV1, POOL, SKIP)).eval()
    dropped = network(x.float(), torch.zeros(16, 4, 1, 1, 1))[0]
    for operation in (o for cell in network.cells for o in cell.operations if is_droppable(o)):
        operation.register_forward_hook(lambda _, inputs, output: torch.zeros_like(output))
    assert dropped.equal(network(x.float())[0])


def test_dropout_after_skips_in_training_only():
    supernet = NASBench201Supernet(SPACE, SPACE.full_mask(), **SIZE).double()
    gates = one_hot(SPACE.path(genotype_of((CONV3, SKIP, NONE, SKIP, NONE, CONV1))), 6)
    x, dropout = images(), SkipDropout(0.5, torch.Generator().manual_seed(0))
    assert not supernet(x, gates, skip_dropout=dropout).equal(supernet(x, gates))
    supernet.eval()
    assert supernet(x, gates, skip_dropout=dropout).equal(supernet(x, gates))
