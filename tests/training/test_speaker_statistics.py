from __future__ import annotations

from pathlib import Path

import numpy as np

from emocli.data.clip import Clip
from emocli.data.samples import Samples
from emocli.data.speakers import SpeakerNormaliser
from emocli.data.store import open_features
from emocli.models.settings import TrainConfig
from tests import toy

corpus = toy.fixture()


def test_constant_columns_and_missing_modalities(corpus: toy.Toy, tmp_path: Path) -> None:
    """A column that one speaker does not move, one that nobody moves, and a clip without any."""
    rng = np.random.default_rng(0)
    arrays = {}
    for clip in corpus.manifest.clips[1:]:
        arrays[clip.id] = rng.normal(size=(5, 3))
        arrays[clip.id][:, 1] = 7.0
        if clip.speaker == "train-1":
            arrays[clip.id][:, 0] = 2.0
    toy.write_feature(tmp_path, "pitch", "audio", corpus.manifest, arrays)
    stores = open_features(tmp_path, None, corpus.manifest)
    config = TrainConfig(normalise="speaker", shrinkage=0, least_clips=1)
    result = SpeakerNormaliser(config, 0.0, corpus.manifest, stores)
    train1 = next(c.id for c in corpus.manifest.clips if c.speaker == "train-1")
    feature = result.features()["audio"]
    assert np.abs(feature[train1][:, :2]).max() < 1e-6
    assert np.isfinite(feature[train1]).all()
    first = corpus.manifest.clips[0].id
    assert first not in feature
    assert feature.length(first) == 0
    assert Samples.of(corpus.manifest, "train", {"audio": feature}).missing() == {"audio": 1}
    assert result(first, "audio", np.zeros((0, 3), np.float32)).shape == (0, 3)


def test_absurd_numbers_are_clipped_and_counted(corpus: toy.Toy, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arrays = {c.id: rng.normal(size=(6, 2)) for c in corpus.manifest.clips}
    arrays["train00"][0, 0] = -1e30
    toy.write_feature(tmp_path, "pitch", "audio", corpus.manifest, arrays)
    stores = open_features(tmp_path, None, corpus.manifest)
    config = TrainConfig(normalise="speaker")
    result = SpeakerNormaliser(config, config.outliers, corpus.manifest, stores)
    assert np.abs(result.features()["audio"]["train00"]).max() < 100
    assert result.clipped(corpus.manifest.split("train")) == {"audio": 1}
    assert result.clipped([Clip("train01", split="train")]) == {"audio": 0}
