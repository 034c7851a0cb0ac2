from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from emocli import plugins
from emocli.data.samples import Samples
from emocli.data.store import open_features
from emocli.errors import ConfigError
from emocli.plugin.robustness import on, read
from emocli.robust.corrupt import Corrupter, generator
from tests import toy

MODALITIES = ("text", "audio", "visual")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    corpus = toy.build(Path(tmp_path_factory.mktemp("toy")))
    return Samples.of(corpus.manifest, "test", open_features(corpus.store, None, corpus.manifest))


def corruption(samples: Samples, *specs: str, seed: int = 0) -> Samples:
    return samples.then(Corrupter(on(read(specs), MODALITIES), seed, samples))


def test_what_is_not_finite_is_refused_with_the_name_of_the_plug_in(
    samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    zero = plugins.load("corruptions", "zero")
    monkeypatch.setattr(zero.Config, "__call__", lambda config, values, *others: values * np.nan)
    with pytest.raises(ConfigError, match="zero: plug-in 'zero' makes numbers that are not finite"):
        corruption(samples, "visual:zero").array(samples.clips[0].id, "visual")


@pytest.mark.parametrize("shape", [(3, 1), (3,), ()])
def test_another_width_is_refused_with_the_name_of_the_plug_in(
    samples: Samples, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    zero = plugins.load("corruptions", "zero")
    monkeypatch.setattr(zero.Config, "__call__", lambda *arguments: np.zeros(shape, np.float32))
    bad = corruption(samples, "visual:zero")
    what = rf"zero: plug-in 'zero' makes an array of shape {re.escape(str(shape))} of one of"
    with pytest.raises(ConfigError, match=what):
        bad.array(samples.clips[0].id, "visual")


def test_only_the_named_modality_changes(samples: Samples) -> None:
    noisy = corruption(samples, "visual:gaussian@0.01")
    for clip in samples.clips:
        assert (noisy.array(clip.id, "visual") != samples.array(clip.id, "visual")).all()
        for modality in ("text", "audio"):
            np.testing.assert_array_equal(
                noisy.array(clip.id, modality), samples.array(clip.id, modality)
            )


def test_noise_depends_on_seed_clip_and_modality_but_not_on_the_order(samples: Samples) -> None:
    first, second = (corruption(samples, "visual", "audio") for _ in range(2))
    ids = [clip.id for clip in samples.clips]
    forwards = {i: first.array(i, "visual") for i in ids}
    for clip_id in reversed(ids):
        np.testing.assert_array_equal(second.array(clip_id, "visual"), forwards[clip_id])
    other = corruption(samples, "visual", seed=1)
    assert all((other.array(i, "visual") != forwards[i]).any() for i in ids)
    draws = {generator(0, i, m).random() for i in ids for m in MODALITIES}
    assert len(draws) == len(ids) * len(MODALITIES)


def test_corruptions_of_one_modality_follow_each_other(samples: Samples) -> None:
    clip_id = samples.clips[0].id
    twice = corruption(samples, "visual", "visual").array(clip_id, "visual")
    once = corruption(samples, "visual").array(clip_id, "visual")
    clean = samples.array(clip_id, "visual")
    assert (twice != once).all()
    assert not np.allclose(twice - once, once - clean)
    assert not len(corruption(samples, "visual:drop", "visual").array(clip_id, "visual"))


def test_a_shuffled_clip_never_gets_its_own_features(samples: Samples) -> None:
    shuffled = corruption(samples, "audio:shuffle")
    arrays = {clip.id: samples.array(clip.id, "audio") for clip in samples.clips}
    for clip_id, own in arrays.items():
        got = shuffled.array(clip_id, "audio")
        sources = [i for i, array in arrays.items() if np.array_equal(array, got)]
        assert len(sources) == 1
        assert sources[0] != clip_id
        assert not np.array_equal(got, own)


def test_a_dropped_modality_is_a_missing_one(samples: Samples) -> None:
    batch = corruption(samples, "text:drop").batch(samples.clips[:3])
    assert not batch.views["text"].observed.any()
    assert batch.views["audio"].observed.all()


def test_a_protocol_strikes_the_same_modalities_whichever_is_read_first(samples: Samples) -> None:
    spoiler_ = Corrupter(on(read(["m3er75"]), MODALITIES), 0, samples)
    for clip in samples.clips:
        told = spoiler_.corrupted(clip.id)
        assert len(told) <= 1
        for modality in MODALITIES:
            clean = samples.array(clip.id, modality)
            changed = not np.array_equal(spoiler_(clip.id, modality, clean), clean)
            assert changed == (modality in told)
        assert told == {m for m, ids in spoiler_.clips.items() if clip.id in ids}
    assert {len(spoiler_.corrupted(clip.id)) for clip in samples.clips} == {0, 1}
    other = Corrupter(spoiler_.corruptions, 1, samples)
    assert any(other.corrupted(c.id) != spoiler_.corrupted(c.id) for c in samples.clips)


def test_what_is_spoilt_is_known(samples: Samples) -> None:
    both = Corrupter(on(read(["visual", "text:zero"]), MODALITIES), 0, samples)
    assert both.corrupted(samples.clips[0].id) == {"visual", "text"}
