"""Words of messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nastk import registry
from nastk.archs import list_archs
from nastk.config import resolve
from nastk.presets import list_presets
from nastk.tables.kinds import KINDS
from nastk.wording import counted, nearest


def test_counted():
    assert [counted(number, "image") for number in (0, 1, 2, 1797)] == [
        *("0 images", "1 image", "2 images", "1,797 images")
    ]
    assert [counted(number, "leaf", "leaves") for number in (1, 2)] == ["1 leaf", "2 leaves"]


KEYS = list(resolve("search", "relativenas", "quick", []).settings())
KNOWN = {
    "method": list(registry.METHODS),
    "space": list(registry.SPACES),
    "data set": list(registry.DATASETS),
    "arch": list(list_archs()),
    "preset": sorted({name for names in list_presets().values() for name in names}),
    "column": [name for kind in KINDS for part in kind.parts for name in part.columns],
    "key": [key.partition(".")[2] for key in KEYS],
}
NEAR = {
    "method": {
        **{"relativnas": "relativenas", "RelativeNAS": "relativenas", "relative-nas": "relativenas"},
        **{"dart": "darts", "drats": "darts", "DARTS": "darts", "p-darts": "pdarts", "pdart": "pdarts"},
        **{"few-shot": "fewshot", "fewshoot": "fewshot", "evolutionary": "evolution", "rand": "random"},
        **{"snass": "snas", "rsp": "rsps", "relativ": "relativenas"},
    },
    "space": {"nas-bench-201": "nasbench201", "nasbench": "nasbench201", "transnas": "transnas-micro"},
    "data set": {
        **{"digit": "digits", "cifar": "cifar10", "cifar-100": "cifar100", "CIFAR10": "cifar10"},
        **{"fashion_mnist": "fashion-mnist", "fasion-mnist": "fashion-mnist", "cifar1O": "cifar10"},
    },
    "arch": {"dartsv1": "darts-v1", "relativenas-cifar": "relativenas-cifar10", "dart-v2": "darts-v2"},
    "preset": {"quik": "quick", "qiuck": "quick", "smal": "small", "papers": "paper"},
    "column": {"val_acc": "val_acc_12", "test_acc200": "test_acc_200", "zenscore": "zen_score"},
    "key": {
        **{"populaton": "population", "batchsize": "batch_size", "epoch": "epochs", "epcohs": "epochs"},
        **{"init_chanels": "init_channels", "wieght_decay": "weight_decay", "lrmin": "lr_min", "sed": "seed"},
    },
}
FAR = {
    "method": ["nsga", "tpe", "proxylessnas", "bayes", "hyperband", "x", "", "gdas", "pc"],
    "space": ["mobilenet", "ofa", "resnet", "nats", "hw", "macro"],
    "data set": ["imagenet", "mnist", "svhn", "photos", "coco", "stl10", "data"],
    "arch": ["resnet50", "genotype", "amoebanet", "best", "vit", "cell"],
    "preset": ["fast", "large", "full", "default", "tiny", "big"],
    "column": ["latency", "arch_str", "accuracy", "loss", "datasets", "acc"],
    "key": [
        "max_params",
        "optimizer",
        "scheduler",
        "temperature",
        "name_of_run",
        "lo",
        "x",
    ],
}


@pytest.mark.parametrize("kind", KNOWN)
def test_near_and_far_names(kind):
    assert {name: nearest(name, KNOWN[kind]) for name in NEAR[kind]} == NEAR[kind]
    assert {name: nearest(name, KNOWN[kind]) for name in FAR[kind]} == dict.fromkeys(FAR[kind])


def test_of_several_the_nearest_and_of_equals_the_first():
    assert nearest("cifar100", ["cifar10", "cifar1000", "cifar-100"]) == "cifar-100"
    assert nearest("abcdef", ["abcdeg", "abcdeh"]) == "abcdeg"


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=5))
def test_whatever_is_typed(name, known):
    found = nearest(name, known)
    assert found is None or found in known
    if len("".join(filter(str.isalnum, name.lower()))) > 3:
        assert nearest(name, [*known, name]) is not None
