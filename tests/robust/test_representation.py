from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from emocli.data.batch import Padded
from emocli.errors import ConfigError
from emocli.robust.representation import Representation

LENGTHS = {"text": np.array([2, 3, 0]), "audio": np.array([2, 3, 1])}


def test_aligned_clips_are_padded_and_others_resampled() -> None:
    assert Representation.of(LENGTHS).padded
    assert not Representation.of({**LENGTHS, "audio": np.array([2, 4, 1])}).padded
    assert not Representation.of(LENGTHS, steps=2).padded
    assert Representation.of(LENGTHS, steps=2, alignment="pad").padded
    assert not Representation.of(LENGTHS, alignment="resample").padded


def test_no_more_steps_than_the_longest_clip_has() -> None:
    assert Representation.of({"text": np.array([1, 1]), "audio": np.array([90, 7])}).steps == {
        "text": 1,
        "audio": 20,
    }


@pytest.mark.parametrize(
    ("kind", "longest", "placed"), [("flatten", 5, True), ("flatten", 1, False), ("step", 5, False)]
)
def test_flattened_steps_depend_on_their_place(kind: str, longest: int, placed: bool) -> None:
    of = Representation.of({"text": np.array([1, longest])}, kind)
    assert of.by_place is placed


def test_padding_keeps_the_steps_in_their_places() -> None:
    view = Padded.from_rows([np.array([[1.0, 2]]), np.array([[3.0, 4], [5, 6], [7, 8]])])
    rows = Representation("flatten", {"text": 3}, padded=True)({"text": view})["text"]
    assert rows.tolist() == [[1, 2, 0, 0, 0, 0], [3, 4, 5, 6, 7, 8]]
    longer = Representation("flatten", {"text": 4}, padded=True)({"text": view})["text"]
    assert longer[1].tolist() == [3, 4, 5, 6, 7, 8, 0, 0]
    shorter = Representation("flatten", {"text": 2}, padded=True)({"text": view})["text"]
    assert shorter[1].tolist() == [3, 4, 5, 6]


def mean_between(row: np.ndarray, start: float, stop: float) -> float:
    """Integrate a step function by fine sampling."""
    times = np.linspace(start, stop, 40001)
    middles = (times[1:] + times[:-1]) / 2
    return float(np.mean(row[np.floor(middles).astype(int)]))


@pytest.mark.parametrize("length", [1, 3, 4, 7, 50])
def test_resampling_averages_equal_shares_of_the_duration(length: int) -> None:
    row = np.random.default_rng(length).normal(size=(length, 1)).astype(np.float32)
    view = Padded.from_rows([row, np.zeros((60, 1))])
    rows = Representation("flatten", {"audio": 4}, padded=False)({"audio": view})["audio"]
    edges = np.linspace(0, length, 5)
    expected = [mean_between(row[:, 0], start, stop) for start, stop in pairwise(edges)]
    np.testing.assert_allclose(rows[0], expected, atol=1e-3)


@pytest.mark.parametrize("kind", ["flatten", "mean", "step"])
@pytest.mark.parametrize("padded", [True, False])
def test_what_lies_in_the_padding_is_never_read(kind: str, padded: bool) -> None:
    view = Padded.from_rows([np.ones((2, 3)), np.ones((5, 3))])
    corrupted = view.values.clone()
    corrupted[0, 2:] = float("nan")
    represent = Representation(kind, {"text": 5}, padded)
    np.testing.assert_array_equal(
        represent({"text": view.with_values(corrupted)})["text"], represent({"text": view})["text"]
    )


def test_missing_and_broken_clips_are_not_a_number() -> None:
    broken = np.ones((2, 3))
    broken[1, 1] = np.inf
    view = Padded.from_rows([np.ones((2, 3)), np.zeros((0, 3)), broken])
    for kind, padded in (("flatten", True), ("flatten", False), ("mean", True), ("step", False)):
        represent = Representation(kind, {"text": 2}, padded)
        rows = represent({"text": view})["text"]
        assert np.isfinite(rows[: represent.per_clip]).all()
        assert np.isnan(rows[represent.per_clip :]).all()


def test_steps_stay_apart_and_what_is_padding_is_not_a_number() -> None:
    view = Padded.from_rows([np.array([[1.0, 2]]), np.array([[3.0, 4], [5, 6], [7, 8], [9, 10]])])
    represent = Representation("step", {"text": 3}, padded=True)
    rows = represent({"text": view})["text"]
    assert represent.per_clip == 3
    assert rows[[0, 3, 4, 5]].tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert np.isnan(rows[1:3]).all()
    assert represent.shown(rows).tolist() == [True, True]
    assert represent.by_clip(rows).tolist() == [[1, 2], [5, 6]]


def test_modalities_of_other_rates_have_as_many_steps() -> None:
    lengths = {"text": np.array([2, 1]), "audio": np.array([50, 6])}
    represent = Representation.of(lengths, "step", steps=4)
    assert represent.steps == {"text": 4, "audio": 4}
    views = {
        "text": Padded.from_rows([np.array([[1.0], [3]]), np.array([[5.0]])]),
        "audio": Padded.from_rows([np.ones((50, 2)), np.zeros((0, 2))]),
    }
    rows = represent(views)
    assert rows["text"][:, 0].tolist() == [1, 1, 3, 3, 5, 5, 5, 5]
    assert represent.shown(rows["audio"]).tolist() == [True, False]
    assert np.isnan(represent.by_clip(rows["audio"])[1]).all()


@pytest.mark.parametrize("kind", ["flatten", "mean"])
def test_where_a_row_is_a_clip_nothing_is_averaged(kind: str) -> None:
    represent = Representation(kind, {"text": 3}, padded=True)
    values = np.array([[1.5, np.nan], [2.25, 4]])
    assert represent.per_clip == 1
    np.testing.assert_array_equal(represent.by_clip(values), values)


def test_utterance_wants_one_row_per_clip() -> None:
    with pytest.raises(ConfigError, match="audio has up to 3; choose flatten or mean"):
        Representation.of({"text": np.array([1]), "audio": np.array([3])}, "utterance")
    view = Padded(torch.tensor([[[1.0, 2]], [[3, 4]]]), torch.tensor([1, 1]))
    represent = Representation.of({"text": np.array([1, 1])}, "utterance")
    assert represent({"text": view})["text"].tolist() == [[1, 2], [3, 4]]
