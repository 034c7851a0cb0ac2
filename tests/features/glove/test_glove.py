from __future__ import annotations

import csv
import pickle
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli import config
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.track import Absent, Track
from emocli.errors import ConfigError, MediaError, StoreError
from emocli.features import glove
from tests.conftest import Fixture

VECTORS = """\
i 1 1
do 2 2
n't 3 3
know 4 4
. 5 5
Paris 6 6
paris 7 7
well 8 8
gon 9 9
na 10 10
"""


def corpus_settings(fixture: Fixture) -> dict[str, dict[str, Any]]:
    return {"glove": {"vectors": str(fixture("corpus").root / "vectors.txt")}}


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_text(VECTORS)
    return path


def prepare(vectors: Path, clips: Sequence[Clip], **settings: Any) -> glove.Extractor:
    return glove.prepare(
        config.build(glove.Config, {"vectors": vectors, **settings}, "glove"), clips
    )


def extract(vectors: Path, clip: Clip, **settings: Any) -> Track:
    return prepare(vectors, [clip], **settings)(clip, {})


def first(track: Track) -> list[float]:
    return track.values[:, 0].tolist()


def with_words(folder: Path, *rows: str, **values: Any) -> Clip:
    path = folder / "words.csv"
    path.write_text("\n".join(["start,end,word", *rows]))
    return Clip("a", media={"words": path}, **values)


def test_a_row_per_token(vectors: Path) -> None:
    track = extract(vectors, Clip("a", text="I don't know."))
    assert track.values.dtype == np.float32
    np.testing.assert_array_equal(track.values, np.repeat([[1], [2], [3], [4], [5]], 2, axis=1))
    assert track.times is None
    assert track.notes == {
        "words": 5,
        "words.out_of_vocabulary": 0,
        "types": 5,
        "types.out_of_vocabulary": 0,
    }


@pytest.mark.parametrize(
    ("case", "rows"), [("both", [6, 7, 7, 1]), ("lower", [7, 7, 7, 1]), ("keep", [6, 7, 0, 0])]
)
def test_case_is_looked_up_as_asked(vectors: Path, case: str, rows: list[float]) -> None:
    assert first(extract(vectors, Clip("a", text="Paris paris PARIS I"), case=case)) == rows


@pytest.mark.parametrize(
    ("oov", "rows"), [("zero", [1, 0, 4]), ("skip", [1, 4]), ("mean", [1, 5.5, 4])]
)
def test_unknown_tokens_are_treated_as_asked(vectors: Path, oov: str, rows: list[float]) -> None:
    track = extract(vectors, Clip("a", text="I hardly know"), oov=oov)
    assert first(track) == rows
    assert track.notes["words"] == 3
    assert track.notes["words.out_of_vocabulary"] == 1


def test_a_clip_of_unknown_words_may_have_no_row(vectors: Path) -> None:
    clips = [Clip("a", text="I"), Clip("b", text="zzz")]
    track = prepare(vectors, clips, oov="skip")(clips[1], {})
    assert track.values.shape == (0, 2)


def test_unknown_tokens_are_looked_up_by_their_parts(vectors: Path) -> None:
    track = extract(vectors, Clip("a", text="gonna well-know well-zzz"))
    assert first(track) == [9, 10, 8, 4, 0]
    assert track.notes["words"] == 3
    assert track.notes["words.out_of_vocabulary"] == 1


def test_a_type_counts_at_its_first_clip(vectors: Path) -> None:
    clips = [Clip("a", text="I know know zzz"), Clip("b", text="I zzz yyy"), Clip("c", text="I")]
    extractor = prepare(vectors, clips)
    notes: Counter[str] = Counter()
    for clip in clips:
        notes.update({k: int(v) for k, v in extractor(clip, {}).notes.items()})
    assert notes == {
        "words": 8,
        "words.out_of_vocabulary": 3,
        "types": 4,
        "types.out_of_vocabulary": 2,
    }


def test_words_give_tokens_and_times(tmp_path: Path, vectors: Path) -> None:
    rows = ("0.0,0.4,I", "0.4,0.8,don't", "1.0,1.5,know.")
    track = extract(vectors, with_words(tmp_path, *rows, text="not this"))
    assert first(track) == [1, 2, 3, 4, 5]
    assert track.times == pytest.approx([0.2, 0.5, 0.7, 1.125, 1.375])


def test_words_outside_the_clip_do_not_count(tmp_path: Path, vectors: Path) -> None:
    rows = ("0.0,0.4,I", "0.4,0.8,do", "0.9,1.3,know", "1.9,2.3,well")
    track = extract(vectors, with_words(tmp_path, *rows, start=0.5, end=2.0))
    assert first(track) == [2, 4]
    assert track.times == pytest.approx([0.1, 0.6])


def test_rows_have_times_in_all_clips_or_in_none(tmp_path: Path, vectors: Path) -> None:
    clips = [with_words(tmp_path, "0,1,I"), Clip("b", text="know")]
    extractor = prepare(vectors, clips)
    assert extractor(clips[0], {}).times == pytest.approx([0.5])
    assert np.isnan(extractor(clips[1], {}).times).all()  # type: ignore[arg-type]


