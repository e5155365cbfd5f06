"""The facts about one network, in whose place python_file.py writes those of the one that is exported."""

NORMAL: tuple[tuple[str, int], ...] = ()
REDUCE: tuple[tuple[str, int], ...] = ()
CELL: tuple[tuple[str, int, int], ...] = ()
STEM = "cifar"
INIT_CHANNELS, NUM_CELLS = 36, 20
CHANNELS = 3
IMAGE_SIZE = (32, 32)
CLASSES: tuple[str, ...] = ()
MEAN: tuple[float, ...] = ()
STD: tuple[float, ...] = ()
BLACK, WHITE = 0.0, 65535.0
