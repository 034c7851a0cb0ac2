from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emocli.data.standardise import Standardiser
from emocli.data.store import open_features
from emocli.errors import StoreError
from emocli.robust.check.provenance import FitProvenance
from tests import toy

STATISTICS = Standardiser({"text": np.zeros(4, np.float32)}, {"text": np.ones(4, np.float32)})


@pytest.fixture
def corpus(tmp_path: Path) -> toy.Toy:
    return toy.build(tmp_path)


def provenance(corpus: toy.Toy) -> FitProvenance:
    stores = open_features(corpus.store, None, corpus.manifest)
    return FitProvenance(
        {modality: store.name for modality, store in stores.items()},
        {modality: store.fingerprint for modality, store in stores.items()},
        corpus.manifest.fingerprint,
        (),
        STATISTICS,
    )


def test_the_same_features_are_welcome_and_fewer_too(corpus: toy.Toy) -> None:
    stores = open_features(corpus.store, None, corpus.manifest)
    provenance(corpus).require(stores)
    provenance(corpus).require({"text": stores["text"]}, STATISTICS)


def test_changed_features_are_refused(corpus: toy.Toy) -> None:
    known = provenance(corpus)
    arrays = {clip.id: np.ones((2, 4)) for clip in corpus.manifest.clips}
    toy.write_feature(corpus.store, "glove", "text", corpus.manifest, arrays)
    stores = open_features(corpus.store, None, corpus.manifest)
    with pytest.raises(StoreError, match="fitted on an earlier version of it; run emocli fit-cca"):
        known.require(stores)
    renamed = replace(known, features={**known.features, "text": "roberta"})
    with pytest.raises(StoreError, match="fitted on feature 'roberta' instead"):
        renamed.require(stores)


def test_an_unknown_modality_is_refused(corpus: toy.Toy) -> None:
    stores = open_features(corpus.store, None, corpus.manifest)
    known = provenance(corpus)
    fewer = replace(known, features={}, fingerprints={})
    with pytest.raises(StoreError, match="fitted without it"):
        fewer.require(stores)


def test_another_train_split_is_detected(corpus: toy.Toy) -> None:
    stores = open_features(corpus.store, ["glove"], corpus.manifest)
    other = Standardiser(STATISTICS.mean, {"text": np.full(4, 1.1, np.float32)})
    with pytest.raises(StoreError, match="fitted on another train split"):
        provenance(corpus).require(stores, other)


def test_a_check_that_has_seen_clips_of_validation_or_test_is_refused(corpus: toy.Toy) -> None:
    known = replace(provenance(corpus), ids=tuple(c.id for c in corpus.manifest.split("train")))
    known.require_disjoint(corpus.manifest)
    for split in ("valid", "test"):
        clips = tuple(
            replace(c, split=split, speaker="", dialogue="") if c.id == "train03" else c
            for c in corpus.manifest.clips
        )
        with pytest.raises(
            StoreError, match=rf"1 of the 24 clips .*'train03' .*{split} clips here"
        ):
            known.require_disjoint(replace(corpus.manifest, clips=clips))
    clips = tuple(c for c in corpus.manifest.clips if c.id != "train03")
    with pytest.raises(StoreError, match="'train03' for one, are not in this manifest"):
        known.require_disjoint(replace(corpus.manifest, clips=clips))


def test_a_check_that_has_seen_fewer_clips_than_the_network_says_so(corpus: toy.Toy) -> None:
    known = replace(provenance(corpus), ids=("train00", "train01"))
    assert known.unseen(corpus.manifest.split("train")) == 22
