"""Small runs of the commands, for the tests beside this file."""

# Every random stream is used: the split, shuffling, augmentation, cutout, drop path, validation.
SMALL = [
    *("network.init_channels=2", "network.num_cells=3", "data.max_train=40", "data.pad=1", "data.flip=true"),
    *("data.cutout=3", "train.batch_size=16", "train.drop_path=0.3", "engine.threads=1", "engine.device=cpu"),
    "run.checkpoint_seconds=0",
]
SEARCH = [
    *("search", "--method", "relativenas", *SMALL, "data.augment_validation=true"),
    *("search.population=2", "search.generations=2"),
    "space.operations=[skip_connect, avg_pool_3x3, sep_conv_3x3]",
]
EVALUATE = [
    *("evaluate", "--arch", "darts-v2", "--dataset", "digits", *SMALL, "data.max_test=30"),
    *("train.epochs=3", "network.auxiliary=true", "train.label_smoothing=0.1"),
]
_RELAXED = [
    *(word for word in SMALL if not word.startswith("train.drop_path")),
    *("space.operations=[none, max_pool_3x3, skip_connect, dil_conv_3x3]", "data.augment_validation=true"),
    "network.num_cells=1",
]
DARTS = ["search", "--method", "darts", *_RELAXED, "train.epochs=5", "search.order=2"]
# Two levels of splits, four leaves that begin with their parent's weights, a choice by training alone.
FEWSHOT = [
    *("search", "--method", "fewshot", "search.base=relativenas", *SMALL, "space.name=darts"),
    *("space.operations=[none, max_pool_3x3, skip_connect, dil_conv_3x3]", "search.cell_types=normal"),
    *("search.groups=[2,2]", "search.rounds=1", "search.probe_epochs=1", "search.leaf_share=1.0"),
    *("search.population=2", "search.generations=1", "search.leaf_weights=inherit"),
    *("search.choice=standalone", "search.choice_epochs=[1,2]", "run.checkpoint_every=3"),
]
# Three stages of a warm-up epoch and one that trains both, with dropout after skips.
PDARTS = [
    *("search", "--method", "pdarts", *_RELAXED, "train.epochs=2", "search.warmup_epochs=1"),
    *("search.add_cells=[0,1,1]", "search.num_operations=[4,3,2]", "search.skip_dropout=[0.1,0.4,0.7]"),
]
