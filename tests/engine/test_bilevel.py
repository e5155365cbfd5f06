"""The unrolled gradient against autograd's exact second-order result on a small problem in float64."""

import pytest
import torch

from nastk.engine.bilevel import unrolled_gradient
from nastk.engine.optimizers import SGD


def problem(momentum, weight_decay, seed=0):
    """Two-layer regression whose features are weighted by `outer`; an SGD with momentum already in its buffers."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, y, x_val, y_val = normal(12, 4), normal(12, 1), normal(12, 4), normal(12, 1)
    weights = [normal(4, 3).requires_grad_(), normal(3, 1).requires_grad_()]
    outer = normal(3).requires_grad_()
    optimizer = SGD(weights, lr=0.05, momentum=momentum, weight_decay=weight_decay)

    def loss(inputs, targets, weights=weights):
        return ((torch.tanh(inputs @ weights[0]) * outer.softmax(0)) @ weights[1] - targets).square().mean()

    for _ in range(2):
        optimizer.zero_grad()
        loss(x, y).backward()
        optimizer.step()
    optimizer.zero_grad()
    outer.grad = None
    return weights, outer, optimizer, lambda w=weights: loss(x, y, w), lambda w=weights: loss(x_val, y_val, w)


def exact(weights, outer, optimizer, train_loss, validation_loss):
    slopes = torch.autograd.grad(train_loss(), weights, create_graph=True)
    moved = [
        weight
        - optimizer.lr
        * (
            slope
            + optimizer.weight_decay * weight
            + optimizer.momentum * remembered.get("momentum", torch.zeros(()))
        )
        for weight, slope, remembered in zip(weights, slopes, optimizer.memory, strict=True)
    ]
    return torch.autograd.grad(validation_loss(moved), outer)[0]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_second_order_term_to_the_order_of_the_difference(monkeypatch, momentum, weight_decay):
    weights, outer, optimizer, train_loss, validation_loss = problem(momentum, weight_decay)
    expected = exact(weights, outer, optimizer, train_loss, validation_loss)
    first_order = torch.autograd.grad(validation_loss(), outer)[0]
    errors = []
    for perturbation in (0.1, 0.01):
        monkeypatch.setattr("nastk.engine.bilevel.PERTURBATION", perturbation)
        (found,) = unrolled_gradient(train_loss, validation_loss, [outer], optimizer=optimizer)
        errors.append(float((found - expected).norm()))
    assert errors[1] < 1e-5 * float(expected.norm())
    assert errors[1] < errors[0] / 50  # central differences: an error of the second order
    assert errors[1] < 1e-3 * float((first_order - expected).norm())


def test_weights_and_optimiser_are_left_as_they_were():
    weights, outer, optimizer, train_loss, validation_loss = problem(0.9, 0.1)
    before = [weight.detach().clone() for weight in weights]
    momenta = [remembered["momentum"].clone() for remembered in optimizer.memory]
    unrolled_gradient(train_loss, validation_loss, [outer], optimizer=optimizer)
    for weight, start in zip(weights, before, strict=True):
        assert torch.equal(weight, start) and weight.grad is None
    for remembered, momentum in zip(optimizer.memory, momenta, strict=True):
        assert torch.equal(remembered["momentum"], momentum)
    assert outer.grad is None


def test_without_momentum_buffers_yet():
    weights, outer, _, train_loss, validation_loss = problem(0.9, 0.0)
    fresh = SGD(weights, lr=0.05, momentum=0.9, weight_decay=0.0)
    (found,) = unrolled_gradient(train_loss, validation_loss, [outer], optimizer=fresh)
    assert torch.isfinite(found).all()
