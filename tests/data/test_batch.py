from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from emocli.data.batch import Batch, Padded


def rows_of(lengths: list[int], width: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(len(lengths))
    return [rng.normal(size=(length, width)).astype(np.float32) for length in lengths]


@settings(max_examples=40)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=6))
def test_padding_and_back(lengths: list[int]) -> None:
    rows = rows_of(lengths)
    padded = Padded.from_rows(rows)
    assert padded.values.shape == (len(rows), max(1, *lengths, 0), 3)
    assert padded.lengths.tolist() == lengths
    assert padded.mask.sum(dim=1).tolist() == lengths
    assert padded.observed.tolist() == [length > 0 for length in lengths]
    for row, again in zip(rows, padded.rows(), strict=True):
        assert_array_equal(row, again)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=6))
def test_mean_is_over_the_steps_and_nothing_else(lengths: list[int]) -> None:
    rows = rows_of(lengths)
    padded = Padded.from_rows(rows)
    expected = [row.mean(axis=0) if len(row) else np.zeros(3) for row in rows]
    torch.testing.assert_close(padded.mean(), torch.tensor(np.array(expected, np.float32)))
    values = padded.values.clone()
    values[~padded.mask] = torch.nan
    torch.testing.assert_close(padded.with_values(values).mean(), padded.mean())


def test_steps_that_are_not_present_do_not_count() -> None:
    values = torch.tensor([[[1.0], [torch.inf], [4.0], [9.0]], [[5.0], [5.0], [5.0], [5.0]]])
    present = torch.tensor([[True, False, True, True], [False] * 4])
    padded = Padded(values, torch.tensor([3, 4]), present)
    assert padded.mask.tolist() == [[True, False, True, False], [False] * 4]
    assert padded.mean().tolist() == [[2.5], [0.0]]
    assert padded.observed.tolist() == [True, False]


def test_rows_are_copied() -> None:
    row = np.ones((2, 1), np.float32)
    padded = Padded.from_rows([row])
    row[:] = 7
    assert padded.values.tolist() == [[[1.0], [1.0]]]


def test_no_rows_at_all() -> None:
    assert Padded.from_rows([]).values.shape == (0, 1, 0)


def test_clips_by_themselves_are_dialogues_of_one() -> None:
    batch = Batch(("a", "b"), {})
    assert batch.in_dialogue.tolist() == [[True], [True]]
    assert len(batch) == 2


def test_dialogues_take_as_many_places_as_they_have_clips() -> None:
    batch = Batch(("a0", "a1", "b0", "c0", "c1", "c2"), {}, turns=torch.tensor([2, 1, 3]))
    assert batch.in_dialogue.tolist() == [[True, True, False], [True, False, False], [True] * 3]


def test_moving_keeps_everything() -> None:
    padded = Padded(torch.zeros(2, 3, 1), torch.tensor([1, 3]), torch.ones(2, 3, dtype=torch.bool))
    batch = Batch(("a", "b"), {"audio": padded}, *map(torch.tensor, ([0, 1], [2], [0, 1])))
    moved = batch.to("meta")
    assert moved.ids == batch.ids
    assert moved.views["audio"].present is not None
    rest = [moved.targets, moved.turns, moved.speakers]
    tensors = [*rest, *vars(moved.views["audio"]).values()]
    assert all(tensor.device.type == "meta" for tensor in tensors)
    assert Batch(("a",), {}).to("meta").targets is None


def test_other_views_of_the_same_items() -> None:
    batch = Batch(("a",), {"audio": Padded.from_rows(rows_of([2]))}, torch.tensor([1]))
    other = batch.with_views({})
    assert other.views == {}
    assert other.targets is batch.targets


def test_batches_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Batch(("a",), {}).ids = ("b",)  # type: ignore[misc]
