"""The keys of the configuration: each declared once, with its default, its help and what is allowed.

Methods declare keys of their own in the same way (docs/adding-a-method.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


def key(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    choices: Sequence[str] = (),
    path: bool = False,
) -> Any:
    """Declare a configuration key: its default, one line of help, and the values allowed.

    low and high are inclusive bounds, above an exclusive one; for a list they hold for each entry.
    path: the value names a file or a folder, which the run must find again from any other folder.
    """
    metadata = {
        "help": help,
        "low": low,
        "above": above,
        "high": high,
        "choices": tuple(choices),
        "path": path,
    }
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class SpaceConfig:
    name: str = key("darts", "search space (nastk list spaces)")
    operations: list[str] | None = key(None, "only these operations of any choice; null: all of the space")


@dataclass
class SupernetConfig:
    init_channels: int = key(16, "channels of the first cells", low=1)
    num_cells: int = key(8, "cells; the reductions stand at 1/3 and 2/3", low=1)


@dataclass
class LimitsConfig:
    params: str | None = key(None, "most parameters of the network that evaluate builds: 500k, 1.5M")
    macs: str | None = key(None, "most multiply-accumulates of one image: 50M, 0.6G")
    latency_ms: float | None = key(None, "most milliseconds for one image on this device", above=0)
    latency_table: str | None = key(
        None, "latencies of building blocks (nastk latency); null: measured here at the first use", path=True
    )
    weight: float = key(
        1.0, "of what is too much, in shares of the limits, in the loss of architecture parameters", low=0
    )
    init_channels: int | None = key(None, "of the limited network; null: as evaluate's preset has it", low=1)
    num_cells: int | None = key(None, "of the limited network; null: as evaluate's preset has it", low=1)
    image_size: int | None = key(None, "side of its images in pixels; null: the data set's", low=8)
    num_classes: int | None = key(None, "its classes; null: the data set's", low=1)


@dataclass
class NetworkConfig:
    init_channels: int = key(36, "channels of the first cells", low=1)
    num_cells: int = key(20, "cells; the reductions stand at 1/3 and 2/3", low=1)
    stem: str = key(
        "cifar", "first layers: cifar keeps the side, imagenet takes an eighth", choices=("cifar", "imagenet")
    )
    auxiliary: bool = key(False, "train with an auxiliary head after 2/3 of the cells")


@dataclass
class DataConfig:
    dataset: str = key(
        "digits",
        "a known name, a directory of class folders, or a .csv, .zip or .npz file (docs/own-images.md)",
    )
    dir: str | None = key(
        None, "where known names are looked for; null: $NASTK_DATA, else ~/.cache/nastk", path=True
    )
    image_size: int | None = key(
        None, "resize to this side in pixels; null: as they are, if all agree", low=8
    )
    max_side: int | None = key(
        None, "reduce images until no side is above this, unless image_size is set; null: as they are", low=8
    )
    max_train: int | None = key(
        None, "use a class-balanced part of this many training (and own validation) images; null: all", low=2
    )
    max_test: int | None = key(None, "use a class-balanced part of this many test images; null: all", low=1)
    test_portion: float = key(
        0.2,
        "part of every class that is held out to test where a set has no test part; 0: none",
        low=0,
        high=0.9,
    )
    pad: int = key(4, "random crop after zero-padding by this many pixels", low=0)
    flip: bool = key(True, "flip images left to right at random")
    cutout: int = key(16, "side of the square set to zero in training images, in pixels; 0: off", low=0)
    skip_corrupt: bool = key(False, "leave out files that cannot be read instead of stopping")
    resident_mib: int = key(
        4096, "sets up to this size stay on the device; of larger ones only batches go there", low=0
    )
    workers: int = key(2, "processes that read a streamed set", low=0, high=256)


@dataclass
class SearchDataConfig(DataConfig):
    train_portion: float = key(
        0.5, "part of the training images that trains weights; the rest validates", above=0, high=0.95
    )
    validation: str = key(
        "auto",
        "auto: the set's own validation part, if it has one; half: always of the training images",
        choices=("auto", "half"),
    )
    augment_validation: bool = key(False, "validate on augmented images, as the authors' codes do")


@dataclass
class StandaloneDataConfig(DataConfig):
    augment: str = key(
        "basic",
        "basic: crop, flip and cutout as above; trivial, rand: besides, torchvision's TrivialAugment, RandAugment",
        choices=("basic", "trivial", "rand"),
    )
    validation_portion: float | None = key(
        None,
        "part of every class of the training images to validate on; 0: none; null: the set's own validation part",
        low=0,
        high=0.9,
    )


@dataclass
class TrainConfig:
    epochs: int = key(600, "epochs", low=1)
    batch_size: int = key(96, "images a step", low=1)
    lr: float = key(0.025, "learning rate at the start", above=0)
    lr_min: float = key(0.0, "learning rate at the end of the cosine", low=0)
    momentum: float = key(0.9, "momentum of SGD", low=0, high=1)
    weight_decay: float = key(3e-4, "weight decay", low=0)
    grad_clip: float = key(5.0, "largest gradient norm", above=0)


@dataclass
class DropPathTrainConfig(TrainConfig):
    drop_path: float = key(0.2, "drop-path probability that is reached at the end", low=0, high=0.95)


@dataclass
class StandaloneTrainConfig(DropPathTrainConfig):
    auxiliary_weight: float = key(0.4, "weight of the auxiliary head's loss", low=0)
    label_smoothing: float = key(0.0, "label smoothing of the training loss", low=0, high=0.99)
    mixup: float = key(0.0, "alpha of mixup, of whole images and their labels (0.2, say); 0: off", low=0)
    cutmix: float = key(
        0.0, "alpha of CutMix, of parts of images (1.0, say); 0: off; with mixup, one of both a batch", low=0
    )
    class_weights: str = key(
        "none",
        "balanced: all classes weigh alike in the training loss, however many images they have",
        choices=("none", "balanced"),
    )
    optimizer: str = key("sgd", "sgd with momentum, or adamw", choices=("sgd", "adamw"))
    warmup_epochs: int = key(
        0, "epochs in which the learning rate rises in equal steps, before the cosine", low=0
    )
    ema: float = key(
        0.0,
        "decay of a moving average of the weights, which then is what is tested and saved (0.999, say); 0: off",
        low=0,
        high=0.999999,
    )
    patience: int | None = key(
        None, "stop after so many epochs without a better validation loss; null: never", low=1
    )
    eval_batch_size: int = key(512, "images a step when testing", low=1)


@dataclass
class EngineConfig:
    device: str = key("auto", "auto takes CUDA if there is one", choices=("auto", "cpu", "cuda"))
    threads: int = key(0, "CPU threads; 0: as many as PyTorch takes by itself", low=0, high=1024)
    precision: str = key("fp32", "tf32 and bf16 are for CUDA only", choices=("fp32", "tf32", "bf16"))
    layout: str = key(
        "auto",
        "memory layout of maps; auto: the faster one by a short probe on CUDA, channels_last on the CPU",
        choices=("auto", "channels_last", "contiguous"),
    )
    deterministic: bool = key(
        False, "on CUDA only what always gives the same bits, so that a resumed run does; slower"
    )
    recompute: bool = key(
        False,
        "keep fewer maps of a step and compute them again: less memory, slower",
    )
    compile: bool = key(
        False, "torch.compile the cells, each apart: a start of minutes, and mostly no gain on a CPU"
    )


@dataclass
class RunConfig:
    minutes: float | None = key(
        None, "how long a new run may take, about: its budget (epochs, generations) is fitted to it", above=0
    )
    seed: int = key(0, "seed of every random stream of the run", low=0, high=2**32 - 1)
    checkpoint_every: int = key(1, "steps between checkpoints, at least", low=1)
    # As long as a step may take after a signal (engine.signals), so that of longer ones each is saved.
    checkpoint_seconds: float = key(5.0, "seconds between checkpoints, at least", low=0)
    tensorboard: bool = key(False, "figures for TensorBoard too, in the run directory (an extra of nastk)")
