"""What the graphs of training steps keep, for the tests of what is said about it."""

import pytest
import torch
from torch.nn import functional as F


def graph_bytes(network, act):
    """The most bytes that the graph of a loss keeps while `act` runs, without those of the network's own tensors.

    A loss is complete with its cross-entropy; each storage counts once.
    """
    own = {tensor.untyped_storage().data_ptr() for tensor in network.state_dict().values()}
    found, storages = [], {}

    def keep(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    def cross_entropy(*arguments, **options):
        loss = real(*arguments, **options)
        found.append(sum(storage.nbytes() for place, storage in storages.items() if place not in own))
        storages.clear()
        return loss

    real = F.cross_entropy
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "cross_entropy", cross_entropy)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            act()
    return max(found)
