"""The data sets that nastk knows by name, and the form in which torchvision keeps them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TorchvisionForm:
    """How torchvision.datasets calls a set, and where under its root it keeps it."""

    class_name: str
    folder: str


@dataclass(frozen=True)
class NamedDataset:
    """mean, std: per channel, white being 1. torchvision: None: the set comes with nastk."""

    name: str
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    torchvision: TorchvisionForm | None


# UCI's optical recognition of handwritten digits (E. Alpaydin and C. Kaynak, 1998; CC BY 4.0), the 1,797
# images that scikit-learn carries, their 0..16 scaled to 0..255. Of the images in the order of their
# classes every fifth one tests: 1,437 and 360. tests/data/test_digits.py makes the file anew.
DIGITS = NamedDataset(
    name="digits",
    classes=tuple("0123456789"),
    mean=(0.3058,),
    std=(0.3761,),
    torchvision=None,
)

# CIFAR's constants are the DARTS code's; the sets' own differ from the seventh digit on.
CIFAR10 = NamedDataset(
    name="cifar10",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    mean=(0.49139968, 0.48215827, 0.44653124),
    std=(0.24703233, 0.24348505, 0.26158768),
    torchvision=TorchvisionForm("CIFAR10", "cifar-10-batches-py"),
)

_CIFAR100_CLASSES = (
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly "
    "camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile "
    "cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp "
    "lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree "
    "orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit "
    "raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel "
    "streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip "
    "turtle wardrobe whale willow_tree wolf woman worm"
)

CIFAR100 = NamedDataset(
    name="cifar100",
    classes=tuple(_CIFAR100_CLASSES.split()),
    mean=(0.5071, 0.4867, 0.4408),
    std=(0.2675, 0.2565, 0.2761),
    torchvision=TorchvisionForm("CIFAR100", "cifar-100-python"),
)

FASHION_MNIST = NamedDataset(
    name="fashion-mnist",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    mean=(0.2860,),
    std=(0.3530,),
    torchvision=TorchvisionForm("FashionMNIST", "FashionMNIST/raw"),
)
