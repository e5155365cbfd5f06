import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nastk.data.split import balanced_part, balanced_split


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
