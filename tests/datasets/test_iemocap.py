from __future__ import annotations

from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli import config
from emocli.cli.app import run
from emocli.data.manifest import Manifest
from emocli.datasets import iemocap
from emocli.errors import ConfigError, EmocliWarning, ManifestError
from tests.datasets.empty_files import add

Line = tuple[str, float, str]
"""Letter and number of an utterance, start, code."""


def build(root: Path, **settings: Any) -> Manifest:
    return iemocap.build(root, config.build(iemocap.Config, settings, "iemocap"))


def dialogue(root: Path, name: str, lines: list[Line], texts: bool = True) -> None:
    """Write what the release has of a dialogue."""
    session = root / f"Session{name[4]}"
    rated = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
    said = []
    for number, start, code in lines:
        utterance, end = f"{name}_{number}", start + 1.5
        rated += f"[{start:.4f} - {end:.4f}]\t{utterance}\t{code}\t[2.5000, 2.5000, 2.5000]\n"
        rated += "C-E2:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"
        said.append(f"{utterance} [{start:08.4f}-{end:08.4f}]: Said by {number}.\n")
    said.insert(0, "M: [BREATHING]\n")
    said.append(f"{name}_MXX0 [010.0000-011.0000]: [LAUGHTER]\n")
    for kind, text in (("EmoEvaluation", rated), ("transcriptions", "".join(said))):
        if kind == "transcriptions" and not texts:
            continue
        path = session / "dialog" / kind / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def written(root: Path) -> Path:
    """The corpus in its published layout, as far as it is read."""
    dialogue(
        root,
        "Ses01F_impro01",
        [("M000", 9.0, "neu"), ("F000", 6.5, "hap"), ("F001", 12.25, "xxx"), ("M001", 20, "exc")],
    )
    dialogue(root, "Ses02M_script01_1b", [("F000", 1, "ang"), ("M000", 3, "fru")])
    dialogue(root, "Ses05M_script03_2", [("F000", 1, "sad"), ("M013", 3, "oth")], texts=False)
    own = root / "Session1" / "dialog" / "EmoEvaluation" / "Categorical" / "Ses01F_impro01.txt"
    add(own.parent, own.name, "Ses01F_impro01_e2_cat.txt")
    return root


def test_utterances(corpus: Path) -> None:
    manifest = build(corpus)
    assert [(c.id, c.turn, c.speaker, c.label, c.fold) for c in manifest.clips] == [
        ("Ses01F_impro01_F000", 0, "Ses01F", "happy", 1),
        ("Ses01F_impro01_M000", 1, "Ses01M", "neutral", 1),
        ("Ses01F_impro01_F001", 2, "Ses01F", None, 1),
        ("Ses01F_impro01_M001", 3, "Ses01M", "excited", 1),
        ("Ses02M_script01_1b_F000", 0, "Ses02F", "angry", 2),
        ("Ses02M_script01_1b_M000", 1, "Ses02M", "frustrated", 2),
        ("Ses05M_script03_2_F000", 0, "Ses05F", "sad", 5),
        ("Ses05M_script03_2_M013", 1, "Ses05M", None, 5),
    ]
    first = manifest.clips[0]
    assert (first.dialogue, first.text) == ("Ses01F_impro01", "Said by F000.")
    assert first.groups == {"gender": "female", "session": "1"}
    assert manifest.classes == ("happy", "sad", "neutral", "angry", "excited", "frustrated")
    assert manifest.notes == (
        "2 clips have no label: theirs is not among the classes",
        "2 clips have no text",
    )


def test_four_classes(corpus: Path) -> None:
    def labels(**settings: Any) -> list[str | None]:
        return [clip.label for clip in build(corpus, **settings).clips]

    assert build(corpus, classes="four").classes == ("angry", "happy", "neutral", "sad")
    assert labels(classes="four") == [
        "happy", "neutral", None, "happy", "angry", None, "sad", None,
    ]  # fmt: skip
    assert build(corpus, classes="four_without_excited").classes == (
        "angry", "happy", "neutral", "sad",
    )  # fmt: skip
    assert labels(classes="four_without_excited")[3] is None


def test_texts_in_a_code_page_and_equal_starts(corpus: Path) -> None:
    dialog = corpus / "Session1" / "dialog"
    said = dialog / "transcriptions" / "Ses01F_impro01.txt"
    said.write_bytes("Ses01F_impro01_F000 [006.5-008.0]: It’s naïve…\r\n".encode("cp1252"))
    rated = dialog / "EmoEvaluation" / "Ses01F_impro01.txt"
    spans = [("M001", 1, 5), ("F001", 1, 3), ("F000", 1, 3)]
    lines = [f"[{a} - {b}]\tSes01F_impro01_{n}\tneu\t[1, 1, 1]" for n, a, b in spans]
    rated.write_text("\n".join([*lines, ""]), "utf-8-sig")
    with pytest.warns(EmocliWarning, match=r"Ses01F_impro01\.txt: byte 0x92 .row 1. is not UTF-8"):
        manifest = build(corpus)
    clips = [c for c in manifest.clips if c.dialogue == "Ses01F_impro01"]
    assert [c.id[-4:] for c in clips] == ["F001", "F000", "M001"]
    assert manifest.clip("Ses01F_impro01_F000").text == "It’s naïve…"


