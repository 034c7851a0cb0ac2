"""Features relative to their speaker, against plain arithmetic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emocli.cli.app import run
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore, open_feature
from emocli.data.track import Track
from emocli.errors import ManifestError, StoreError
from emocli.extraction.normalise import normalise
from tests import toy

corpus = toy.fixture()


def by_speaker(manifest: Manifest) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for clip in manifest.clips:
        groups.setdefault(clip.speaker or "", []).append(clip.id)
    return groups


def test_each_speaker_has_mean_0_and_variance_1(corpus: toy.Toy) -> None:
    result = normalise(corpus.manifest, corpus.store, "mel")
    groups = by_speaker(corpus.manifest)
    assert (result.feature, result.clips, result.speakers) == ("mel_by_speaker", 51, 12)
    assert result.fewest == min(map(len, groups.values()))
    source = FeatureStore.open(corpus.store / "mel.h5")
    store = open_feature(corpus.store, "mel_by_speaker", corpus.manifest)
    assert store.modality == "audio"
    assert store.ids == source.ids
    for ids in groups.values():
        rows = np.concatenate([source[i] for i in ids]).astype(np.float64)
        for i in ids:
            wanted = (source[i] - rows.mean(axis=0)) / rows.std(axis=0)
            np.testing.assert_allclose(store[i], wanted, atol=1e-5)


def test_times_notes_and_rate_stay(corpus: toy.Toy) -> None:
    times = 0.05 + 0.1 * np.arange(10)
    rng = np.random.default_rng(0)
    tracks = {
        c.id: Track(rng.normal(size=(10, 2)), times, notes={"frames": 10})
        for c in corpus.manifest.clips
    }
    toy.write_tracks(corpus.store, "pitch", "audio", corpus.manifest, tracks, rate=10.0)
    with FeatureStore.open(normalise(corpus.manifest, corpus.store, "pitch").path) as result:
        assert result.header.rate == 10
        np.testing.assert_array_equal(result.track("test00").times, times)
        assert result.notes("test00") == {"frames": 10}


def test_it_is_made_anew_only_when_asked(corpus: toy.Toy) -> None:
    """The same again is left alone; other speakers make another feature."""
    before = normalise(corpus.manifest, corpus.store, "glove").path.stat().st_mtime_ns
    assert normalise(corpus.manifest, corpus.store, "glove").path.stat().st_mtime_ns == before
    clips = tuple(replace(clip, speaker=f"all-{clip.split}") for clip in corpus.manifest.clips)
    others = replace(corpus.manifest, clips=clips)
    with pytest.raises(StoreError, match="--overwrite"):
        normalise(others, corpus.store, "glove")
    assert normalise(others, corpus.store, "glove", overwrite=True).speakers == 3


def test_every_clip_needs_a_speaker(corpus: toy.Toy) -> None:
    clips = tuple(replace(clip, speaker=None) for clip in corpus.manifest.clips)
    nobody = replace(corpus.manifest, clips=clips)
    with pytest.raises(ManifestError, match="clip 'train00' has no speaker; fill the column"):
        normalise(nobody, corpus.store, "mel")


def test_the_command_warns_of_speakers_with_few_clips(
    corpus: toy.Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(corpus.folder / "toy.csv"), "--store", str(corpus.store), "-f", "face_hog"]
    assert run(["normalise", *arguments]) == 0
    out, err = capsys.readouterr()
    assert "face_hog_by_speaker.h5: 51 clips of 12 speakers" in out
    assert "face_hog_by_speaker has only 3 clips" in err
    assert Path(corpus.store / "face_hog_by_speaker.h5").is_file()
