"""From strengths to a sub-space or an architecture: pure functions, numbers in, decisions out.

Strengths are [D][O]: for each decision and option a softmax weight; entries that the mask forbids are
not looked at. Source: P-DARTS (arXiv 1904.12760, section 3) and its public code for what happens on ties.

Where decisions are compared, a softmax over fewer options is no merit: strengths of a decision with n
options are taken times n / N, N being those of the one with the most. So equal architecture parameters
prefer no decision, whatever the mask; where all have alike many options, nothing changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from nastk.spaces.mask import Mask

Strengths = Sequence[Sequence[float]]  # [D][O]
SKIP = "skip_connect"


def shrink(mask: Mask, strengths: Strengths, num_options: int) -> Mask:
    """Keep of every decision the `num_options` strongest allowed options (all, if there are fewer).

    On ties the lowest index is dropped first, as in P-DARTS's code.
    """
    return Mask(
        tuple(
            tuple(sorted(sorted(row, key=lambda option: (values[option], option))[-num_options:]))
            for row, values in zip(mask.allowed, strengths, strict=True)
        )
    )


def strongest(mask: Mask, strengths: Strengths) -> tuple[int, ...]:
    """The strongest allowed option of every decision, [D]; ties: the lowest."""
    return tuple(
        max(row, key=lambda option: (values[option], -option))
        for row, values in zip(mask.allowed, strengths, strict=True)
    )


def fair_strengths(mask: Mask, strengths: Strengths) -> list[list[float]]:
    """Strengths [D][O] that can be compared between decisions of unlike many options."""
    most = max(map(len, mask.allowed))
    return [
        [value * (len(row) / most) for value in values]
        for row, values in zip(mask.allowed, strengths, strict=True)
    ]
