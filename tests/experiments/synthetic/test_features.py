"""Features of synthetic corpora: lengths, and what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.data.store import FeatureStore
from emocli.errors import StoreError
from emocli.experiments.synthetic.corpus import Config, GeneratedCorpus, draw
from emocli.experiments.synthetic.features import Shape, write_features
from tests.interrupt import interrupted

THREE = {"t": "text", "a": "audio", "v": "visual"}
SMALL: dict[str, Any] = {
    "dialogues": {"train": 40, "valid": 4, "test": 4},
    "turns": 4,
    "rates": {"audio": 20.0},
}


def written(
    folder: Path, shape: Shape, **settings: Any
) -> tuple[GeneratedCorpus, dict[str, FeatureStore]]:
    config = Config.model_validate({**SMALL, **settings})
    corpus = draw(config, "single", folder)
    return corpus, write_features(corpus, config, shape, folder / "store")


def means(corpus: GeneratedCorpus, store: FeatureStore) -> np.ndarray:
    return np.stack([store[clip.id].mean(axis=0) for clip in corpus.manifest.clips])


def explained(corpus: GeneratedCorpus, store: FeatureStore) -> float:
    """Share of the latent numbers' variance that a regression on a feature's means explains."""
    latents = np.stack([corpus.latents[clip.id] for clip in corpus.manifest.clips])
    inputs = np.c_[means(corpus, store), np.ones(len(latents))]
    rest = latents - inputs @ np.linalg.lstsq(inputs, latents, rcond=None)[0]
    return float(1 - rest.var() / latents.var())


def test_modalities_have_rates_of_their_own(tmp_path: Path) -> None:
    corpus, stores = written(tmp_path, Shape(THREE))
    for clip in corpus.manifest.clips:
        assert clip.end is not None
        lengths = {name: len(stores[name][clip.id]) for name in THREE}
        words = len(clip.text.split())
        assert lengths == {"t": words, "a": round(clip.end * 20), "v": round(clip.end * 25)}
        times = stores["a"].track(clip.id).times
        assert times is not None
        assert 0 < times[0] < times[-1] < clip.end


def test_or_all_step_with_the_words(tmp_path: Path) -> None:
    corpus, stores = written(tmp_path, Shape(THREE, aligned=True))
    for clip in corpus.manifest.clips:
        assert {len(stores[name][clip.id]) for name in THREE} == {len(clip.text.split())}


def test_or_a_clip_is_one_vector(tmp_path: Path) -> None:
    corpus, stores = written(tmp_path, Shape(THREE, vectors=True))
    assert {len(stores[n][c.id]) for n in THREE for c in corpus.manifest.clips} == {1}
    assert stores["t"][corpus.manifest.clips[0].id].shape == (1, 48)


def test_a_stronger_modality_shows_more_and_none_without_signal(tmp_path: Path) -> None:
    corpus, stores = written(tmp_path, Shape(THREE), signal={"audio": 0.0})
    shown = {name: explained(corpus, store) for name, store in stores.items()}
    assert shown["t"] > shown["v"] > 2 * shown["a"]


def test_modalities_share_what_is_behind_them_and_no_more(tmp_path: Path) -> None:
    """Canonical correlations of two modalities: as many are high as there are shared numbers."""
    corpus, stores = written(
        tmp_path,
        Shape(THREE),
        separation=0.0,
        signal={"text": 3.0, "visual": 3.0},
        shared=3,
        turns=16,
    )
    sides = [means(corpus, stores[name]) for name in ("t", "v")]
    bases = [np.linalg.qr(side - side.mean(axis=0))[0] for side in sides]
    r = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    assert r[2] > 0.8
    assert r[3] < 0.5


def test_noise_is_that_of_each_step(tmp_path: Path) -> None:
    shape = Shape({"a": "audio"})
    corpus, quiet = written(tmp_path / "quiet", shape, noise=0.0)
    _, loud = written(tmp_path / "loud", shape, noise=2.0)
    difference = [loud["a"][c.id] - quiet["a"][c.id] for c in corpus.manifest.clips]
    assert np.concatenate(difference).std() == pytest.approx(2.0, rel=0.02)


def test_interrupted_it_goes_on_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emocli.data.store import writer

    shape = Shape(THREE)
    _, whole = written(tmp_path / "whole", shape)
    with pytest.raises(KeyboardInterrupt), interrupted(monkeypatch, writer, "write_part", 3):
        written(tmp_path / "killed", shape)
    assert not (tmp_path / "killed" / "store" / "a.h5").exists()
    _, again = written(tmp_path / "killed", shape)
    assert {n: s.fingerprint for n, s in again.items()} == {
        n: s.fingerprint for n, s in whole.items()
    }


def test_other_settings_are_not_mixed_into_what_is_there(tmp_path: Path) -> None:
    written(tmp_path, Shape(THREE))
    with pytest.raises(StoreError, match="other settings"):
        written(tmp_path, Shape(THREE), noise=2.0)