def test_a_clip_that_says_nothing_is_absent(vectors: Path) -> None:
    clips = [Clip("a", text="I"), Clip("b"), Clip("c", text=" \n")]
    extractor = prepare(vectors, clips)
    for clip in clips[1:]:
        with pytest.raises(Absent):
            extractor(clip, {})


def test_a_broken_file_of_words_is_that_clips_failure(tmp_path: Path, vectors: Path) -> None:
    clips = [Clip("a", text="I"), Clip("b", media={"words": tmp_path / "none.csv"})]
    extractor = prepare(vectors, clips)
    assert first(extractor(clips[0], {})) == [1]
    with pytest.raises(MediaError, match=r"none\.csv: there is no such file"):
        extractor(clips[1], {})


def test_it_travels_to_workers_without_the_file(vectors: Path) -> None:
    clip = Clip("a", text="I know")
    extractor = prepare(vectors, [clip])
    vectors.unlink()
    again = pickle.loads(pickle.dumps(extractor))
    np.testing.assert_array_equal(again(clip, {}).values, extractor(clip, {}).values)


def test_words_that_are_all_unknown_are_counted_not_their_spellings(vectors: Path) -> None:
    with pytest.raises(StoreError, match="holds none of the 3 words of the text"):
        prepare(vectors, [Clip("a", text="Xyzzy Frobnicates QUUX-plugh")])


def test_the_file_has_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"setting 'glove\.vectors' is missing"):
        config.build(glove.Config, {}, "glove")
    with pytest.raises(ConfigError, match="there is no such file"):
        prepare(tmp_path / "none.txt", [Clip("a", text="I")])


def meld(path: Path, output: Path) -> Manifest:
    """A manifest of MELD's training texts (media: none)."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    clips = tuple(
        Clip(
            id=f"train_dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}",
            speaker=row["Speaker"],
            dialogue=row["Dialogue_ID"],
            turn=int(row["Utterance_ID"]),
            text=row["Utterance"],
            label=row["Emotion"],
        )
        for row in rows
    )
    classes = tuple(sorted({clip.label or "" for clip in clips}))
    Manifest(clips, classes, "single", "meld", output.parent).write(output)
    return Manifest.read(output)


def test_words_of_other_scripts_have_their_vectors(tmp_path: Path) -> None:
    words = ["हिन्दी", "สวัสดี", "مُحَمَّد", "שלום", "café", "naïve", "ok", "喜欢", "我", "❤"]
    rows = [f"{unicodedata.normalize('NFD', w)} {k} {k}" for k, w in enumerate(words, 1)]
    path = tmp_path / "multi.vec"
    path.write_text("\n".join([f"{len(words)} 2", *rows]), "utf-8-sig")
    text = "हिन्दी สวัสดี مُحَمَّد שָׁלוֹם cafe\u0301 NAI\u0308VE ＯＫ 我喜欢它 ❤\ufe0f"
    track = extract(path, Clip("a", text=text))
    assert first(track) == [1, 2, 3, 4, 5, 6, 7, 9, 8, 0, 10]
    assert (track.notes["words"], track.notes["words.out_of_vocabulary"]) == (11, 1)
    assert (track.notes["types"], track.notes["types.out_of_vocabulary"]) == (11, 1)


def test_a_text_of_invisible_marks_alone_has_no_word(vectors: Path) -> None:
    with pytest.raises(Absent, match="has no word"):
        prepare(vectors, [Clip("b", text="I")])(Clip("a", text="\u200e\u00ad"), {})


def test_words_without_blanks_between_share_their_time(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("我 1\n喜欢 2\n它 3\n", "utf-8")
    clip = with_words(tmp_path, "0,3,我喜欢它")
    track = extract(tmp_path / "v.txt", clip)
    assert track.times is not None
    assert (first(track), track.times.tolist()) == ([1, 2, 3], [0.5, 1.5, 2.5])


@pytest.mark.parametrize(
    ("name", "dim", "most"),
    [("glove.6B.50d.9k.txt", 50, 0.08), ("glove.840B.300d.subset.txt", 300, 0.09)],
)
def test_real_texts_and_vectors(
    tmp_path: Path, shared_data: Path, name: str, dim: int, most: float
) -> None:
    manifest = meld(shared_data / "meld/train_sent_emo.csv", tmp_path / "meld.csv")
    assert len(manifest.clips) == 9989
    extractor = prepare(shared_data / "glove" / name, manifest.clips)
    notes: Counter[str] = Counter()
    for clip in manifest.clips:
        track = extractor(clip, {})
        assert track.values.shape == (len(track), dim)
        assert len(track)
        notes.update({k: int(v) for k, v in track.notes.items()})
    share = notes["words.out_of_vocabulary"] / notes["words"]
    types = notes["types.out_of_vocabulary"] / notes["types"]
    print(
        f"{name}: out of vocabulary {share:.1%} of {notes['words']:,} tokens, {types:.1%} of types"
    )
    assert 0.01 < share < most
