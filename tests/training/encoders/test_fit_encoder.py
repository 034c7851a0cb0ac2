"""Training encoders: on features, videos and folders; interrupted, repeated and misused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emocli.cli.app import run as command
from emocli.config import merge
from emocli.data.manifest import Manifest
from emocli.data.track import Track
from emocli.errors import EmocliError, ManifestError, RunError, StoreError
from emocli.extraction.extract import extract
from emocli.interchange.import_features import import_features
from emocli.models.rundir import read_history
from emocli.training.encoders.encoder_task import EncoderTask, batches, nearest
from emocli.training.encoders.fit_encoder import EncoderSummary, fit_encoder
from emocli.training.encoders.kinds import scene
from emocli.training.encoders.picture_source import picture_source
from emocli.training.encoders.pictures import of_folder
from emocli.training.encoders.plan import EncoderFitConfig
from tests import toy
from tests.interrupt import interrupted

TINY = {
    "encoder": {"depths": [1], "hidden_sizes": [8], "embedding_size": 8, "dim": 8, "side": 32},
    "train": {"epochs": 2, "per_class": 2, "accelerator": "cpu", "lr": 1e-3},
}


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures of each of three colours, told apart by a child."""
    folder = tmp_path_factory.mktemp("colours")
    rng = np.random.default_rng(0)
    for number, name in enumerate(("blue", "green", "red")):
        (folder / name).mkdir()
        for k in range(12):
            picture = rng.integers(0, 60, (40, 40, 3), dtype=np.uint8)
            picture[..., number] += rng.integers(60, 150, dtype=np.uint8)
            cv2.imwrite(str(folder / name / f"{k}.png"), picture)
    return folder


