from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli import config
from emocli.data.manifest import Manifest
from emocli.datasets import meld
from emocli.errors import ManifestError
from emocli.interchange.npz import read_ragged
from tests.datasets.empty_files import add

HEADER = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,"
    "StartTime,EndTime"
)


def build(root: Path, **settings: Any) -> Manifest:
    return meld.build(root, config.build(meld.Config, settings, "meld"))


def row(dialogue: int, utterance: int, **given: str) -> str:
    cell = {
        "text": f"said {utterance}",
        "speaker": "Ann",
        "emotion": "neutral",
        "sentiment": "neutral",
        "start": "00:16:16,059",
        "end": "00:16:21,731",
        **given,
    }
    text = cell["text"].replace('"', '""')
    return (
        f'7,"{text}",{cell["speaker"]},{cell["emotion"]},{cell["sentiment"]},{dialogue},'
        f'{utterance},8,21,"{cell["start"]}","{cell["end"]}"'
    )


def table(root: Path, name: str, *rows: str, encoding: str = "utf-8") -> Path:
    root.mkdir(exist_ok=True, parents=True)
    path = root / f"{name}_sent_emo.csv"
    path.write_bytes("\n".join([HEADER, *rows, ""]).encode(encoding))
    return path


def written(root: Path) -> Path:
    """The corpus in its published layout, as far as it is read."""
    table(
        root,
        "train",
        row(0, 3, speaker=" Bob ", emotion="joy", sentiment="positive"),
        row(0, 0, emotion="anger", sentiment="negative", text='No, "never"'),
        row(0, 4, emotion="fear", sentiment="negative"),
        row(125, 3),
        row(125, 4, emotion="disgust"),
    )
    table(root, "dev", row(0, 0, emotion="sadness"), row(110, 7))
    table(root, "test", row(0, 0, emotion="surprise", start="0:0:1,5", end="0:00:3,250"))
    add(
        root,
        *(
            f"{folder}/{name}.mp4"
            for folder, names in (
                ("train/train_splits", "dia0_utt0 dia0_utt3 dia125_utt3 ._dia0_utt0 dia9_utt9"),
                ("dev/dev_splits_complete", "dia0_utt0"),
                ("test/output_repeated_splits_test", "dia0_utt0 final_videos_testdia0_utt0"),
            )
            for name in names.split()
        ),
    )
    return root


def test_utterances(corpus: Path) -> None:
    manifest = build(corpus)
    assert [(c.id, c.split, c.dialogue, c.turn) for c in manifest.clips] == [
        ("train_dia0_utt0", "train", "train_dia0", 0),
        ("train_dia0_utt3", "train", "train_dia0", 1),  # the rank, not the number
        ("train_dia0_utt4", "train", "train_dia0", 2),
        ("train_dia125_utt3", "train", "train_dia125", 0),
        ("train_dia125_utt4", "train", "train_dia125", 1),
        ("dev_dia0_utt0", "valid", "dev_dia0", 0),
        ("dev_dia110_utt7", "valid", "dev_dia110", 0),
        ("test_dia0_utt0", "test", "test_dia0", 0),
    ]
    assert manifest.classes == (
        "neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger",
    )  # fmt: skip
    first, second, *_ = manifest.clips
    assert (first.label, first.text, first.speaker) == ("anger", 'No, "never"', "Ann")
    assert (second.label, second.speaker) == ("joy", "Bob")
    assert manifest.overlap
    sentiments = build(corpus, label="sentiment")
    assert sentiments.classes == ("neutral", "positive", "negative")
    assert [c.label for c in sentiments.clips[:3]] == ["negative", "positive", "negative"]


def test_recordings(corpus: Path) -> None:
    manifest = build(corpus)
    video = corpus / "train" / "train_splits" / "dia0_utt3.mp4"
    assert manifest.clip("train_dia0_utt3").media == {"audio": video, "video": video}
    assert manifest.clip("train_dia0_utt4").media == {}  # absent, but the row stays
    assert manifest.clip("train_dia125_utt3").media == {}  # cannot be decoded
    # A clip starts with its file and ends half a second after the table says, at the latest.
    assert (manifest.clip("train_dia0_utt3").start, manifest.clip("train_dia0_utt3").end) == (
        None,
        6.172,
    )
    assert manifest.clip("test_dia0_utt0").end == 2.25
    assert manifest.clip("train_dia0_utt4").end is None
    assert manifest.notes == (
        "4 clips have no recording",
        "1 recording left out: they cannot be decoded",
        "1 recording left out: they are in no table",
        "1 file left out: final_videos_*, of which there are plain ones",
        "1 file left out: AppleDouble (._*)",
    )
    assert "video" in build(corpus, exclude=[]).clip("train_dia125_utt3").media


def test_final_videos_may_be_preferred(corpus: Path) -> None:
    folder = corpus / "test" / "output_repeated_splits_test"
    add(folder, "dia0_utt0.wav")
    plain, final = folder / "dia0_utt0.mp4", folder / "final_videos_testdia0_utt0.mp4"
    media = build(corpus).clip("test_dia0_utt0").media
    assert media == {"audio": folder / "dia0_utt0.wav", "video": plain}
    media = build(corpus, final_videos="prefer").clip("test_dia0_utt0").media
    assert media == {"audio": final, "video": final}  # not the sound of the other cut


