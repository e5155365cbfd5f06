import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nastk.data.split import Selection, balanced_part, balanced_split, held_out_part


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(
    counts=st.lists(st.integers(2, 20), min_size=1, max_size=6),
    portion=st.floats(0.01, 0.95),
    seed=st.integers(0, 99),
)
def test_every_class_is_shared_out(counts, portion, seed):
    labels = torch.tensor([label for label, count in enumerate(counts) for _ in range(count)])
    labels = labels[torch.randperm(len(labels), generator=seeded(seed))]
    first, second = balanced_split(labels, portion, seeded(seed), classes="abcdef")
    assert torch.equal(torch.cat([first, second]).sort().values, torch.arange(len(labels)))
    assert torch.equal(first, first.sort().values) and torch.equal(second, second.sort().values)
    for label, count in enumerate(counts):
        share = int((labels[first] == label).sum())
        assert 1 <= share <= count - 1
        assert abs(share - portion * count) <= 0.5 or share in (1, count - 1)


def test_split_follows_its_generator():
    labels = torch.arange(100) % 5
    one, again, other = (balanced_split(labels, 0.5, seeded(s), classes="abcde")[0] for s in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_class_with_a_single_image_is_called_by_its_name():
    with pytest.raises(ValueError, match="class '10' has a single training image"):
        balanced_split(torch.tensor([0, 0, 1, 1, 2]), 0.5, seeded(), classes=("0", "1", "10"))


@given(counts=st.lists(st.integers(1, 12), min_size=1, max_size=5), num=st.integers(1, 60))
def test_part_is_as_even_as_the_classes_allow(counts, num):
    labels = torch.tensor([label for label, count in enumerate(counts) for _ in range(count)])
    part = balanced_part(labels, num)
    assert len(part) == min(num, len(labels)) == len(part.unique())
    shares = labels[part].bincount(minlength=len(counts)).tolist()
    most = max(shares)
    assert all(share >= most - 1 or share == count for share, count in zip(shares, counts, strict=True))


def test_parts_nest_and_are_no_prefix():
    labels = torch.arange(1000) % 10
    small, large = balanced_part(labels, 50), balanced_part(labels, 200)
    assert set(small.tolist()) < set(large.tolist())
    assert int(small.max()) > 500


@given(
    counts=st.lists(st.integers(2, 20), min_size=1, max_size=6),
    portion=st.floats(0.01, 0.9),
    smaller=st.floats(0.01, 1),
)
def test_a_part_is_held_out_of_every_class(counts, portion, smaller):
    labels = torch.tensor([label for label, count in enumerate(counts) for _ in range(count)])
    rest, held_out = held_out_part(labels, portion, "abcdef")
    assert torch.equal(torch.cat([rest, held_out]).sort().values, torch.arange(len(labels)))
    for label, count in enumerate(counts):
        share = int((labels[held_out] == label).sum())
        assert 1 <= share <= count - 1
        assert abs(share - portion * count) <= 0.5 or share in (1, count - 1)
    _, part_of_it = held_out_part(labels, portion * smaller, "abcdef")
    assert set(part_of_it.tolist()) <= set(held_out.tolist())


def test_what_is_held_out_depends_on_labels_alone():
    labels = torch.arange(100) % 5
    torch.manual_seed(1)
    one = held_out_part(labels, 0.2, "abcde")[1]
    torch.manual_seed(2)
    assert torch.equal(one, held_out_part(labels, 0.2, "abcde")[1])
    assert int(one.min()) < 50 < int(one.max())  # and it is no class's first or last images


@pytest.mark.parametrize(
    ("selection", "num", "found"),
    [
        (Selection(), 100, 100),
        (Selection(most=100), 100, 100),
        (Selection(most=10), 10, 100),
        (Selection(0.2), 80, 80),
        (Selection(0.2, "held out"), 20, 20),
        (Selection(0.2, most=10), 10, 80),
        (Selection(0.2, "held out", 10), 10, 20),
    ],
)
def test_selections(selection, num, found):
    labels = torch.arange(100) % 5
    part, of = selection.of(labels, "abcde")
    part = torch.arange(100) if part is None else part
    assert (len(part), of) == (num, found)
    assert labels[part].bincount().tolist() == [num // 5] * 5
    if selection.portion:
        _, held_out = held_out_part(labels, 0.2, "abcde")
        common = set(part.tolist()) & set(held_out.tolist())
        assert len(common) == (num if selection.use == "held out" else 0)
