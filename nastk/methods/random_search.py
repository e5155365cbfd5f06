"""Random search with shared weights: the baseline that RelativeNAS is held against.

It is RelativeNAS without learning: the same encoding, pairs, training, merging, budget and final
selection, but every generation is drafted anew, uniformly in the box. As in RelativeNAS, the result is
the best of the last generation, not of all drafts, unless the scores of all can be compared (a table's).
Nobody moves, so that all are ranked by the loss that they were trained to.
"""

from __future__ import annotations

from nastk.methods.relativenas import RelativeNAS


class RandomSearch(RelativeNAS):
    """RelativeNAS whose individuals are drawn at random in every generation."""

    def _begin_generation(self) -> None:
        # The population that was trained last is the one that is selected from.
        if 0 < self.num_done < self.num_steps - 1:
            self.positions = self._sample(len(self.positions))
            self.trained = [None] * len(self.positions)
        super()._begin_generation()

    def _learn(self, pair: int, *, fast: int, slow: int) -> None:
        """Nobody learns from anybody."""