@pytest.fixture(scope="module")
def store(corpus: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("features") / "store"
    extract(corpus, ["mel", "faces"], folder, settings={"faces": {"rate": 4, "min_share": 0.2}})
    return folder


def fit(source: Any, run: Path, kind: Any = "face", **options: Any) -> EncoderSummary:
    settings = merge(TINY, options.pop("settings", {}))
    return fit_encoder(kind, source, run, settings=settings, **options)


def test_it_learns_classes_from_folders(colours: Path, tmp_path: Path) -> None:
    summary = fit(colours, tmp_path / "run", settings={"train": {"epochs": 6}})
    assert summary.classes == ("blue", "green", "red")
    assert (summary.train, summary.valid) == (30, 6)
    assert summary.accuracy == 1
    losses = [row["train_loss"] for row in read_history(tmp_path / "run")]
    assert min(losses) < losses[0]


@pytest.mark.parametrize(
    "settings",
    [
        {"train": {"loss": "cross_entropy"}},
        {"loss": {"amt": "fixed"}},
        {"loss": {"margin_grad": "flow"}},
        {"loss": {"w_cov": 0.0}},
        {"augment": {"flip": 0.0}},
        {"train": {"classes": 2}},
        {"train": {"seed": 1}},
        {"train": {"precision": "bf16-mixed"}},
    ],
    ids=str,
)
def test_every_part_is_wired(colours: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    fit(colours, tmp_path / "plain")
    fit(colours, tmp_path / "other", settings=settings)
    plain, other = (read_history(tmp_path / name)[0] for name in ("plain", "other"))
    assert plain["train_loss"] != other["train_loss"]


def test_killed_and_repeated_it_ends_with_the_same_encoder(
    colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"train": {"epochs": 4}}
    fit(colours, tmp_path / "whole", settings=settings)
    stop = interrupted(monkeypatch, EncoderTask, "epoch", 3)
    with stop, pytest.raises(KeyboardInterrupt):
        fit(colours, tmp_path / "parts", settings=settings)
    assert not (tmp_path / "parts" / "model.safetensors").exists()
    assert len(read_history(tmp_path / "parts")) == 2
    assert fit(colours, tmp_path / "parts", settings=settings).state == "resumed"
    models = [(tmp_path / n / "model.safetensors").read_bytes() for n in ("whole", "parts")]
    assert models[0] == models[1]
    again = fit(colours, tmp_path / "parts", settings=settings)
    assert (again.state, again.epochs) == ("already trained", 4)


def test_other_settings_need_another_folder_or_overwrite(colours: Path, tmp_path: Path) -> None:
    fit(colours, tmp_path / "run")
    with pytest.raises(RunError, match="other settings"):
        fit(colours, tmp_path / "run", settings={"train": {"epochs": 1}})
    summary = fit(colours, tmp_path / "run", settings={"train": {"epochs": 1}}, overwrite=True)
    assert (summary.state, summary.epochs) == ("trained", 1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    with pytest.raises(RunError, match="not an encoder"):
        fit(colours, tmp_path / "full")


def test_sound_and_faces_of_a_corpus(corpus: Manifest, store: Path, tmp_path: Path) -> None:
    for kind in ("audio", "face"):
        summary = fit(corpus, tmp_path / kind, kind, store=store)
        assert (summary.train, summary.valid) == (4, 4)
        assert summary.classes == corpus.classes


def test_scenes_are_read_from_the_videos(
    corpus: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = fit(corpus, tmp_path / "run", "scene")
    assert (summary.train, summary.valid) == (4, 4)
    # What is finished is left alone, and no video read again.
    monkeypatch.setattr(scene, "chosen_frames", None)
    assert fit(corpus, tmp_path / "run", "scene").state == "already trained"


def test_the_test_split_is_not_seen(corpus: Manifest, store: Path, tmp_path: Path) -> None:
    fit(corpus, tmp_path / "a", "audio", store=store)
    wrong = tuple(
        replace(c, label=corpus.classes[0]) if c.split == "test" else c for c in corpus.clips
    )
    fit(replace(corpus, clips=wrong), tmp_path / "b", "audio", store=store)
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in "ab"]
    assert models[0] == models[1]


def test_clips_without_a_label_are_counted(corpus: Manifest, store: Path, tmp_path: Path) -> None:
    unlabelled = tuple(
        replace(c, label=None) if c is corpus.split("train")[0] else c for c in corpus.clips
    )
    summary = fit(replace(corpus, clips=unlabelled), tmp_path / "run", store=store)
    assert summary.skipped == {"without a label": 1}


def stored_faces(corpus: Manifest, store: Path, main: Mapping[str, bool]) -> None:
    """A row of a feature `faces` for every clip that is named, and whether it is a face."""
    crop = np.zeros((1, 32, 32, 3), np.uint8)
    tracks = {i: Track(crop, extra={"main": np.array([shown])}) for i, shown in main.items()}
    toy.write_tracks(store, "faces", "visual", corpus, tracks)


def test_clips_without_a_face_are_counted(corpus: Manifest, tmp_path: Path) -> None:
    clips = [clip.id for clip in corpus.clips]
    first = corpus.split("train")[0].id
    stored_faces(corpus, tmp_path / "store", {i: i != first for i in clips})
    summary = fit(corpus, tmp_path / "run", store=tmp_path / "store")
    assert summary.skipped == {"without faces": 1}
    stored_faces(corpus, tmp_path / "bare", dict.fromkeys(clips, False))
    with pytest.raises(ManifestError, match="fewer than two classes"):
        fit(corpus, tmp_path / "none", store=tmp_path / "bare")


def test_a_feature_without_faces_is_refused(corpus: Manifest, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "faces.npz",
        ids=np.array([clip.id for clip in corpus.clips]),
        offsets=np.arange(len(corpus.clips) + 1),
        values=np.zeros((len(corpus.clips), 3), np.float32),
    )
    import_features(tmp_path / "faces.npz", "faces", "visual", corpus, tmp_path / "store")
    with pytest.raises(StoreError, match="holds no faces"):
        fit(corpus, tmp_path / "run", store=tmp_path / "store")


def test_what_cannot_be_learned_is_refused(corpus: Manifest, store: Path, tmp_path: Path) -> None:
    def refused(match: str, source: Any = corpus, **options: Any) -> None:
        with pytest.raises(EmocliError, match=match):
            fit(source, tmp_path / "run", "audio", store=store, **options)

    refused("fewer than two classes", settings={"train": {"teach": "speaker"}})
    refused("no class per clip", source=replace(corpus, task="multi"))
    refused("has 0 folders", source=tmp_path)
    refused("no preset 'best'", preset="best")
    refused("unknown setting 'network'", settings={"network": {}})
    refused(r"unknown setting 'encoder\.sides'", settings={"encoder": {"sides": 3}})
    with pytest.raises(ManifestError):
        fit(replace(corpus, task="intensity"), tmp_path / "run", "scene")


def test_batches_hold_p_classes_of_k(colours: Path, tmp_path: Path) -> None:
    pictures = of_folder(picture_source("face"), colours)
    drawn = list(
        batches(pictures, EncoderFitConfig(classes=2, per_class=5), np.random.default_rng(0))
    )
    assert len(drawn) == 3
    for indices in drawn:
        assert set(indices) <= set(pictures.train)
        assert sorted(np.bincount(pictures.labels[indices], minlength=3)) == [0, 5, 5]


def test_a_folder_of_sounds_takes_every_kind_of_recording(tmp_path: Path) -> None:
    kinds = [".wav", ".opus", ".aac", ".webm", ".FLV", ".txt", ".png"]
    for name in "ab":
        (tmp_path / name).mkdir()
        for suffix in kinds:
            (tmp_path / name / f"x{suffix}").touch()
    result = of_folder(picture_source("audio"), tmp_path)
    assert {Path(i).suffix for i in result.ids} == set(kinds[:5])
    assert [result.ids[k].partition("/")[0] for k in result.valid] == ["a", "b"]
    assert not set(result.valid) & set(result.train)


def test_nearest_is_by_direction() -> None:
    gallery = np.array([[1, 0], [0, 1]], np.float32)
    asked = np.array([[9, 1], [1, 9], [0.2, 0.1]], np.float32)
    known, wanted = np.array([0, 1]), np.array([0, 1, 1])
    assert nearest(gallery, known, asked, wanted).tolist() == [True, True, False]


def test_from_encoder_to_embedding_at_a_terminal(
    corpus: Manifest, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, run = str(corpus.path), str(tmp_path / "audio")
    small = [f"encoder.{key}={value}" for key, value in TINY["encoder"].items()]
    sets = [part for pair in [*small, "train.epochs=1"] for part in ("--set", pair)]
    arguments = ["fit-encoder", "audio", manifest, "--store", str(store), "--run", run, *sets]
    assert command(arguments) == 0
    assert "nearest neighbour" in capsys.readouterr().out
    embedding = ["extract", manifest, "-f", "mel_embedding", "--store", str(store)]
    assert command([*embedding, "--set", f"mel_embedding.encoder={tmp_path}"]) == 2
    assert "no trained encoder" in capsys.readouterr().err
    assert command([*embedding, "--set", f"mel_embedding.encoder={run}"]) == 0
    # Trained anew, it is another feature.
    assert command([*arguments, "--overwrite", "--set", "train.seed=4"]) == 0
    assert command([*embedding, "--set", f"mel_embedding.encoder={run}"]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_the_weighted_face_model() -> None:
    from emocli.features.face_embedding import weighted

    vectors = np.array([[1.0, 0.0], [0.0, 4.0], [0.5, 0.5]], np.float32)
    areas, frames = np.array([30.0, 10.0, 7.0]), np.array([0, 0, 3])
    assert weighted(vectors, areas, frames, "sum").tolist() == [0.75, 1.0]
    assert weighted(vectors, areas, frames, "max").tolist() == pytest.approx([1.0, 4 / 3])


@pytest.mark.parametrize(
    ("place", "wanted"),
    [("center", [3, 4, 5]), ("start", [0, 1, 2]), ("uniform", [1, 4, 7])],
)
def test_frames_are_chosen(place: Any, wanted: list[int], encoders: Mapping[str, Path]) -> None:
    from emocli.features._embedding import FramesConfig

    config = FramesConfig(encoder=encoders["face"], frames=3, place=place)
    assert config.chosen(9).tolist() == wanted
    assert config.chosen(2).tolist() == [0, 1]
    assert len(config.digest) == 2 * 64
