"""Remembered samples are the samples."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from emocli.data.cached_samples import CachedSamples, FeatureCache
from emocli.data.samples import Samples
from emocli.data.store import open_features
from tests import toy


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    corpus = toy.build(tmp_path)
    return Samples.of(corpus.manifest, "train", open_features(corpus.store, None, corpus.manifest))


def counting(reads: Counter):
    def transform(clip_id, modality, values):
        reads[clip_id, modality] += 1
        return values + 1

    return transform


def visit(samples: Samples) -> list:
    return [batch.views["audio"].values.numpy() for batch in samples.batches(5)]


def test_arrays_are_read_once_and_stay_the_same(samples):
    reads: Counter = Counter()
    source = samples.then(counting(reads))
    kept = CachedSamples.through(source, FeatureCache(1 << 20))
    for _ in range(3):
        for ours, theirs in zip(visit(kept), visit(samples), strict=True):
            mask = theirs != 0
            assert np.array_equal(ours[mask], theirs[mask] + 1)
    assert set(reads.values()) == {1}
    assert len(reads) == 3 * len(samples)


def test_what_does_not_fit_is_read_again(samples):
    reads: Counter = Counter()
    limit = 2000
    kept = CachedSamples.through(samples.then(counting(reads)), FeatureCache(limit))
    first, second = visit(kept), visit(kept)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a, b)
    once = [key for key, count in reads.items() if count == 1]
    assert 0 < len(once) < len(reads)
    assert sum(samples.array(*key).nbytes for key in once) <= limit


def test_a_transform_added_later_is_applied_and_not_remembered(samples):
    kept = CachedSamples.through(samples, FeatureCache(1 << 20))
    doubled = kept.then(lambda clip_id, modality, values: values * 2)
    clip = samples.clips[0].id
    for _ in range(2):
        assert np.array_equal(doubled.array(clip, "text"), 2 * samples.array(clip, "text"))
        assert np.array_equal(kept.array(clip, "text"), samples.array(clip, "text"))


def test_remembered_arrays_cannot_be_changed(samples):
    kept = CachedSamples.through(samples, FeatureCache(1 << 20))
    with pytest.raises(ValueError, match="read-only"):
        kept.array(samples.clips[0].id, "text")[0] = 5
