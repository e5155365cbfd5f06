"""The two spaces of TransNAS-Bench-101, whose architectures are looked up in a table, not trained here.

A genotype's body is the benchmark's own string, `64-<macro>-<cell>`:
micro 64-41414-<cell>: one cell for a fixed network, `a_bc_def`: a digit an edge, node by node, the graph
    being NAS-Bench-201's; 4^6 = 4,096.
macro 64-<macro>-basic: four to six modules of two residual blocks, a digit a module; 3,256.
Source: Duan et al., TransNAS-Bench-101 (arXiv 2105.11871) and its public code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from nastk.genotype import Genotype
from nastk.shown import shown
from nastk.spaces.codec import centre, choose, outside
from nastk.spaces.decision import Decision
from nastk.spaces.decision_space import StringSpace
from nastk.spaces.mask import Mask
from nastk.spaces.nasbench201 import NONE, NASBench201Space

LENGTHS = (4, 5, 6)  # of the macro space, in modules
NUM_STRIDES = range(1, 5)  # modules that halve the side
NUM_DOUBLINGS = range(1, 4)  # modules that double the channels


@dataclass(frozen=True)
class TransNASMicroSpace(NASBench201Space):
    """A cell of NAS-Bench-201's graph without its pooling, written with digits."""

    form: ClassVar = "64-41414-a_bc_def of digits 0 to 3"
    beginning: ClassVar = "64-41414-[0-9]"

    def genotype(self, options: Sequence[int]) -> Genotype:
        a, b, c, d, e, f = options
        return Genotype(self.name, f"64-41414-{a}_{b}{c}_{d}{e}{f}")

    def read(self, text: str) -> tuple[int, ...]:
        if not re.fullmatch(r"64-41414-[0-3]_[0-3]{2}_[0-3]{3}", text, re.ASCII):
            raise ValueError(f"arch: expected {self.form}, found {shown(text)}")
        return tuple(int(digit) for digit in text.removeprefix("64-41414-") if digit != "_")


@dataclass(frozen=True)
class TransNASMacroSpace(StringSpace):
    """A chain of modules, each a decision.

    1 to 4 modules halve the side (digits 3 and 4), 1 to 3 double the channels (digits 2 and 4).
    """

    decisions: ClassVar = tuple(
        Decision("network", f"module {module}", ("keep", "double", "stride", "stride_double"))
        for module in range(max(LENGTHS))
    )
    form: ClassVar = "64-<4 to 6 digits; 1 to 4 of them 3 or 4, 1 to 3 of them 2 or 4>-basic"
    beginning: ClassVar = "64-[0-9]+-b"

    def check_mask(self, mask: Mask) -> None:
        self.codec(mask)

    def codec(self, mask: Mask) -> MacroCodec:
        """The continuous encoding of the genotypes that obey `mask`: the length, then the modules."""
        return MacroCodec(self, mask)

    def genotype(self, modules: Sequence[int]) -> Genotype:
        """The genotype of a chain of operations, by index."""
        return Genotype(self.name, f"64-{''.join(str(module + 1) for module in modules)}-basic")

    def modules(self, genotype: Genotype) -> tuple[int, ...]:
        """The operations of the chain, by index."""
        assert isinstance(genotype.body, str)
        return self.read(genotype.body)

    def read(self, text: str) -> tuple[int, ...]:
        found = re.fullmatch(r"64-([1-4]+)-basic", text, re.ASCII)
        modules = tuple(int(digit) - 1 for digit in found[1]) if found else ()
        strides, doublings = _count(modules)
        if len(modules) not in LENGTHS or strides not in NUM_STRIDES or doublings not in NUM_DOUBLINGS:
            raise ValueError(f"arch: expected {self.form}, found {shown(text)}")
        return modules


class MacroCodec:
    """Between vectors of 7 reals and the macro genotypes under `mask`: the length, then a value a module.

    Of the modules that still lead to a genotype a value chooses as that of a cell's edge does; a short
    chain leaves the last values without a meaning.
    upper: the upper bound of each dimension (the lower is 0): the number of lengths, then of operations.
    """

    def __init__(self, space: TransNASMacroSpace, mask: Mask) -> None:
        self.space = space
        self.rows = mask.allowed  # [modules] -> operation indices
        # [length][module] -> the (strides, doublings) that the modules from there on can have.
        self.ends = {length: self._ends(length) for length in LENGTHS}
        if not self._options(()):
            raise ValueError(
                f"mask: no architecture of space {space.name!r} is left, which have the form {space.form}"
            )
        self.upper = (len(LENGTHS), *(len(decision.options) for decision in space.decisions))

    def decode(self, vector: Sequence[float]) -> Genotype:
        """The genotype of a vector [7] within the box."""
        chosen: tuple[int, ...] = ()
        for value, upper in zip(vector, self.upper, strict=True):
            if options := self._options(chosen):
                chosen = (*chosen, choose(options, value, upper))
        return self.space.genotype(chosen[1:])

    def encode(self, genotype: Genotype) -> list[float]:
        """The centre of a box that decodes to `genotype`; ValueError if the mask forbids it."""
        modules = self.space.modules(genotype)
        wanted = (len(modules), *modules)
        vector = [upper / 2 for upper in self.upper]
        for place, choice in enumerate(wanted):
            options = self._options(wanted[:place])
            if choice not in options:
                if place:
                    raise outside(self.space.decisions[place - 1])
                raise ValueError(f"the genotype is outside the sub-space at its length, {choice} modules")
            vector[place] = centre(options, choice, self.upper[place])
        return vector

    def _options(self, chosen: tuple[int, ...]) -> tuple[int, ...]:
        """What may follow (length, modules...); nothing, if they are all there."""
        if not chosen:
            return tuple(length for length in LENGTHS if self._leads_on(length, ()))
        length, *modules = chosen
        if len(modules) == length:
            return ()
        return tuple(
            operation
            for operation in self.rows[len(modules)]
            if self._leads_on(length, (*modules, operation))
        )

    def _leads_on(self, length: int, modules: tuple[int, ...]) -> bool:
        strides, doublings = _count(modules)
        return any(
            strides + more_strides in NUM_STRIDES and doublings + more_doublings in NUM_DOUBLINGS
            for more_strides, more_doublings in self.ends[length][len(modules)]
        )

    def _ends(self, length: int) -> list[set[tuple[int, int]]]:
        ends = [{(0, 0)}]
        for row in reversed(self.rows[:length]):
            ends.append(
                {
                    (strides + more[0], doublings + more[1])
                    for operation in row
                    for strides, doublings in [_count((operation,))]
                    for more in ends[-1]
                }
            )
        return ends[::-1]


def _count(modules: tuple[int, ...]) -> tuple[int, int]:
    """How many of the operations halve the side, and how many double the channels."""
    return sum(module >= 2 for module in modules), sum(module % 2 for module in modules)


MICRO = TransNASMicroSpace("transnas-micro", (NONE, "skip_connect", "nor_conv_1x1", "nor_conv_3x3"))
MACRO = TransNASMacroSpace("transnas-macro")
