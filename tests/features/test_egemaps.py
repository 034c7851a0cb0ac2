from __future__ import annotations

import importlib.util
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from emocli import config, plugins
from emocli.cli.app import run
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.media.content import sound
from emocli.data.track import Track
from emocli.errors import ConfigError, MediaError
from emocli.extraction.normalise import normalise
from emocli.prediction.packing.pack import pack
from tests import toy

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("opensmile") is None, reason="needs emocli[egemaps]"
)


def extractor(**settings: Any) -> Any:
    module = plugins.load("features", "egemaps")
    return module.prepare(config.build(module.Config, settings, "egemaps"), ())


@needs_package
def test_it_is_what_the_package_computes(corpus: Manifest) -> None:
    import opensmile

    clip = corpus.clips[0]
    samples = sound(clip, 16_000)
    kind = {"feature_set": opensmile.FeatureSet.eGeMAPSv02}
    levels = opensmile.FeatureLevel
    functionals = opensmile.Smile(**kind, feature_level=levels.Functionals)
    instance = extractor()
    track = instance(clip, {})
    expected = functionals.process_signal(samples, 16_000)
    assert track.values.shape == (1, 88)
    assert_allclose(track.values, expected.to_numpy())
    assert instance.names == tuple(expected.columns)
    descriptors = opensmile.Smile(**kind, feature_level=levels.LowLevelDescriptors)
    rows = extractor(level="descriptors")
    track = rows(clip, {})
    assert_allclose(track.values, descriptors.process_signal(samples, 16_000).to_numpy())
    assert track.values.shape[1] == len(rows.names) == 25
    assert rows.rate == pytest.approx(100)
    assert_allclose(np.diff(track.times)[:20], 0.01)
    assert track.times[0] == pytest.approx(0.01)


@needs_package
def test_a_click_is_too_short(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(400))
    with pytest.raises(MediaError, match="too short for eGeMAPS"):
        extractor()(Clip("a", media={"audio": tmp_path / "a.wav"}), {})


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(ConfigError, match=r"'opensmile' is not installed; pip install .*egemaps"):
        extractor()


def test_its_licence_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "research" in plugins.describe("features", "egemaps").licence
    assert plugins.describe("features", "mel").licence == ""
    assert run(["info", "--json"]) == 0
    assert "needs a licence of audEERING" in capsys.readouterr().out


def test_the_card_of_a_run_repeats_it(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path)
    rng = np.random.default_rng(0)
    rows = {clip.id: rng.normal(size=(1, 4)) for clip in corpus.manifest.clips}
    toy.write_feature(corpus.store, "egemaps", "audio", corpus.manifest, rows)
    card = (corpus.trained(features=("egemaps+mel",)) / "README.md").read_text()
    assert "Licence of egemaps: openSMILE is free for research" in card
    card = (corpus.trained("other", features=("mel",)) / "README.md").read_text()
    assert "Licence of egemaps" not in card


def test_the_card_says_it_of_what_was_imported_and_normalised(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path)
    rng = np.random.default_rng(0)
    tracks = {clip.id: Track(rng.normal(size=(1, 4))) for clip in corpus.manifest.clips}
    toy.write_tracks(
        corpus.store, "functionals", "audio", corpus.manifest, tracks, format="opensmile"
    )
    normalise(corpus.manifest, corpus.store, "functionals")
    for run_name, feature in (("a", "functionals+mel"), ("b", "functionals_by_speaker")):
        trained = corpus.trained(run_name, features=(feature,))
        card = (trained / "README.md").read_text()
        assert "Licence of opensmile: openSMILE is free for research" in card
        assert pack(trained, tmp_path / f"packed-{run_name}").licence == "other"
        card = (tmp_path / f"packed-{run_name}" / "README.md").read_text()
        assert "opensmile: openSMILE is free for research" in card
