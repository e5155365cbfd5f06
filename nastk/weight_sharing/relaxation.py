"""Continuous relaxation: a supernet whose operations are weighted by softmax over parameters.

What DARTS and its relatives share: architecture parameters with their Adam optimiser, the mixed
supernet with its SGD, and the epoch in which both are trained in turn.
Source: DARTS (arXiv 1806.09055, sections 2.2 and 2.3).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.costs.allowance import Allowance
from nastk.data.batches import Cycle
from nastk.engine import training
from nastk.engine.bilevel import gradients, unrolled_gradient
from nastk.engine.compiling import fixed
from nastk.engine.optimizers import SGD, Adam
from nastk.engine.training import Averages
from nastk.networks.gates import Gates, allowed, masked_softmax, soft
from nastk.networks.skip_dropout import SkipDropout
from nastk.search_method import SearchContext
from nastk.spaces.decision import most_options
from nastk.spaces.derivation import Strengths
from nastk.spaces.mask import Mask
from nastk.weight_sharing.building import build_supernet
from nastk.weight_sharing.expected_excess import ExpectedExcess

# From alphas and what is allowed, both [D, O], to the options' weights [D, O].
Relax = Callable[[Tensor, Tensor], Tensor]
INITIAL_SCALE = 1e-3
BETAS = (0.5, 0.999)
LARGEST_ALPHA = 1e3  # the softmax of parameters beyond it is a choice, and its gradient 0


class Relaxation:
    """A mixed supernet under `mask` with architecture parameters `alphas` [D, O], 1e-3 x normal at first.

    lr, weight_decay: of Adam on the alphas. clip_alphas: clip the alphas' gradient to train.grad_clip,
    too (P-DARTS does, DARTS does not). allowance: what the expected network has beyond its limits is part of
    the alphas' loss.
    """

    def __init__(
        self,
        context: SearchContext,
        mask: Mask,
        *,
        init_channels: int,
        num_cells: int,
        lr: float,
        weight_decay: float,
        clip_alphas: bool,
        allowance: Allowance | None = None,
    ) -> None:
        engine, images, train = context.engine, context.images, context.config.train
        self.context = context
        self.mask = mask
        self.supernet = build_supernet(
            context.space, mask, images, engine, init_channels=init_channels, num_cells=num_cells
        )
        if engine.compile:
            self.supernet.compile_cells(partial(engine.compiled, batch_size=train.batch_size))
        self.optimizer = SGD(
            self.supernet.parameters(),
            lr=train.lr,
            momentum=train.momentum,
            weight_decay=train.weight_decay,
        )
        self.clip_alphas = clip_alphas
        self.expected_excess = (
            None if allowance is None else ExpectedExcess(allowance.under(mask), engine.device)
        )
        self.allowed = allowed(mask, most_options(context.space.decisions)).to(engine.device)  # [D, O]
        draws = torch.randn(self.allowed.shape, generator=engine.streams["architecture"])
        self.alphas = draws.mul(INITIAL_SCALE).to(engine.device).requires_grad_()
        # Whether an alpha ever was. In the end all may be NaN, as they are, too, where the weights diverged.
        self.too_large = torch.zeros((), dtype=torch.bool, device=engine.device)
        self.alpha_optimizer = Adam([self.alphas], lr=lr, betas=BETAS, weight_decay=weight_decay)
        # In random order: an architecture step on a batch of one class would learn that class.
        self.validation = images.validation.shuffled(train.batch_size)
        self.held_out = Cycle(self.validation, lambda: (engine.streams["validating"],) * 2)

    def train_epoch(
        self,
        *,
        lr: float,
        order: int | None,
        dropout: SkipDropout | None = None,
        relax: Relax = masked_softmax,
    ) -> Averages:
        """One epoch of weight steps, before each of which an architecture step of `order` (None: none).

        Both kinds of step run in training mode, dropout included. The architecture steps go through the
        validation images in random order, again and again, from one epoch of weights into the next.
        """
        context, train, streams = self.context, self.context.config.train, self.context.engine.streams
        self.optimizer.lr = lr
        self.supernet.train()

        def loss_of(images: Tensor, labels: Tensor, alphas: Tensor) -> tuple[Tensor, Tensor]:
            logits = self.supernet(images, self._gates(alphas, relax), skip_dropout=dropout)
            return F.cross_entropy(logits, labels), logits

        def architecture_step(images: Tensor, labels: Tensor) -> None:
            held_out = next(self.held_out)
            if order == 1:
                weights_fixed = fixed(self.supernet) if self.supernet.is_compiled else nullcontext()
                with weights_fixed, context.engine.autocast():
                    loss, _ = loss_of(held_out[0], held_out[1], self.alphas)
                (gradient,) = gradients(loss, [self.alphas])
            else:
                # It takes differences. Only weight steps move the running statistics.
                with training.untouched(self.supernet), context.engine.full_precision():
                    (gradient,) = unrolled_gradient(
                        lambda: loss_of(images, labels, self.alphas)[0],
                        lambda: loss_of(held_out[0], held_out[1], self.alphas)[0],
                        [self.alphas],
                        optimizer=self.optimizer,
                    )
            self._step(gradient + self._limit_gradient())

        before_step: Callable[[Tensor, Tensor], None] | None = architecture_step if order else None
        batches = context.images.train.epoch(streams["shuffling"], streams["augmenting"])
        try:
            return training.train_epoch(
                lambda images, labels: loss_of(images, labels, self.alphas.detach()),
                self.optimizer,
                batches,
                context.engine,
                grad_clip=train.grad_clip,
                before_step=before_step,
            )
        except training.NonFiniteLoss as error:
            if not self.too_large:
                raise
            raise ValueError(
                f"the architecture parameters diverged; try a smaller search.lr ({error})"
            ) from None

    def cost_of_epoch(self, order: int | None) -> float:
        """In epochs of training a single path: every option runs, in the architecture step again.

        A second-order step takes four passes in place of one, and the weights' own besides.
        """
        widths = list(map(len, self.mask.allowed))
        return sum(widths) / len(widths) * {None: 1, 1: 2, 2: 5}[order]

    def validate(self) -> Averages:
        """The mixture's loss and accuracy on the validation half, weights and running statistics as they are.

        ValueError if the loss is not finite.
        """
        self.supernet.eval()
        batches = self.context.images.validation.epoch(augmenting=self.context.engine.streams["scoring"])
        gates = self._gates(self.alphas.detach())
        found = training.evaluate(lambda images: self.supernet(images, gates), batches, self.context.engine)
        if not math.isfinite(found.loss):
            raise ValueError("the supernet's validation loss is not finite; try a smaller train.lr")
        return found

    def _gates(self, alphas: Tensor, relax: Relax = masked_softmax) -> Gates:
        """Soft gates; they pass gradients on to `alphas` [D, O] if those need any."""
        return soft(relax(alphas, self.allowed), self.mask)

    def strengths(self) -> Strengths:
        """The softmax weights [D][O], 0 for what the mask forbids."""
        strengths: Strengths = masked_softmax(self.alphas.detach().double(), self.allowed).tolist()
        return strengths

    def state_dict(self) -> dict[str, Any]:
        return {
            "alphas": self.alphas.detach(),
            "alpha_optimizer": self.alpha_optimizer.state_dict(),
            "supernet": self.supernet.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "held_out": self.held_out.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            self.alphas.copy_(state["alphas"])
        for name in ("alpha_optimizer", "supernet", "optimizer", "held_out"):
            getattr(self, name).load_state_dict(state[name])

    def _limit_gradient(self) -> Tensor | float:
        """Of the loss of what the expected network has beyond the limits, [D, O]."""
        if self.expected_excess is None:
            return 0.0
        excess = self.expected_excess(masked_softmax(self.alphas, self.allowed))
        (gradient,) = gradients(self.context.config.limits.weight * excess, [self.alphas])
        return gradient

    def _step(self, gradient: Tensor) -> None:
        """One step of Adam along `gradient` [D, O]."""
        self.alphas.grad = gradient
        if self.clip_alphas:
            nn.utils.clip_grad_norm_([self.alphas], self.context.config.train.grad_clip)
        self.alpha_optimizer.step()
        self.alphas.grad = None
        self.too_large |= (self.alphas.detach().abs() > LARGEST_ALPHA).any()
