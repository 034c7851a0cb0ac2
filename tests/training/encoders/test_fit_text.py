"""Fine-tuning text encoders on a dialogue corpus: interrupted, repeated, cross-fitted, misused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.cli.app import run as command
from emocli.config import merge
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.store import open_feature
from emocli.errors import ConfigError, EmocliError, RunError
from emocli.models import encoder_run, text
from emocli.models.rundir import read_history
from emocli.models.text import TextConfig, read_run
from emocli.training.encoders.fit_text import TextSummary, fit_text, resolve
from emocli.training.encoders.text_task import TextTask
from tests.interrupt import interrupted

TINY: dict[str, Any] = {
    "text": {
        "backbone": "scratch",
        "layers": 1,
        "width": 16,
        "heads": 2,
        "vocabulary": 300,
        "tokens": 48,
    },
    "train": {"epochs": 2, "lr": 3e-3, "accelerator": "cpu", "batch_size": 4},
}
WORDS = {"joy": "what a glad and happy day", "anger": "leave me alone you awful man"}


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Eight dialogues of four turns whose words show the class, plainly."""
    folder = tmp_path_factory.mktemp("talk")
    rng = np.random.default_rng(0)
    clips = []
    for d in range(8):
        split: Any = "train" if d < 6 else ("valid", "test")[d - 6]
        for turn in range(4):
            label = ("joy", "anger")[int(rng.integers(2))] if turn > 1 else ("joy", "anger")[turn]
            words = rng.permutation(WORDS[label].split())
            said = {"text": " ".join(words), "label": label}
            clips.append(
                Clip(f"d{d}t{turn}", split, f"S{d}{turn % 2}", f"d{d}", turn, **said)  # type: ignore[arg-type]
            )
    manifest = Manifest(tuple(clips), tuple(WORDS), "single", "talk", folder)
    manifest.write(folder / "talk.csv")
    return Manifest.read(folder / "talk.csv")


def fit(manifest: Manifest, run: Path, **options: Any) -> TextSummary:
    settings = merge(TINY, options.pop("settings", {}))
    return fit_text(manifest, run, settings=settings, **options)


def test_it_learns(talk: Manifest, tmp_path: Path) -> None:
    summary = fit(talk, tmp_path / "run", settings={"train": {"epochs": 40, "patience": 40}})
    assert summary.metrics["weighted_f1"] == 1
    assert (summary.train, summary.valid) == (24, 4)
    losses = [row["train_loss"] for row in read_history(tmp_path / "run")]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    "settings",
    [
        {"text": {"context": "none"}},
        {"text": {"context": "window"}},
        {"text": {"names": False}},
        {"text": {"pool": "mean"}},
        {"train": {"accumulate": 3}},
        {"train": {"warmup": 0.0}},
        {"train": {"precision": "bf16-mixed"}},
        {"train": {"class_weights": "balanced"}},
        {"train": {"seed": 1}},
    ],
    ids=str,
)
def test_every_setting_is_wired(talk: Manifest, tmp_path: Path, settings: dict[str, Any]) -> None:
    fit(talk, tmp_path / "plain")
    fit(talk, tmp_path / "other", settings=settings)
    plain, other = (read_history(tmp_path / name)[-1] for name in ("plain", "other"))
    assert plain["train_loss"] != other["train_loss"]


def test_killed_and_repeated_it_ends_with_the_same_encoder(
    talk: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"train": {"epochs": 4, "crossfit": 3}}
    fit(talk, tmp_path / "whole", settings=settings)
    stop = interrupted(monkeypatch, TextTask, "epoch", 7)  # in the middle of the second encoder
    with stop, pytest.raises(KeyboardInterrupt):
        fit(talk, tmp_path / "parts", settings=settings)
    assert fit(talk, tmp_path / "parts", settings=settings).state == "resumed"
    for name in (".", "part-0", "part-1", "part-2"):
        models = [
            (tmp_path / n / name / "model.safetensors").read_bytes() for n in ("whole", "parts")
        ]
        assert models[0] == models[1]
    assert fit(talk, tmp_path / "parts", settings=settings).state == "already trained"


