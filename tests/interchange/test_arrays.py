"""Arrays of one's own in a store, and out again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from emocli import FeatureStore, store_arrays
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.errors import ConfigError, StoreError

MANIFEST = Manifest(
    tuple(Clip(name, split="train", label="x") for name in "abc"), ("x", "y"), "single", "d", Path()
)


def test_what_is_stored_is_read_back(tmp_path: Path) -> None:
    mine = {"a": np.arange(6.0).reshape(3, 2), "c": np.ones(2)}
    times = {"a": np.array([0.0, 0.5, 1.0]), "c": np.array([0.25])}
    store_arrays(MANIFEST, tmp_path, "mine", "audio", mine, times=times, names=("x", "y"))
    store = FeatureStore(tmp_path / "mine.h5")
    assert_array_equal(store["a"], mine["a"])
    assert_array_equal(store["c"], [[1, 1]])
    assert "b" not in store
    assert store.modality == "audio"
    store_arrays(MANIFEST, tmp_path, "mine", "audio", mine, times=times, names=("x", "y"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"z": np.ones((1, 2))}, "'z' is no clip of the manifest"),
        ({"a": np.ones((1, 2)), "b": np.ones((1, 3))}, "different numbers of columns"),
        ({"a": np.ones((1, 2, 3))}, "the array of clip 'a' has shape"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, given: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        store_arrays(MANIFEST, tmp_path, "mine", "audio", given)
    assert not (tmp_path / "mine.h5").exists()


@pytest.mark.parametrize("times", [None, {"a": "x"}])
def test_what_is_no_array_of_numbers_is_refused(
    tmp_path: Path, times: dict[str, Any] | None
) -> None:
    given: dict[str, Any] = {"a": np.ones((1, 2)) if times else "x"}
    with pytest.raises(ConfigError, match=r"clip 'a': is no array of numbers \(str\)"):
        store_arrays(MANIFEST, tmp_path, "mine", "audio", given, times=times)


@pytest.mark.parametrize("name", ["kind", "path", "problems", "check"])
def test_a_name_of_emoclis_own_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match=f"'{name}' is a name of emocli's own; give another one"):
        store_arrays(MANIFEST, tmp_path, name, "audio", {"a": np.ones((1, 2))})


def test_there_is_a_name_for_every_column(tmp_path: Path) -> None:
    pitch = {"a": np.ones((2, 1))}
    store = store_arrays(MANIFEST, tmp_path, "pitch", "audio", pitch, names="hz")
    assert list(store.dim_names) == ["hz"]
    with pytest.raises(StoreError, match="'mine': there are 2 names for its 1 columns"):
        store_arrays(MANIFEST, tmp_path, "mine", "audio", pitch, names=("hz", "voiced"))


def test_times_are_of_every_row(tmp_path: Path) -> None:
    mine = {"a": np.ones((2, 2)), "b": np.ones((1, 2))}
    for times in ({"a": np.arange(2.0)}, {"a": np.arange(3.0), "b": np.zeros(1)}):
        with pytest.raises(StoreError, match="the times of clip"):
            store_arrays(MANIFEST, tmp_path, "mine", "audio", mine, times=times)


def test_other_arrays_do_not_replace_it_by_chance(tmp_path: Path) -> None:
    store_arrays(MANIFEST, tmp_path, "mine", "audio", {"a": np.ones((1, 2))})
    with pytest.raises(StoreError):
        store_arrays(MANIFEST, tmp_path, "mine", "audio", {"a": np.zeros((1, 2))})
    again = store_arrays(
        MANIFEST, tmp_path, "mine", "audio", {"a": np.zeros((1, 2))}, overwrite=True
    )
    assert_array_equal(again["a"], [[0, 0]])
