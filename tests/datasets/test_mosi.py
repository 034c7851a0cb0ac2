from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emocli import config
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore
from emocli.datasets import mosi
from emocli.errors import ManifestError
from emocli.interchange.csd import Csd
from emocli.interchange.import_features import import_all
from tests.datasets.sdk_files import folds, labels


def build(root: Path, **settings: Any) -> Manifest:
    return mosi.build(root, config.build(mosi.Config, settings, "mosi"))


def written(root: Path) -> Path:
    """Three videos in the layout of the SDK, one in each split."""
    spans = [(0, 1, [-1.6]), (1, 3, [2.0])]
    labels(root / "CMU_MOSI_Opinion_Labels.csd", dict.fromkeys("uvw", spans))
    folds(root / "cmu_mosi_std_folds.py", ["u"], ["v"], ["w"])
    return root


def table(root: Path, *rows: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    text = "\n".join(["id,video,index,split,sentiment,text", *rows, ""])
    (root / "labels.csv").write_text(text)
    return root


def test_clips_count_from_one(tmp_path: Path) -> None:
    labels(tmp_path / "CMU_MOSI_Opinion_Labels.csd", {"v": [(0, 1, [-1.6]), (1, 3, [0.0])]})
    folds(tmp_path / "cmu_mosi_std_folds.py", ["v"], [], [])
    manifest = build(tmp_path)
    assert [(c.id, c.turn, c.label) for c in manifest.clips] == [
        ("v[1]", 1, "negative"),
        ("v[2]", 2, "positive"),
    ]
    assert [clip.id for clip in build(tmp_path, first=0).clips] == ["v[0]", "v[1]"]
    assert build(tmp_path, task="sentiment_intensity").clips[0].labels == {"sentiment": -1.6}
    assert "1 clip has no label: their sentiment is 0" in build(tmp_path, zeros="none").notes


def test_a_table_alone(tmp_path: Path) -> None:
    table(tmp_path, "v[2],v,2,train,1.5,good", "v[1],v,1,train,-0.2,bad", "w[1],w,1,valid,0,so so")
    manifest = build(tmp_path)
    assert [(c.id, c.split, c.text, c.label) for c in manifest.clips] == [
        ("v[1]", "train", "bad", "negative"),
        ("v[2]", "train", "good", "positive"),
        ("w[1]", "valid", "so so", "positive"),
    ]
    (tmp_path / "labels.csv").write_text("id,sentiment,start,end\nv[7],1,2.5,4\n")
    (clip,) = build(tmp_path).clips
    assert (clip.dialogue, clip.turn, clip.start, clip.end) == ("v", 7, 2.5, 4)


def test_a_table_beside_the_labels_of_the_sdk(tmp_path: Path) -> None:
    table(tmp_path, "v[1],v,1,train,-0.2,bad", "w[1],w,1,valid,0,so so")
    labels(tmp_path / "Labels.csd", {v: [(0, 1, [-0.2]), (1, 2, [1])] for v in ("v", "w", "x")})
    manifest = build(tmp_path)
    assert [(c.id, c.split, c.text, c.start) for c in manifest.clips] == [
        ("v[1]", "train", "bad", 0),
        ("v[2]", "train", "", 1),
        ("w[1]", "valid", "so so", 0),
        ("w[2]", "valid", "", 1),
    ]
    assert manifest.notes == ("2 segments left out: their video is in no fold",)


def test_a_table_in_any_case_with_a_dev_split(tmp_path: Path) -> None:
    lines = ["ID,Video,Index,Split,Sentiment,Text", "v[1],v,1,Dev,1,x", "w[1],w,1,TRAIN,1,y"]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    assert [clip.split for clip in build(tmp_path).clips] == ["valid", "train"]


def test_doubled_ids_are_named_with_both_rows(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"row 4: id 'v\[1\]' is already that of row 2"):
        build(table(tmp_path, "v[1],v,1,train,1,x", "v[2],v,2,train,1,x", "v[1],v,1,train,1,x"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("v[1],v,1,train,high,x", "row 2: column 'sentiment': 'high' is not a number"),
        ("v[1],v,one,train,1,x", "row 2: 'one' is not a number"),
        ("v[1],v,1,eval,1,x", "row 2: there is no split 'eval'; splits are: train, .*dev"),
        ("v[1],v,1,train,nan,x", "row 2: column 'sentiment': 'nan' is not a finite number"),
    ],
)
def test_broken_tables(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        build(table(tmp_path, row))


def test_a_table_without_ids_or_scores(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("name,sentiment\na,1\n")
    with pytest.raises(ManifestError, match="has no column 'id'"):
        build(tmp_path)
    (tmp_path / "labels.csv").write_text("id,score\na,1\n")
    with pytest.raises(ManifestError, match="has no scores of sentiment"):
        build(tmp_path)
    (tmp_path / "labels.csv").write_text("id,sentiment\n")
    with pytest.raises(ManifestError, match="has no segment"):
        build(tmp_path)


def test_real_files(shared_data: Path, tmp_path: Path) -> None:
    manifest = build(shared_data / "mosi")
    assert Counter(clip.split for clip in manifest.clips) == {"train": 1228, "valid": 219}
    assert len({clip.dialogue for clip in manifest.clips}) == 62
    assert all(clip.text for clip in manifest.clips)
    assert sum(not c.labels["sentiment"] for c in _intensities(shared_data).clips) == 65
    files = [shared_data / "mosi" / f"{name}.npz" for name in ("text", "audio", "visual")]
    for result in import_all(files, manifest, tmp_path):
        assert (result.clips, result.missing, result.unknown) == (1447, 0, 0)
    # The scores in the SDK's file are those of the table, clip by clip, and so are the words.
    csv = build(shared_data / "mosi", labels="labels.csv", task="sentiment_intensity")
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in ("CMU_MOSI_Opinion_Labels.csd", "CMU_MOSI_ModifiedTimestampedWords.csd"):
        (alone / name).symlink_to(shared_data / "mosi" / name)
    sdk = build(alone, task="sentiment_intensity")
    assert len(sdk.clips) == 2199
    shared = []
    for clip in csv.clips:
        other = sdk.clip(clip.id)
        assert other.labels["sentiment"] == pytest.approx(clip.labels["sentiment"], abs=1e-4)
        mine, its = (set(c.text.lower().split()) for c in (clip, other))
        shared.append(len(mine & its) / len(mine | its))
    assert sum(shared) / len(shared) > 0.8  # a last word is often timed into the next segment


def _intensities(shared_data: Path) -> Manifest:
    return build(shared_data / "mosi", task="sentiment_intensity")


def test_real_labels_as_a_feature_and_per_word(shared_data: Path, tmp_path: Path) -> None:
    manifest, folder = _intensities(shared_data), shared_data / "mosi"
    source, words = (
        folder / f"CMU_MOSI_{name}.csd" for name in ("Opinion_Labels", "ModifiedTimestampedWords")
    )
    (plain,) = import_all([source], manifest, tmp_path, name="plain", modality="labels")
    (aligned,) = import_all(
        [source], manifest, tmp_path, name="aligned", modality="labels", align_to=words
    )
    assert (plain.clips, plain.unknown, plain.missing) == (1447, 31, 0)
    with FeatureStore.open(plain.path) as one, FeatureStore.open(aligned.path) as many:
        with Csd(words) as file:
            said = sum(len(file.words(video)) for video in {c.dialogue for c in manifest.clips})
        assert 0.6 * said < many.steps == aligned.words <= said  # some is said between segments
        for clip in manifest.clips[::50]:
            assert one[clip.id].tolist() == [[pytest.approx(clip.labels["sentiment"])]]
            assert many[clip.id] == pytest.approx(clip.labels["sentiment"], abs=1e-6)
