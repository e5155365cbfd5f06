"""The supernet: a path is what its operations give by hand, and touches nothing else."""

import itertools

import pytest
import torch

from nastk.archs import load_arch
from nastk.networks.cell_network import CellNetwork
from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.drop_path import draw_masks, is_droppable
from nastk.networks.gates import Gates, one_hot, soft
from nastk.spaces.cell import DARTS, RELATIVENAS
from nastk.spaces.mask import Mask

SIZE = {"init_channels": 4, "num_cells": 4, "num_classes": 5}
ARCHS = [
    (RELATIVENAS, "relativenas-cifar10"),
    (RELATIVENAS, "relativenas-cifar100"),
    (DARTS, "darts-v1"),
    (DARTS, "pdarts-cifar10"),
]
with_archs = pytest.mark.parametrize(("space", "arch"), ARCHS, ids=[arch for _, arch in ARCHS])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def supernet_of(space, names=None):
    """A supernet in float64 whose running statistics are not those of a fresh one."""
    supernet = CellSupernet(space, space.mask_of(names), **SIZE).double()
    for name, buffer in supernet.named_buffers():
        if name.endswith(("mean", "var")):
            buffer.uniform_(0.5, 1.5)
    return supernet


def gates_of(space, arch):
    path = space.path(load_arch(arch).genotype)
    return path, one_hot(path, len(space.decisions))


def choices_of(path, place):
    """The (edge, operation) pairs of the cells of a place's type."""
    return [(decision % 14, operation) for decision, operation in path if decision // 14 == place.cell_type]


def images(num=3):
    return torch.randn(num, 3, 8, 8, dtype=torch.float64)


def by_hand(supernet, space, x, weights):
    """The logits; weights: (decision, operation, weight) triples, each one applied by itself."""
    s0, s1 = supernet.stem(x)
    for place, cell in zip(supernet.places, supernet.cells, strict=True):
        states = cell.preprocess(s0.relu(), s1.relu())
        for node in space.concat:
            total = torch.zeros(())
            for decision, operation, weight in weights:
                cell_type, edge = divmod(decision, 14)
                if cell_type == place.cell_type and space.edges[edge][0] == node:
                    total = total + weight * cell.owner(edge, operation)[str(operation)](
                        states[space.edges[edge][1]]
                    )
            states.append(total)
        s0, s1 = s1, torch.cat(states[2:], dim=1)
    return supernet.classifier(s1)


@with_archs
def test_a_path_is_the_sum_of_its_operations(space, arch):
    """Also where a duplicate edge applies one operation twice: its gate is 2."""
    supernet = supernet_of(space).eval()
    path, gates = gates_of(space, arch)
    x = images()
    expected = by_hand(supernet, space, x, [(*choice, 1.0) for choice in path])
    torch.testing.assert_close(supernet(x, gates), expected, rtol=0, atol=1e-12)


def test_a_choice_made_twice_is_one_operation_of_weight_two():
    _, gates = gates_of(RELATIVENAS, "relativenas-cifar10")
    assert gates.rows[RELATIVENAS.edge_index[3, 1]] == ((3, 2.0),)
    assert [len(row) for row in gates.rows[:14]] == [1, 1, 0, 1, 0, 0, 2, 0, 0, 2, 0, 0, 0, 0]
    assert one_hot(((0, 1), (0, 0), (0, 1)), 2) == Gates((((0, 1.0), (1, 2.0)), ()))


def test_soft_gates_mix_and_have_gradients():
    space = DARTS
    supernet = supernet_of(space, ["none", "skip_connect", "max_pool_3x3", "dil_conv_3x3"])
    raw = torch.randn(28, 8, dtype=torch.float64, requires_grad=True)
    allowed = (0, 1, 3, 6)
    weights = [(decision, op, raw[decision, op]) for decision in range(28) for op in allowed]
    x = images()
    logits = supernet.eval()(x, soft(raw, Mask((allowed,) * 28)))
    expected = by_hand(supernet, space, x, weights)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-12)
    (one,), (other,) = (torch.autograd.grad(output.square().sum(), raw) for output in (logits, expected))
    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
    assert (one[:, [1, 3, 6]] != 0).all()  # max_pool, skip, dil_conv of every edge
    assert (one[:, [0, 2, 4, 5, 7]] == 0).all()


