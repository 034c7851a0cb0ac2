from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli import config
from emocli.cli.app import run
from emocli.data.manifest import Manifest
from emocli.datasets import mosei
from emocli.errors import ManifestError
from tests.datasets.sdk_files import folds, labels, words

#           sentiment, happy, sad, anger, surprise, disgust, fear
JOLLY = [1.0, 2.0, 0, 0, 1 / 3, 0, 0]
BLANK = [0.0, 0, 0, 0, 0, 0, 0]
CROSS = [-2.0, 0, 0.05, 3 + 1 / 3, 0, 1.0, 0]


def build(root: Path, **settings: Any) -> Manifest:
    return mosei.build(root, config.build(mosei.Config, settings, "mosei"))


def written(root: Path) -> Path:
    """The corpus in its published layout, as far as it is read."""
    labels(
        root / "labels" / "CMU_MOSEI_Labels.csd",
        {
            "aaa": [(4.0, 6.0, CROSS), (0.5, 4.0, JOLLY)],  # the SDK does not order them
            "bbb": [(-1.0, 2.0, BLANK)],
            "ccc_x": [(3.0, 3.0, JOLLY)],
            "out": [(0, 1, JOLLY), (1, 2, JOLLY)],
        },
    )
    folds(root / "sdk" / "cmu_mosei_std_folds.py", ["aaa"], ["bbb"], ["ccc_x", "nobody"])
    return root


def test_intensities(corpus: Path) -> None:
    manifest = build(corpus)
    assert manifest.task == "intensity"
    assert manifest.classes == ("happy", "sad", "anger", "surprise", "disgust", "fear")
    assert [(c.id, c.split, c.start, c.end) for c in manifest.clips] == [
        ("aaa[0]", "train", 4.0, 6.0),
        ("aaa[1]", "train", 0.5, 4.0),
        ("bbb[0]", "valid", 0.0, 2.0),
        ("ccc_x[0]", "test", 3.0, 3.001),
    ]
    assert [c.dialogue for c in manifest.clips] == ["aaa", "aaa", "bbb", "ccc_x"]
    result = manifest.targets(manifest.clips)
    assert np.allclose(result[1], JOLLY[1:])
    assert np.allclose(result[0], [0, 0.05, 3, 0, 1, 0])  # what is higher than 3 is lowered
    assert not result[2].any()
    assert manifest.notes == (
        "2 segments left out: their video is in no fold",
        "1 segment has no length in the labels: they have no rows in the features",
        "1 intensity above 3 was lowered",
        "1 emotion is between 0 and 0.1: present, but below Beard's threshold",
    )
    assert not (corpus / "sdk" / "mark").exists()


def test_turns_follow_the_times(tmp_path: Path) -> None:
    spans = [(3.373696, 9.023129), (44.11111, 54.76916), (8.023129, 14.720181), (0.0, 4.373696)]
    same = [(5.0, 9.0), (5.0, 6.0), (5.0, 6.0)]
    videos = {"v": spans, "w": same}
    labels(tmp_path / "Labels.csd", {v: [(*s, JOLLY) for s in told] for v, told in videos.items()})
    clips = build(tmp_path).clips
    assert [(c.id, c.turn) for c in clips if c.dialogue == "v"] == [
        ("v[0]", 1), ("v[1]", 3), ("v[2]", 2), ("v[3]", 0),
    ]  # fmt: skip
    assert [c.turn for c in clips if c.dialogue == "w"] == [2, 0, 1]


def test_turns_of_pickles_follow_times_numbers_or_the_file(tmp_path: Path) -> None:
    def turns(ids: Any) -> tuple[dict[str, int], bool]:
        scores = np.ones((len(ids), 1, 1))
        content = {"train": {"id": ids, "labels": scores}}
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(content))
        manifest = build(tmp_path, task="sentiment")
        told = any("turns follow the file" in note for note in manifest.notes)
        return {clip.id: clip.turn for clip in manifest.clips}, told

    timed = [["v", "44.1", "54.7"], ["v", "8.0", "14.7"], ["v", "9.5", "10"]]
    assert turns(np.array(timed)) == ({"v[44.1]": 2, "v[8.0]": 0, "v[9.5]": 1}, False)
    whole = [["v", "44", "54"], ["v", "8.0", "14.7"], ["v", "0", "3"], ["w", "7", "9"]]
    assert turns(whole) == ({"v[44]": 2, "v[8.0]": 1, "v[0]": 0, "w[7]": 0}, False)
    assert turns(["v$_$10", "v$_$9"]) == ({"v[10]": 10, "v[9]": 9}, False)
    assert turns([["v", "x", ""], ["v", "y", ""]]) == ({"v[x]": 0, "v[y]": 1}, True)


