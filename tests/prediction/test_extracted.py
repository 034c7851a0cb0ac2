"""The features of clips of recordings: joined ones of which one is missing, and settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from emocli.data.store.upstream import upstream_settings
from emocli.errors import RunError
from emocli.models.run_config import View
from emocli.prediction import extracted as stage
from emocli.prediction.recompute import FeatureRecipe
from tests import toy


def view(name: str, dim: int) -> View:
    return View(feature=name, dim=dim, settings={}, fingerprint="")


@pytest.fixture
def part(tmp_path: Path) -> stage._Part:
    corpus = toy.build(tmp_path)
    clip = corpus.manifest.clips[0].id
    arrays = {clip: np.ones((3, 2))}
    toy.write_feature(tmp_path / "part", "gaze", "visual", corpus.manifest, arrays)
    toy.write_feature(tmp_path / "part", "pose", "visual", corpus.manifest, {clip: np.ones((3, 1))})
    return stage._Part(tmp_path / "part", corpus.manifest, ())


def test_the_columns_of_a_feature_that_nobody_has_are_zero(part: stage._Part) -> None:
    clip = part.manifest.clips[0].id
    result = stage._view("visual", view("gaze+brows+pose", 7), [part])
    assert_array_equal(result[clip], [[1, 1, 0, 0, 0, 0, 1]] * 3)
    first = stage._view("visual", view("brows+gaze+pose", 7), [part])
    assert_array_equal(first[clip][0], [0, 0, 0, 0, 1, 1, 1])
    whole = stage._view("visual", view("gaze+pose", 3), [part])
    assert_array_equal(whole[clip], np.ones((3, 3)))
    none = stage._view("visual", view("brows", 4), [part])
    assert clip not in none
    assert none.length(clip) == 0


def test_rows_of_another_width_are_refused(part: stage._Part) -> None:
    with pytest.raises(RunError, match="'gaze' has 5 columns, gaze of it has 2"):
        stage._view("visual", view("gaze", 5), [part])


def test_what_depends_on_other_clips_is_computed_together_with_what_it_needs() -> None:
    def recipe(name: str, *requires: str, per_clip: bool = True) -> FeatureRecipe:
        return FeatureRecipe(name, {}, requires, per_clip)

    alone = [recipe("mel"), recipe("faces"), recipe("face_hog", "faces")]
    assert stage._together(alone) == frozenset()
    by_speaker = recipe("face_hog_by_speaker", "face_hog", per_clip=False)
    together = stage._together([*alone, by_speaker])
    assert together == {"faces", "face_hog", "face_hog_by_speaker"}


def test_clips_without_a_speaker_are_of_the_one_of_their_dialogue(part: stage._Part) -> None:
    clips = [replace(clip, speaker="") for clip in part.manifest.clips[:4]]
    named = stage.with_speakers(replace(part.manifest, clips=tuple(clips)))
    assert len({clip.speaker for clip in named.clips}) == len({c.dialogue for c in clips}) == 2


def test_settings_are_known_all_the_way_up(trained: Path) -> None:
    store = trained.parent / "store"
    known = upstream_settings(store, "face_hog")
    assert known["faces"]["min_share"] == 0.2
    assert upstream_settings(store, "mel") == {}
    (store / "faces.h5").rename(store / "faces.kept")
    assert upstream_settings(store, "face_hog") == {}
    (store / "faces.kept").rename(store / "faces.h5")
