"""Spaces in which every option goes with every other: an architecture is one option a decision, each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nastk.genotype import Genotype
from nastk.spaces.codec import OptionCodec
from nastk.spaces.decision import Path
from nastk.spaces.decision_space import DecisionSpace
from nastk.spaces.derivation import Strengths, strongest
from nastk.spaces.mask import Mask


@dataclass(frozen=True)
class OptionSpace(DecisionSpace):
    """A base for such spaces; `decisions`, `genotype` and `path` are the subclass's."""

    def genotype(self, options: Sequence[int]) -> Genotype:
        """The genotype of one option a decision, by index [D]."""
        raise NotImplementedError

    def path(self, genotype: Genotype) -> Path:
        """One (decision, option) pair a decision, in their order."""
        raise NotImplementedError

    def codec(self, mask: Mask) -> OptionCodec:
        """The continuous encoding of the genotypes that obey `mask`: a real in [0, options] a decision."""
        return OptionCodec(self, mask)

    def derive(self, mask: Mask, strengths: Strengths) -> Genotype:
        """The genotype of the strongest options [D][O] that `mask` allows; ties: the lowest."""
        return self.genotype(strongest(mask, strengths))

    def alternatives(self, mask: Mask) -> list[list[Path]]:
        """Each decision is a group for itself, each option that `mask` allows an alternative."""
        return [[((decision, option),) for option in row] for decision, row in enumerate(mask.allowed)]

    def compose(self, parts: Sequence[Path]) -> Genotype:
        """The genotype of one alternative a group."""
        return self.genotype([option for ((_, option),) in parts])
