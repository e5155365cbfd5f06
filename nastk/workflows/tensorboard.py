"""A mirror of metrics.jsonl for TensorBoard, which is an extra: `tensorboard --logdir RUN/tensorboard`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from nastk.engine.progress import Progress

FOLDER = "tensorboard"  # in the run directory


class Mirrored(Progress):
    """Hands everything on to `progress`, and writes the figures of each step into the run's directory too.

    A tag is "phase/figure". A resumed run hides the steps that it does once more. ValueError, at once, where
    TensorBoard is not installed.
    """

    def __init__(self, progress: Progress, run_path: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ValueError(
                "run.tensorboard: TensorBoard is not installed; pip install 'nastk[tensorboard]'"
            ) from None
        self._progress = progress
        self._folder = run_path / FOLDER
        self._make_writer: Any = SummaryWriter
        self._writer: Any = None

    def note(self, text: str) -> None:
        self._progress.note(text)

    def stopped(self, text: str) -> None:
        self._progress.stopped(text)

    @contextmanager
    def showing(self, num_steps: int, first_step: int) -> Iterator[None]:
        writer = self._make_writer(log_dir=str(self._folder), purge_step=first_step + 1)
        with closing(writer), self._progress.showing(num_steps, first_step):
            self._writer = writer
            yield

    def update(self, step: int, metrics: dict[str, Any]) -> None:
        for name, value in metrics.items():
            if isinstance(value, (int, float)) and name != "time_s":
                self._writer.add_scalar(f"{metrics['phase']}/{name}", value, step)
        self._writer.flush()
        self._progress.update(step, metrics)