def test_recordings(corpus: Path) -> None:
    wavs = [
        f"Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_{k}.wav" for k in ("F000", "M000")
    ]
    add(corpus, *wavs)
    manifest = build(corpus)
    clip = manifest.clip("Ses01F_impro01_F000")
    assert clip.media == {"audio": corpus / wavs[0]}
    assert (clip.start, clip.end) == (None, None)  # the file is the utterance
    assert "6 clips have no recording" in manifest.notes
    avi = corpus / "Session1" / "dialog" / "avi" / "DivX" / "Ses01F_impro01.avi"
    add(avi.parent, avi.name)
    clip = build(corpus).clip("Ses01F_impro01_F000")
    assert clip.media == {"audio": avi, "video": avi}
    assert (clip.start, clip.end) == (6.5, 8.0)
    sound = corpus / "Session1" / "dialog" / "wav" / "Ses01F_impro01.wav"
    add(sound.parent, sound.name)
    assert build(corpus).clip("Ses01F_impro01_F000").media == {"audio": sound, "video": avi}


# -- the whole corpus, as far as its counts are known


COUNTS = {
    "train": {
        "xxx": 1587, "neu": 1167, "fru": 1149, "sad": 739, "ang": 711, "exc": 620, "hap": 392,
        "sur": 76, "fea": 23, "dis": 2, "oth": 2,
    },
    "valid": {
        "xxx": 400, "fru": 319, "ang": 222, "neu": 157, "exc": 122, "sad": 100, "hap": 60,
        "sur": 13, "fea": 7, "oth": 1,
    },
    "test": {
        "xxx": 520, "neu": 384, "fru": 381, "exc": 299, "sad": 245, "ang": 170, "hap": 143,
        "sur": 18, "fea": 10,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All 151 dialogues, of which the labels are known by split, not by dialogue."""
    root = tmp_path_factory.mktemp("iemocap")
    sizes = {1: 28, 2: 30, 3: 32, 4: 30, 5: 31}
    names = [f"Ses0{s}{'FM'[k % 2]}_impro{k // 2:02d}" for s in sizes for k in range(sizes[s])]
    ordered = sorted(name for name in names if name[4] != "5")
    parts = {
        "train": ordered[:-20],
        "valid": ordered[-20:],
        "test": [name for name in names if name[4] == "5"],
    }
    for split, dialogues in parts.items():
        codes = (code for code, count in COUNTS[split].items() for _ in range(count))
        lines: dict[str, list[Line]] = {name: [] for name in dialogues}
        for code, name in zip(codes, cycle(dialogues), strict=False):
            k = len(lines[name])
            lines[name].append((f"{'FM'[k % 2]}{k:03d}", 2.0 * k, code))
        for name, content in lines.items():
            dialogue(root, name, content)
    return root


def test_the_split_of_dialogxl(whole: Path) -> None:
    manifest = build(whole)
    assert len(manifest.clips) == 10039
    result = {split: manifest.split(split) for split in ("train", "valid", "test")}
    assert {split: len(clips) for split, clips in result.items()} == {
        "train": 6468,
        "valid": 1401,
        "test": 2170,
    }
    dialogues = {split: {c.dialogue for c in clips} for split, clips in result.items()}
    assert {split: len(names) for split, names in dialogues.items()} == {
        "train": 100,
        "valid": 20,
        "test": 31,
    }
    assert not dialogues["train"] & dialogues["valid"]
    assert {name[4] for name in dialogues["valid"]} == {"4"}
    labelled = {split: sum(c.label is not None for c in clips) for split, clips in result.items()}
    assert labelled == {"train": 4778, "valid": 980, "test": 1622}
    counts = Counter(c.label for c in result["test"])
    assert [counts[name] for name in manifest.classes] == [143, 245, 384, 170, 299, 381]


def test_conventions_of_four_classes(whole: Path) -> None:
    four, without = build(whole, classes="four"), build(whole, classes="four_without_excited")
    assert sum(clip.label is not None for clip in four.clips) == 5531
    assert sum(clip.label is not None for clip in four.split("test")) == 1241
    assert sum(clip.label is not None for clip in without.split("test")) == 942


def test_other_splits(whole: Path) -> None:
    manifest = build(whole, split="session", test_session=2)
    assert {clip.id[4] for clip in manifest.split("test")} == {"2"}
    assert len({clip.dialogue for clip in manifest.split("valid")}) == 12
    valid = {clip.dialogue for clip in manifest.split("valid")}
    assert not valid & {clip.dialogue for clip in manifest.split("train")}
    drawn = build(whole, split="random_utt")
    assert drawn.notes[0] == (
        "10,039 clips are split one by one: every dialogue is in training and in the test"
    )
    labelled = Counter(clip.split for clip in drawn.clips if clip.label is not None)
    assert labelled == {"train": 5162, "valid": 737, "test": 1481}
    both = {split: {clip.dialogue for clip in drawn.split(split)} for split in ("train", "test")}
    assert len(both["train"] & both["test"]) == 151


def test_one_session_is_left_out_at_a_time(whole: Path) -> None:
    manifest = build(whole)
    for index in range(5):
        folded = manifest.folded(index, 5)
        assert {clip.id[4] for clip in folded.split("test")} == {str(index + 1)}
        speakers = {split: {c.speaker for c in folded.split(split)} for split in ("train", "test")}
        assert not speakers["train"] & speakers["test"]


def test_what_is_wrong_is_named(tmp_path: Path, corpus: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError, match="holds no labels of IEMOCAP; files like Session1/"):
        build(tmp_path / "empty")
    path = corpus / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    path.write_text("[6.5 - 8.0]\tSes01F_impro01_F000\thappiness\t[1, 2, 3]\n")
    with pytest.raises(ManifestError, match=r"Ses01F_impro01\.txt, row 1: is no utterance"):
        build(corpus)


def test_it_is_written_and_read(corpus: Path) -> None:
    manifest = build(corpus)
    manifest.write(corpus / "iemocap.csv")
    assert Manifest.read(corpus / "iemocap.csv") == manifest


RATED = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[1.0000 - 2.0000]\tSes01F_impro02_F000\tang\t[2.5000, 4.0000, 3.3333]
C-E1:\tAnger;\t()
C-E2:\tAnger; Frustration;\t(a bit of both)
C-E4:\tNeutral state;\t()
C-F1:\tSadness;\t()
A-E3:\tval 3; act 2; dom  2;\t()

[3.0000 - 4.0000]\tSes01F_impro02_F001\txxx\t[1.5000, 2.0000, 2.0000]
C-E1:\tSurprise;\t()
C-E2:\tOther;\t(puzzled)
"""


@pytest.fixture
def rated(tmp_path: Path) -> Path:
    """A dialogue of two utterances with what the raters said."""
    path = tmp_path / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro02.txt"
    path.parent.mkdir(parents=True)
    path.write_text(RATED)
    return path


def written_by_the_command(root: Path, *settings: str) -> Manifest:
    pairs = [part for pair in settings for part in ("--set", pair)]
    path = root / "iemocap.csv"
    assert run(["manifest", "iemocap", str(root), "-o", str(path), *pairs]) == 0
    return Manifest.read(path)


def test_votes_are_shares_of_the_raters_not_of_the_actors(rated: Path, tmp_path: Path) -> None:
    first, second = written_by_the_command(tmp_path, "iemocap.fractions=true").clips
    shares = {"angry": 1.5 / 3, "frustrated": 0.5 / 3, "neutral": 1 / 3}
    assert first.labels == pytest.approx(dict.fromkeys(("happy", "sad", "excited"), 0) | shares)
    assert first.label == "angry"
    assert (second.label, second.labels) == (None, {})
    four = written_by_the_command(tmp_path, "iemocap.fractions=true", "iemocap.classes=four")
    shares = {"angry": 0.6, "happy": 0, "neutral": 0.4, "sad": 0}
    assert four.clips[0].labels == pytest.approx(shares)
    assert written_by_the_command(tmp_path).clips[0].labels == {}


def test_dimensions_are_intensities(
    rated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = written_by_the_command(tmp_path, "iemocap.labels=dimensions")
    assert (manifest.task, manifest.classes) == ("intensity", ("valence", "arousal", "dominance"))
    assert manifest.targets(manifest.clips) == pytest.approx(
        np.array([[2.5, 4, 3.3333], [1.5, 2, 2]])
    )
    assert "no label" not in capsys.readouterr().err
    rated.write_text(RATED.replace("[1.5000, 2.0000, 2.0000]", "[1.5000, nan, 2.0000]"))
    with pytest.raises(ManifestError, match="'Ses01F_impro02_F001' has no valence, arousal and"):
        build(tmp_path, labels="dimensions")
    assert len(build(tmp_path).clips) == 2
    with pytest.raises(ConfigError, match="fractions are of votes for classes"):
        build(tmp_path, labels="dimensions", fractions=True)