def test_cross_fitted_features_come_from_the_part_that_has_not_seen_the_clip(
    talk: Manifest, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    fit(talk, run, settings={"train": {"crossfit": 3}})
    unseen = [set(read_run(run / f"part-{k}").unseen) for k in range(3)]
    train = {clip.id for clip in talk.split("train")}
    assert set().union(*unseen) == train
    assert sum(map(len, unseen)) == len(train)
    tokenizers = [(run / n / "backbone" / "tokenizer.json").read_text() for n in (".", "part-2")]
    assert tokenizers[0] == tokenizers[1]  # the same tokens mean the same to all
    for ids in unseen:  # whole dialogues
        assert {i for i in train if i[:2] in {j[:2] for j in ids}} == ids
    store = str(tmp_path / "store")
    arguments = ["extract", str(talk.path), "-f", "roberta", "--store", store]
    assert command([*arguments, "--set", f"roberta.encoder={run}"]) == 0
    crossed = open_feature(tmp_path / "store", "roberta", talk)
    for k in range(3):
        (run / f"part-{k}" / "model.safetensors").unlink()
        (run / f"part-{k}" / "config.json").unlink()
        (run / f"part-{k}").rename(tmp_path / f"away-{k}")
    plain = str(tmp_path / "plain")
    arguments = ["extract", str(talk.path), "-f", "roberta", "--store", plain]
    assert command([*arguments, "--set", f"roberta.encoder={run}"]) == 0
    whole = open_feature(tmp_path / "plain", "roberta", talk)
    for clip in talk.clips:
        same = np.array_equal(crossed[clip.id], whole[clip.id])
        assert same == (clip.split != "train")


def test_what_is_trained_is_described_without_reading_it(
    talk: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = fit(talk, tmp_path / "run")
    monkeypatch.setattr(encoder_run, "read_parameters", None)
    again = fit(talk, tmp_path / "run")
    monkeypatch.undo()
    assert again.state == "already trained"
    network, _, _ = text.load(tmp_path / "run")
    assert again.parameters == done.parameters == sum(p.numel() for p in network.parameters())


def test_the_test_split_is_not_read(talk: Manifest, tmp_path: Path) -> None:
    fit(talk, tmp_path / "a")
    other = tuple(replace(c, text="?", label="joy") if c.split == "test" else c for c in talk.clips)
    fit(replace(talk, clips=other), tmp_path / "b")
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in "ab"]
    assert models[0] == models[1]


def test_unlabelled_clips_are_context(talk: Manifest, tmp_path: Path) -> None:
    bare = tuple(replace(c, label=None) if c.id == "d0t1" else c for c in talk.clips)
    summary = fit(replace(talk, clips=bare), tmp_path / "a")
    assert summary.train == 23
    assert summary.tokens == fit(talk, tmp_path / "b").tokens


def test_other_settings_need_another_folder_or_overwrite(talk: Manifest, tmp_path: Path) -> None:
    fit(talk, tmp_path / "run")
    with pytest.raises(RunError, match="other settings or texts"):
        fit(talk, tmp_path / "run", settings={"train": {"epochs": 1}})
    again = fit(talk, tmp_path / "run", settings={"train": {"epochs": 1}}, overwrite=True)
    assert (again.state, again.epochs) == ("trained", (1,))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    with pytest.raises(RunError, match="not a text encoder"):
        fit(talk, tmp_path / "full")


def test_what_cannot_be_learned_is_refused(talk: Manifest, tmp_path: Path) -> None:
    silent = tuple(replace(clip, text="") for clip in talk.clips)
    cases: list[tuple[str, Manifest, dict[str, Any]]] = [
        ("no labelled clip with a text", replace(talk, clips=silent), {}),
        ("no class per clip", replace(talk, task="multi"), {}),
        ("unknown setting 'network'", talk, {"network": {}}),
        (r"unknown setting 'text\.model'", talk, {"text": {"model": "x"}}),
        (r"train\.crossfit: .* too few dialogues for 9 parts", talk, {"train": {"crossfit": 9}}),
        (r"train\.crossfit: 1 is too few parts .* at least 3", talk, {"train": {"crossfit": 1}}),
        (r"train\.crossfit: 2 is too few parts .* at least 3", talk, {"train": {"crossfit": 2}}),
        ("needs a GPU", talk, {"train": {"precision": "16-mixed"}}),
    ]
    for match, manifest, settings in cases:
        with pytest.raises(EmocliError, match=match):
            fit(manifest, tmp_path / "run", settings=settings)


def test_published_and_fine_tuned_at_a_terminal(
    talk: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, store = tmp_path / "run", tmp_path / "store"
    sets = [
        part
        for section, values in TINY.items()
        for key, value in values.items()
        for part in ("--set", f"{section}.{key}={value}")
    ]
    assert command(["fit-text", str(talk.path), "--run", str(run), *sets]) == 0
    assert "weighted_f1" in capsys.readouterr().out
    extract = ["extract", str(talk.path), "-f", "roberta", "--store", str(store)]
    fine = [*extract, "--set", f"roberta.encoder={run}"]
    assert command([*fine, "--set", "roberta.pool=mean"]) == 2
    assert "reads what it was trained on" in capsys.readouterr().err
    assert command([*extract, "--set", f"roberta.encoder={tmp_path / 'none'}"]) == 2
    assert "error: " in capsys.readouterr().err
    assert command([*extract, "--set", "roberta.encoder=scratch"]) == 2
    assert "has learned nothing" in capsys.readouterr().err
    # As a published encoder is laid out: the parameters beside shape and tokenizer.
    from emocli.models.text import load

    network, reader, _ = load(run)
    network.backbone.save_pretrained(tmp_path / "published")
    reader.tokenizer.save_pretrained(tmp_path / "published")
    frozen = [*extract, "--set", f"roberta.encoder={tmp_path / 'published'}"]
    assert command([*frozen, "--set", "roberta.tokens=48"]) == 0
    assert len(open_feature(store, "roberta", talk)["d0t0"]) == 1


@pytest.mark.parametrize(
    "shape",
    [
        {"pad_token_id": {}},
        {"hidden_size": "wide"},
        {"num_attention_heads": 0},
        {"model_type": []},
        {"vocab_size": 10**10},
        {"num_hidden_layers": 10**9},
        {"max_position_embeddings": 10**10},
    ],
)
def test_a_backbone_that_is_none_is_one_line(
    shape: dict[str, Any], text_encoder: Path, tmp_path: Path
) -> None:
    shutil.copytree(text_encoder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "backbone" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | shape))
    with pytest.raises(RunError, match="restore it"):
        text.load(tmp_path)


def test_presets_differ_in_what_is_read_and_in_the_parts() -> None:
    literal, paper, plus = (resolve(name, {}) for name in ("literal", "paper", "plus"))
    assert (literal[0].context, literal[0].past, literal[0].future) == ("window", 1, 1)
    assert (paper[0], paper[1].crossfit) == (TextConfig(), 0)
    assert (plus[0], plus[1].crossfit) == (TextConfig(), 5)
    own, _ = resolve("literal", {"text": {"context": "none"}})
    assert own.context == "none"
    with pytest.raises(ConfigError, match="no preset 'best'"):
        resolve("best", {})
