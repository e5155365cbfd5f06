"""Small runs of the commands, for the tests beside this file."""

# Every random stream is used: the split, shuffling, augmentation, cutout, drop path, validation.
SMALL = [
    *("network.init_channels=2", "network.num_cells=3", "data.max_train=40", "data.pad=1", "data.flip=true"),
    *("data.cutout=3", "train.batch_size=16", "train.drop_path=0.3", "engine.threads=1", "engine.device=cpu"),
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
