"""SNAS: the operations' weights are samples of a distribution that is trained by gradients.

Source: Xie, Zheng, Liu, Lin, SNAS: Stochastic Neural Architecture Search (arXiv 1812.09926): weights
are drawn from the concrete distribution, softmax((alpha + Gumbel noise) / temperature), anew for every
step; the temperature falls, and the samples become one-hot. Where nastk differs from the paper: weights
and architecture parameters are trained in turn on two halves of the images, as in DARTS and as
few-shot splitting uses it (arXiv 2203.15207), not together on one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nastk.engine.schedules import linear
from nastk.engine.training import Averages
from nastk.methods.darts import DARTS
from nastk.networks.gates import masked_softmax
from nastk.schema import key
from nastk.weight_sharing.memory import mixture_bytes


@dataclass
class SNASConfig:
    temperature: float = key(1.0, "temperature of the samples in the first epoch", above=0)
    temperature_min: float = key(0.03, "temperature of the samples in the last epoch", above=0)
    lr: float = key(3e-4, "learning rate of the architecture parameters", above=0)
    weight_decay: float = key(1e-3, "weight decay of the architecture parameters", low=0)


class SNAS(DARTS):
    """DARTS, first order, whose mixture is a sample; score and derivation use the expected weights."""

    Config = SNASConfig

    def peak_memory(self) -> int:
        return mixture_bytes(self.context, self.context.mask, num_cells=self.context.config.network.num_cells)

    @property
    def cost(self) -> float:
        return self.num_steps * self.relaxation.cost_of_epoch(1)

    def _train_epoch(self, lr: float) -> Averages:
        settings = self.context.config.search
        last = max(self.num_steps - 1, 1)
        fall = settings.temperature - settings.temperature_min
        temperature = settings.temperature - linear(fall, self.epoch, last)
        engine = self.context.engine
        noise = engine.streams.on(engine.device, "gumbel")
        return self.relaxation.train_epoch(
            lr=lr,
            order=1,
            relax=lambda alphas, allowed: gumbel_softmax(alphas, allowed, temperature, noise),
        )


def gumbel_softmax(alphas: Tensor, allowed: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """A sample of the concrete distribution over the allowed options: [D, O], 0 elsewhere.

    alphas, allowed: [D, O]; generator: on their device. Source: section 2.2 of the paper.
    """
    uniform = torch.rand(alphas.shape, generator=generator, dtype=torch.float64, device=alphas.device)
    gumbel = -torch.log(-torch.log(uniform.clamp(min=1e-12)))
    return masked_softmax((alphas + gumbel.to(alphas)) / temperature, allowed)
