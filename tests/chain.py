"""A small space whose decisions have options of their own, for the tests of what must not count on cells."""

from dataclasses import dataclass
from typing import ClassVar

from nastk.genotype import Genotype
from nastk.spaces.decision import Decision
from nastk.spaces.option_space import OptionSpace


@dataclass(frozen=True)
class ChainSpace(OptionSpace):
    """Two layers, the first of which cannot be skipped, and a width: 2 x 4 x 3 architectures."""

    decisions: ClassVar = (
        Decision("layer", "0", ("conv3", "conv5")),
        Decision("layer", "1", ("skip", "conv3", "conv5", "conv7")),
        Decision("head", "width", ("narrow", "middle", "wide")),
    )

    def genotype(self, options):
        return Genotype(self.name, tuple(options))

    def path(self, genotype):
        return tuple(enumerate(genotype.body))

    def body_to_json(self, body):
        return {"options": list(body)}

    def body_from_json(self, content):
        return tuple(content["options"])


CHAIN = ChainSpace("chain")
