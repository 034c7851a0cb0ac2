"""Recordings by a run whose features are normalised by speaker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from emocli.config import merge
from emocli.data.manifest import Manifest
from emocli.evaluation.evaluator import RunEvaluator
from emocli.extraction.normalise import normalise
from emocli.prediction.predict import predict
from emocli.training.train import train
from tests import toy
from tests.prediction.examples import video


def test_features_by_speaker_are_normalised_by_the_clips_of_the_recording(
    trained: Path, corpus: Manifest, tmp_path: Path
) -> None:
    """A run on features by speaker predicts a whole corpus as its evaluation does."""
    store = trained.parent / "store"
    normalise(corpus, store, "mel")
    names, run = ["mel_by_speaker", "glove"], tmp_path / "run"
    train(
        corpus, store, fusion="late", run=run, features=names, settings=toy.QUICK, baselines=False
    )
    (store / "mel_by_speaker.h5").rename(tmp_path / "kept.h5")
    report = predict(run, [corpus.path or Path()], tmp_path / "out")
    (tmp_path / "kept.h5").rename(store / "mel_by_speaker.h5")
    measured = RunEvaluator.open(run, "test", None, None).predict([], 0)
    by_clip = {segment.clip: segment for segment in report.segments}
    for row, clip_id in enumerate(measured.ids):
        mine = [by_clip[clip_id].values[name] for name in measured.classes]
        assert_allclose(mine, measured.values[0][row], atol=1e-6)
    (store / "mel_by_speaker.h5").unlink()
    alone = predict(run, [video(corpus)], tmp_path / "one")
    assert "normalised by speaker, and test01_01 has 1 segment:" in alone.remarks[0]


def test_clips_of_a_speaker_are_normalised_together(
    heard: Path, corpus: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a manifest without dialogues too, however few are done at once."""
    from emocli.prediction import clips as module

    settings = merge(toy.QUICK, {"train": {"normalise": "speaker"}})
    where = {"run": tmp_path / "run", "features": ["mel"], "settings": settings, "baselines": False}
    run = train(corpus, heard.parent / "store", fusion="unimodal", **where).run
    clips = tuple(replace(clip, dialogue=None, turn=None) for clip in corpus.split("test"))
    replace(corpus, clips=clips, path=None).write(corpus.root / "flat.csv")
    monkeypatch.setattr(module, "UNIT", 1)
    report = predict(run, [corpus.root / "flat.csv"], tmp_path / "out")
    measured = RunEvaluator.open(run, "test", None, None).predict([], 0)
    mine = {segment.clip: list(segment.values.values()) for segment in report.segments}
    assert_allclose([mine[i] for i in measured.ids], measured.values[0], atol=1e-6)
