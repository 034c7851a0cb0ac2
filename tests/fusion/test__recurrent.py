"""Recurrences against PyTorch's own, and their derivatives against differences."""

from __future__ import annotations

import torch

from emocli.fusion import _recurrent


def numbers(*shapes: tuple[int, ...]) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def test_the_memory_differentiates_itself_correctly() -> None:
    layers = [(4, 7), (3, 4), (4,), (4, 4), (4,)]
    result, content, start, *weights = numbers((3, 2, 7), (3, 2, 4), (2, 4), *layers)
    passed = (torch.rand(3, 2, 7) > 0.3).double() / 0.7
    assert torch.autograd.gradcheck(
        _recurrent.Gated.apply, (result, passed, content, start, *weights)
    )


def test_the_lstms_differentiate_themselves_correctly() -> None:
    """With respect to their inputs too, which features never ask for."""
    inputs = numbers((4, 2, 3), (4, 2, 5), (12, 3), (12, 5), (2, 12), (2, 3, 12))
    assert torch.autograd.gradcheck(_recurrent.Cells.apply, inputs)


def test_lstms_side_by_side_are_those_of_pytorch() -> None:
    torch.manual_seed(0)
    modules = [torch.nn.LSTM(size, units) for size, units in ((3, 5), (4, 2), (2, 4))]
    inputs = [torch.randn(6, 3, module.input_size) for module in modules]
    states, cells = _recurrent.lstms(modules, inputs)
    for module, x, own, cell in zip(modules, inputs, states, cells, strict=True):
        wanted, (_, last) = module(x)
        torch.testing.assert_close(own, wanted)
        torch.testing.assert_close(cell[-1], last[0])
        (theirs,) = torch.autograd.grad(wanted.square().sum(), [module.weight_hh_l0])
        (ours,) = torch.autograd.grad(own.square().sum(), [module.weight_hh_l0], retain_graph=True)
        torch.testing.assert_close(ours, theirs)