@with_archs
def test_inactive_operations_are_never_run_and_get_no_gradient(space, arch):
    supernet = supernet_of(space)
    path, gates = gates_of(space, arch)
    active = {
        id(cell.owner(edge, operation)[str(operation)])
        for place, cell in zip(supernet.places, supernet.cells, strict=True)
        for edge, operation in choices_of(path, place)
    }
    candidates = [
        operation
        for cell in supernet.cells
        for owner in (*cell.operations, *cell.pools)
        for operation in owner.values()
        if any(True for _ in operation.parameters()) or owner in list(cell.pools)
    ]
    runs = dict.fromkeys(map(id, candidates), 0)
    for candidate in candidates:
        key = id(candidate)
        leaf = next(module for module in candidate.modules() if not list(module.children()))
        leaf.register_forward_hook(lambda *_, key=key: runs.__setitem__(key, runs[key] + 1))
    supernet(images(), gates).sum().backward()
    assert runs == {key: int(key in active) for key in runs}  # a shared pooling runs once, too
    for candidate in candidates:
        assert all((p.grad is not None) == (id(candidate) in active) for p in candidate.parameters())


@with_archs
def test_path_names_are_exactly_what_a_training_step_touches(space, arch):
    """But for how a cell takes up an input that none of its operations reads."""
    supernet = supernet_of(space)
    _, gates = gates_of(space, arch)
    before = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    optimizer = torch.optim.SGD(supernet.parameters(), lr=0.1, momentum=0.9, weight_decay=3e-4)
    for _ in range(2):
        optimizer.zero_grad()
        supernet(images(), gates).square().sum().backward()
        optimizer.step()
    after = supernet.state_dict()
    changed = {name for name in after if not after[name].equal(before[name])}
    names = supernet.path_names(gates)
    unread = {
        name
        for position, place in enumerate(supernet.places)
        if not any(
            space.edges[edge][1] == 0 and gates.rows[14 * place.cell_type + edge] for edge in range(14)
        )
        for name, _ in supernet.named_parameters()
        if name.startswith(f"cells.{position}.preprocess.first.")
    }
    assert changed == set(names) - unread
    assert bool(unread) == (arch == "relativenas-cifar10")
    assert len(names) == len(set(names)) < len(after)


def test_names_are_looked_up_once_for_all_paths(monkeypatch):
    """The state dict of a large supernet takes a while, and every candidate asks."""
    supernet = supernet_of(DARTS)
    gates = [gates_of(DARTS, arch)[1] for arch in ("darts-v1", "pdarts-cifar10")]
    one, other = (supernet_of(DARTS).path_names(each) for each in gates)
    assert one != other and supernet.path_names(gates[0]) == one
    monkeypatch.setattr(supernet, "state_dict", lambda: pytest.fail("the names were known"))
    assert [supernet.path_names(each) for each in gates] == [one, other]


@with_archs
def test_a_path_takes_as_many_masks_as_the_supernet_says(space, arch):
    supernet = supernet_of(space)
    path, gates = gates_of(space, arch)
    num = supernet.num_drop_paths(gates)
    assert num == sum(
        is_droppable(cell.owner(edge, operation)[str(operation)])
        for place, cell in zip(supernet.places, supernet.cells, strict=True)
        for edge, operation in set(choices_of(path, place))
    )

    class Masks:
        rest = iter(draw_masks(num, 3, 0.3, torch.Generator().manual_seed(0)))

        def to(self, _dtype):
            return self

        def unbind(self):
            return self.rest

    supernet(images(), gates, Masks())
    assert next(Masks.rest, None) is None


