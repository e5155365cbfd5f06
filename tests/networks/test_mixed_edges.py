"""What a space's supernet says of its options before there is one."""

import pytest

from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.nasbench201 import NASBench201Supernet
from nastk.spaces.cell import DARTS, RELATIVENAS
from nastk.spaces.nasbench201 import NASBENCH201


@pytest.mark.parametrize(
    ("space", "supernet", "layers"),
    [
        # None, poolings and skips have no weights; separable convolutions stand twice, depthwise and pointwise.
        (DARTS, CellSupernet, [0, 0, 0, 0, 4, 4, 2, 2]),
        (RELATIVENAS, CellSupernet, [0, 0, 0, 4, 4, 2, 2]),
        (NASBENCH201, NASBench201Supernet, [0, 0, 1, 1, 0]),
    ],
)
def test_layers_of_each_option_of_each_decision(space, supernet, layers):
    assert supernet.num_layers(space) == [layers] * len(space.decisions)