def test_some_tables_only(corpus: Path) -> None:
    manifest = build(corpus, tables=["dev"])
    assert [clip.id for clip in manifest.clips] == ["dev_dia0_utt0", "dev_dia110_utt7"]
    (corpus / "test_sent_emo.csv").unlink()
    assert build(corpus).notes[0] == "there is no test_sent_emo.csv: its clips are left out"


def test_dev_can_be_tested(corpus: Path) -> None:
    many = [row(dialogue, k) for dialogue in range(40) for k in range(3)]
    table(corpus, "train", *many)
    splits: dict[str, set[str]] = {}
    for clip in build(corpus, dev="test").clips:
        splits.setdefault(clip.dialogue, set()).add(clip.split)
    assert all(result == {"test"} for name, result in splits.items() if name[:5] != "train")
    train = [result for name, result in splits.items() if name[:5] == "train"]
    assert sorted(map(sorted, train)) == 36 * [["train"]] + 4 * [["valid"]]
    table(corpus, "train", *reversed(many))  # always the same ones
    again = build(corpus, dev="test", tables=["train", "dev"])
    assert all(splits[clip.dialogue] == {clip.split} for clip in again.clips)
    assert not again.notes[0].startswith("there is no")


QUOTED = "It’s “fine” — really…"


def test_times_against_the_order_of_numbers_are_told(tmp_path: Path) -> None:
    late, early = "00:16:16,059", "00:15:00,000"
    table(tmp_path, "train", row(0, 0, start=late), row(0, 1, start=early), row(1, 0), row(1, 1))
    manifest = build(tmp_path)
    assert [clip.turn for clip in manifest.clips] == [0, 1, 0, 1]
    said = "1 dialogue has times against the order of their numbers, which is kept"
    assert said in manifest.notes


@pytest.mark.parametrize("kind", ["utf-8", "cp1252", "control"])
def test_quotes_of_windows(tmp_path: Path, kind: str) -> None:
    if kind == "control":  # cp1252 that was read as Latin-1 and written as UTF-8
        line, encoding = row(0, 0, text=QUOTED.encode("cp1252").decode("latin-1")), "utf-8"
    else:
        line, encoding = row(0, 0, text=QUOTED), kind
    table(tmp_path, "train", line, encoding=encoding)
    assert build(tmp_path).clips[0].text == QUOTED


@pytest.mark.parametrize(
    ("start", "end"),
    [("", ""), ("00:00:05,000", "00:00:05,000"), ("0:00:09,0", "0:00:05,0"), ("x", "y")],
)
def test_times_that_make_no_sense_are_left_out(corpus: Path, start: str, end: str) -> None:
    table(corpus, "dev", row(0, 0, start=start, end=end))
    clip = build(corpus).clip("dev_dia0_utt0")
    assert clip.media
    assert clip.end is None


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"holds no table of MELD; train_sent_emo\.csv, dev_"):
        build(tmp_path)
    path = table(tmp_path, "train", row(0, 0), row(0, 1).replace(",1,8,", ",one,8,"))
    with pytest.raises(ManifestError, match=r"train_sent_emo\.csv, row 3: invalid literal"):
        build(tmp_path)
    path.write_text(path.read_text().replace("Dialogue_ID", "Dialog"))
    with pytest.raises(ManifestError, match="has no column 'Dialogue_ID'"):
        build(tmp_path)
    table(tmp_path, "train", row(0, 0, emotion="bored"))
    with pytest.raises(ManifestError, match="'bored' is not a class"):
        build(tmp_path)
    table(tmp_path, "train", row(0, 0), row(0, 0))
    with pytest.raises(ManifestError, match="'train_dia0_utt0' is already that of another"):
        build(tmp_path)


def test_it_is_written_and_read(corpus: Path) -> None:
    manifest = build(corpus)
    manifest.write(corpus / "meld.csv")
    assert Manifest.read(corpus / "meld.csv") == manifest


COUNTS = {
    "train": (9989, 1038, 24, 72, (4710, 1205, 268, 683, 1743, 271, 1109)),
    "dev": (1109, 114, 23, 2, (470, 150, 40, 111, 163, 22, 153)),
}


def test_real_tables(shared_data: Path) -> None:
    manifest = build(shared_data / "meld")
    for name, (utterances, dialogues, longest, gaps, labels) in COUNTS.items():
        clips = manifest.split(meld.SPLITS[name])
        assert len(clips) == utterances
        assert tuple(Counter(c.label for c in clips)[k] for k in manifest.classes) == labels
        groups: dict[str, list[Any]] = {}
        for clip in clips:
            groups.setdefault(clip.dialogue, []).append(clip)
        assert len(groups) == dialogues
        assert max(map(len, groups.values())) == longest
        assert all([c.turn for c in group] == list(range(len(group))) for group in groups.values())
        numbers = [[int(c.id.rpartition("utt")[2]) for c in group] for group in groups.values()]
        assert sum(row != list(range(len(row))) for row in numbers) == gaps
    assert not any(0x80 <= ord(mark) < 0xA0 for clip in manifest.clips for mark in clip.text)


def test_real_features_have_these_ids(shared_data: Path) -> None:
    known = {clip.id for clip in build(shared_data / "meld", tables=["dev"]).clips}
    paths = sorted((shared_data / "meld").glob("*.npz"))
    assert paths
    for path in paths:
        ids = set(read_ragged(path).ids)
        assert ids <= known
        assert len(known - ids) == (7 if path.stem == "dev_action_units" else 1)
        assert "dev_dia110_utt7" not in ids
        assert np.isfinite(read_ragged(path).values).all()