def test_several_emotions(corpus: Path) -> None:
    manifest = build(corpus, task="multi")
    assert manifest.task == "multi"
    assert manifest.targets(manifest.clips).tolist() == [
        [0, 1, 1, 0, 1, 0],
        [1, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [1, 0, 0, 1, 0, 0],
    ]


def test_sentiment(corpus: Path) -> None:
    def signs(**settings: Any) -> list[str | None]:
        return [clip.label for clip in build(corpus, task="sentiment", **settings).clips]

    assert signs() == ["negative", "positive", "positive", "positive"]
    assert signs(zeros="negative") == ["negative", "positive", "negative", "positive"]
    assert signs(zeros="none") == ["negative", "positive", None, "positive"]
    manifest = build(corpus, task="sentiment_intensity")
    assert manifest.classes == ("sentiment",)
    assert manifest.targets(manifest.clips)[:, 0].tolist() == [-2, 1, 0, 1]


def test_texts_are_the_words_of_a_segment(corpus: Path) -> None:
    said = [(0.6, 1.0, "what"), (1.0, 1.4, "sp"), (3.8, 4.1, "fun"), (3.9, 4.5, "oh"), (7, 8, "x")]
    words(corpus / "CMU_MOSEI_TimestampedWords.csd", {"aaa": said})
    manifest = build(corpus)
    assert manifest.clip("aaa[1]").text == "what fun"
    assert manifest.clip("aaa[0]").text == "oh"
    assert manifest.clip("bbb[0]").text == ""


def test_recordings_are_found_by_video(corpus: Path) -> None:
    (corpus / "raw").mkdir()
    for name in ("aaa.mp4", "aaa.wav", "bbb.mp4", "zzz.mp4"):
        (corpus / "raw" / name).touch()
    manifest = build(corpus)
    raw = corpus / "raw"
    assert manifest.clip("aaa[0]").media == {"audio": raw / "aaa.wav", "video": raw / "aaa.mp4"}
    assert manifest.clip("bbb[0]").media == {"audio": raw / "bbb.mp4", "video": raw / "bbb.mp4"}
    assert manifest.clip("ccc_x[0]").media == {}


def test_folds_of_an_installed_sdk(
    corpus: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path_factory.mktemp("site")
    (corpus / "sdk" / "cmu_mosei_std_folds.py").rename(corpus / "mine.py")
    assert any("no file of standard folds" in note for note in build(corpus).notes)
    inside = site / "mmsdk" / "mmdatasdk" / "dataset" / "standard_datasets" / "CMU_MOSEI"
    folds(inside / "cmu_mosei_std_folds.py", ["bbb"], ["aaa"], ["out"])
    (site / "mmsdk" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(site))
    assert {c.dialogue: c.split for c in build(corpus).clips} == {
        "aaa": "valid",
        "bbb": "train",
        "out": "test",
    }
    named = build(corpus, folds="mine.py")
    assert {c.dialogue: c.split for c in named.clips}["aaa"] == "train"


def test_videos_are_drawn_without_folds(tmp_path: Path) -> None:
    videos = {f"v{k}": [(0, 1, JOLLY), (1, 2, CROSS)] for k in range(30)}
    labels(tmp_path / "Labels.csd", videos)
    manifest = build(tmp_path)
    assert [len(manifest.split(split)) for split in ("train", "valid", "test")] == [42, 6, 12]
    assert manifest.notes[0].startswith(
        "60 clips are split by video, 70/10/20 as Mittal et al. 2020"
    )
    assert not manifest.overlap
    assert build(tmp_path) == manifest
    other = build(tmp_path, seed=1)
    assert [clip.split for clip in other.clips] != [clip.split for clip in manifest.clips]


def test_the_drawn_split_is_told_and_stands_in_the_sidecar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels(tmp_path / "Labels.csd", {f"v{k}": [(0, 1, JOLLY), (1, 2, CROSS)] for k in range(10)})
    path = tmp_path / "mosei.csv"
    assert run(["manifest", "mosei", str(tmp_path), "-o", str(path)]) == 0
    source = "split by video, 70/10/20 as Mittal et al. 2020, seed 0: no file of standard folds"
    assert source in capsys.readouterr().err
    assert f'splits = "{source} is there"' in path.with_suffix(".toml").read_text()
    assert Manifest.read(path).splits.startswith(source)
    assert run(["inspect", str(path)]) == 0
    assert "70/10/20" in capsys.readouterr().out
    folds(tmp_path / "cmu_mosei_std_folds.py", *(([f"v{k}"]) for k in range(3)))
    assert run(["manifest", "mosei", str(tmp_path), "-o", str(path)]) == 0
    assert "splits" not in path.with_suffix(".toml").read_text()


def test_pickles(tmp_path: Path) -> None:
    def part(ids: list[str], scores: Any) -> dict[str, Any]:
        return {"id": ids, "raw_text": np.array(ids), "regression_labels": np.array(scores)}

    content = {
        "train": part(["v$_$3", "v$_$1"], [1.5, -1]),
        "valid": part(["w$_$0"], [0.0]),
        "test": part([], np.zeros(0)),
    }
    (tmp_path / "aligned_50.pkl").write_bytes(pickle.dumps(content))
    manifest = build(tmp_path, task="sentiment")
    assert [(c.id, c.split, c.turn, c.text, c.label) for c in manifest.clips] == [
        ("v[1]", "train", 1, "v$_$1", "negative"),
        ("v[3]", "train", 3, "v$_$3", "positive"),
        ("w[0]", "valid", 0, "w$_$0", "positive"),
    ]
    with pytest.raises(ManifestError, match=r"no scores of happy, sad.*another mosei\.task"):
        build(tmp_path)
    content["train"]["regression_labels"] = np.array([JOLLY, CROSS])
    content["valid"]["regression_labels"] = np.array([BLANK])
    (tmp_path / "aligned_50.pkl").write_bytes(pickle.dumps(content))
    assert build(tmp_path).clip("v[3]").labels["happy"] == 2
    del content["valid"]["regression_labels"]
    (tmp_path / "aligned_50.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(ManifestError, match="split 'valid': has no regression_labels"):
        build(tmp_path)


def test_what_is_wrong_is_named(tmp_path: Path, corpus: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError, match="holds no labels of CMU-MOSEI"):
        build(tmp_path / "empty")
    labels(corpus / "other_labels.csd", {"aaa": [(0, 1, [1, 2])]})
    with pytest.raises(ManifestError, match=r"several files of labels.*--set mosei\.labels=FILE"):
        build(corpus)
    with pytest.raises(ManifestError, match="entry 'aaa': has 2 labels per segment"):
        build(corpus, labels="other_labels.csd")
    assert build(corpus, labels="labels/CMU_MOSEI_Labels.csd")
    for text in ("standard_train_fold = [", "standard_train_fold = open('x')", "x = 1"):
        (corpus / "bad.py").write_text(text)
        with pytest.raises(ManifestError, match="is no file of standard folds"):
            build(corpus, folds="bad.py", labels="labels/CMU_MOSEI_Labels.csd")
    with pytest.raises(ManifestError, match="there is no such file"):
        build(corpus, folds="none.py", labels="labels/CMU_MOSEI_Labels.csd")


def test_it_is_written_and_read(corpus: Path) -> None:
    for task in ("intensity", "multi", "sentiment", "sentiment_intensity"):
        manifest = build(corpus, task=task)
        manifest.write(corpus / f"{task}.csv")
        assert Manifest.read(corpus / f"{task}.csv") == manifest


def test_a_video_without_emotions_is_refused_wherever_it_is(tmp_path: Path) -> None:
    videos = {"aaa": [(0.0, 1.0, JOLLY)], "bbb": [(0.0, 1.0, JOLLY[:1])]}
    labels(tmp_path / "CMU_MOSEI_Labels.csd", videos)
    with pytest.raises(ManifestError, match="has no scores of happy, sad, anger"):
        build(tmp_path)
    assert len(build(tmp_path, task="sentiment").clips) == 2