def test_drop_path_in_the_supernet_by_hand():
    """Zero masks leave the identities, whose weight stays."""
    supernet = supernet_of(RELATIVENAS).eval()
    path, gates = gates_of(RELATIVENAS, "relativenas-cifar10")
    x = images()
    dropped = supernet(x, gates, torch.zeros(supernet.num_drop_paths(gates), 3, 1, 1, 1))
    for cell in supernet.cells:
        for owner in (*cell.operations, *cell.pools):
            for operation in filter(is_droppable, owner.values()):
                operation.register_forward_hook(lambda _, inputs, output: torch.zeros_like(output))
    expected = by_hand(supernet, RELATIVENAS, x, [(*choice, 1.0) for choice in path])
    torch.testing.assert_close(dropped, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("arch", ["relativenas-cifar10", "relativenas-cifar100"])
def test_a_path_is_the_discrete_network_with_its_weights(arch):
    """RelativeNAS's supernet and networks have the same norms, so that weights can be carried over."""
    supernet = supernet_of(RELATIVENAS).eval()
    genotype = load_arch(arch).genotype
    path, gates = gates_of(RELATIVENAS, arch)
    network = CellNetwork(genotype, **SIZE).double().eval()
    network.stem.load_state_dict(supernet.stem.state_dict())
    network.classifier.load_state_dict(supernet.classifier.state_dict())
    for place, mixed, cell in zip(supernet.places, supernet.cells, network.cells, strict=True):
        cell.preprocess.load_state_dict(mixed.preprocess.state_dict())
        for operation, (edge, index) in zip(cell.operations, choices_of(path, place), strict=True):
            operation.load_state_dict(mixed.owner(edge, index)[str(index)].state_dict())
    x = images()
    torch.testing.assert_close(network(x)[0], supernet(x, gates), rtol=0, atol=1e-12)


def test_only_what_the_mask_allows_is_built():
    mask = DARTS.full_mask().restrict(3, [3]).restrict(14 + 13, [0, 7])
    supernet = CellSupernet(DARTS, mask, **SIZE)
    for place, cell in zip(supernet.places, supernet.cells, strict=True):
        for edge in range(14):
            allowed = mask.allowed[14 * place.cell_type + edge]
            found = [operation for operation in range(8) if str(operation) in cell.owner(edge, operation)]
            pools = {1, 2} & set(found)
            assert set(found) - pools == set(allowed) - {1, 2}
            assert set(allowed) & {1, 2} <= pools


@pytest.mark.parametrize("space", [DARTS, RELATIVENAS], ids=["darts", "relativenas"])
def test_the_parameters_of_an_edge_are_its_operations_in_all_cells_of_a_type(space):
    """Together the edges have all parameters of the cells but those of how a cell takes up its inputs."""
    supernet = supernet_of(space)
    found = []
    for decision, (cell_type, edge) in enumerate(itertools.product((0, 1), range(14))):
        parameters = supernet.decision_parameters(decision)
        names = [name for name, p in supernet.named_parameters() if any(p is own for own in parameters)]
        places = [i for i, place in enumerate(supernet.places) if place.cell_type == cell_type]
        assert all(name.split(".")[2:4] == ["operations", str(edge)] for name in names)
        assert sorted({int(name.split(".")[1]) for name in names}) == places
        found += names
    assert len(found) == len(set(found))
    everything = {name for name, _ in supernet.named_parameters() if name.startswith("cells.")}
    assert everything - set(found) == {name for name in everything if ".preprocess." in name}
    assert supernet.shared_parameters() == []


def test_grey_images():
    supernet = CellSupernet(DARTS, DARTS.full_mask(), **SIZE, channels_in=1, image_size=(28, 28))
    assert supernet(torch.randn(2, 1, 28, 28), gates_of(DARTS, "darts-v2")[1]).shape == (2, 5)
