from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emocli import config
from emocli.data.manifest import Manifest
from emocli.data.media.content import frames, sound
from emocli.datasets import cremad
from emocli.errors import ConfigError, ManifestError
from tests.datasets.empty_files import add

ACTORS = [str(1001 + k) for k in range(91)]


def build(root: Path, **settings: Any) -> Manifest:
    return cremad.build(root, config.build(cremad.Config, settings, "cremad"))


def written(root: Path) -> Path:
    """All actors, four clips each, every second actor a woman."""
    for actor in ACTORS:
        for clip in ("IEO_ANG_HI", "DFA_NEU_XX", "WSI_FEA_XX", "MTI_SAD_XX"):
            add(root, f"AudioWAV/{actor}_{clip}.wav", f"VideoFlash/{actor}_{clip}.flv")
    rows = [f'{actor},30,"{"Female" if int(actor) % 2 else "Male"}"' for actor in ACTORS]
    table = '"ActorID","Age","Sex"\n' + "\n".join(rows) + "\n"
    (root / "VideoDemographics.csv").write_text(table)
    return root


def votes(root: Path, *rows: str) -> None:
    header = '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote"'
    (root / "processedResults").mkdir(exist_ok=True)
    table = "\n".join([header, *rows, ""])
    (root / "processedResults" / "summaryTable.csv").write_text(table)


def actors(manifest: Manifest, split: str) -> set[str]:
    return {clip.speaker for clip in manifest.split(split)}


def test_names_say_everything(tmp_path: Path) -> None:
    codes = {"ANG": "angry", "DIS": "disgust", "FEA": "fearful"}
    codes |= {"HAP": "happy", "NEU": "neutral", "SAD": "sad"}
    add(tmp_path, *(f"1007_TAI_{code}_XX.wav" for code in codes), "1008_IEO_SAD_LO.flv")
    manifest = build(tmp_path)
    for code, emotion in codes.items():
        assert manifest.clip(f"1007_TAI_{code}_XX").label == emotion
    clip = manifest.clip("1008_IEO_SAD_LO")
    assert (clip.speaker, clip.text) == ("1008", "It's eleven o'clock.")
    assert clip.groups == {"intensity": "low"}
    assert manifest.clip("1007_TAI_ANG_XX").groups == {}
    assert manifest.classes == ("angry", "disgust", "fearful", "happy", "neutral", "sad")


def test_sound_is_the_wav_or_else_the_mp3_or_else_that_of_the_video(tmp_path: Path) -> None:
    add(
        tmp_path,
        "AudioWAV/1001_DFA_ANG_XX.wav",
        "AudioMP3/1001_DFA_ANG_XX.mp3",
        "VideoFlash/1001_DFA_ANG_XX.flv",
        "AudioMP3/1001_DFA_DIS_XX.mp3",
        "VideoFlash/1001_DFA_FEA_XX.flv",
    )
    media = {
        clip.id: {name: path.parent.name for name, path in clip.media.items()}
        for clip in build(tmp_path).clips
    }
    assert media == {
        "1001_DFA_ANG_XX": {"audio": "AudioWAV", "video": "VideoFlash"},
        "1001_DFA_DIS_XX": {"audio": "AudioMP3"},
        "1001_DFA_FEA_XX": {"audio": "VideoFlash", "video": "VideoFlash"},
    }


def test_the_one_misspelt_name_is_known(tmp_path: Path) -> None:
    manifest = build(add(tmp_path, "1040_ITH_SAD_X.wav", "1040_ITH_SAD_X.flv"))
    assert [clip.id for clip in manifest.clips] == ["1040_ITH_SAD_XX"]


def test_actors_are_split_in_the_stated_numbers(corpus: Path) -> None:
    manifest = build(corpus)
    splits = {split: actors(manifest, split) for split in ("train", "valid", "test")}
    assert {split: len(group) for split, group in splits.items()} == {
        "train": 64,
        "valid": 9,
        "test": 18,
    }
    for group in splits.values():
        women = sum(int(actor) % 2 for actor in group)
        assert abs(women - len(group) * 46 / 91) <= 1
    assert build(corpus).clips == manifest.clips
    assert actors(build(corpus, seed=1), "test") != splits["test"]


def test_the_sex_is_that_of_the_table(corpus: Path) -> None:
    for clip in build(corpus).clips:
        assert clip.groups["gender"] == ("female" if int(clip.speaker) % 2 else "male")


def test_sex_matters_to_the_split_only_where_it_is_known(corpus: Path) -> None:
    known = actors(build(corpus), "test")
    (corpus / "VideoDemographics.csv").unlink()
    manifest = build(corpus)
    assert len(actors(manifest, "test")) == 18
    assert actors(manifest, "test") != known


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, (1, 0, 0)), (2, (2, 0, 0)), (3, (1, 1, 1)), (5, (3, 1, 1))]
)
def test_few_actors(tmp_path: Path, count: int, sizes: tuple[int, ...]) -> None:
    manifest = build(add(tmp_path, *(f"{a}_DFA_ANG_XX.wav" for a in ACTORS[:count])))
    result = tuple(len(actors(manifest, split)) for split in ("train", "valid", "test"))
    assert result == sizes
    assert any("all in train" in note for note in manifest.notes) == (count < 3)


def test_shares_can_be_set(corpus: Path) -> None:
    manifest = build(corpus, valid_share=0.3, test_share=0.1)
    assert len(actors(manifest, "valid")) == 27
    assert len(actors(manifest, "test")) == 9
    with pytest.raises(ConfigError, match=r"cremad\.test_share"):
        build(corpus, test_share=0.9)


def test_known_broken_clips_are_left_out(corpus: Path) -> None:
    manifest = build(corpus)
    ids = {clip.id for clip in manifest.clips}
    assert "1076_MTI_SAD_XX" not in ids
    assert "1075_MTI_SAD_XX" in ids
    assert "1 clip left out: known to be broken" in manifest.notes
    assert build(corpus, exclude=[]).clip("1076_MTI_SAD_XX").speaker == "1076"


def test_labels_may_be_votes(tmp_path: Path) -> None:
    add(tmp_path, *(f"1001_DFA_{code}_XX.wav" for code in ("ANG", "HAP", "SAD", "FEA")))
    votes(
        tmp_path,
        '"1","1001_DFA_ANG_XX","N",1,"A",1,"D"',
        '"2","1001_DFA_HAP_XX","A:H",1,"H",1,"N"',
        '"3","1001_DFA_SAD_XX","S",1,"F:S",1,"S:N"',
    )

    def labels(source: str) -> list[str | None]:
        return [clip.label for clip in build(tmp_path, label_source=source).clips]

    assert labels("intended") == ["angry", "fearful", "happy", "sad"]
    assert labels("vote_voice") == ["neutral", None, None, "sad"]
    assert labels("vote_face") == ["angry", None, "happy", None]
    assert labels("vote_av") == ["disgust", None, "neutral", None]
    assert (
        "2 clips have no label: raters are divided" in build(tmp_path, label_source="vote_av").notes
    )


def test_votes_may_be_shares(tmp_path: Path) -> None:
    add(tmp_path, "1001_DFA_ANG_XX.wav", "1001_DFA_HAP_XX.wav")
    (tmp_path / "tabulatedVotes.csv").write_text(
        '"","A","D","F","H","N","S","fileName","numResponses"\n'
        '"100001",1,0,0,0,3,0,"1001_DFA_ANG_XX",4\n'
        '"200001",4,0,0,0,0,0,"1001_DFA_ANG_XX",4\n'
        '"300001",6,2,0,0,0,0,"1001_DFA_ANG_XX",8\n'
    )

    def shares(source: str) -> dict[str, float]:
        manifest = build(tmp_path, label_source=source, fractions=True)
        assert manifest.clip("1001_DFA_HAP_XX").labels == {}
        return {k: v for k, v in manifest.clip("1001_DFA_ANG_XX").labels.items() if v}

    assert shares("intended") == {"angry": 0.75, "disgust": 0.25}
    votes(tmp_path, '"1","1001_DFA_ANG_XX","N",1,"A",1,"A"')
    assert shares("vote_voice") == {"angry": 0.25, "neutral": 0.75}
    assert shares("vote_face") == {"angry": 1.0}


def test_an_absent_or_strange_table_is_named(tmp_path: Path) -> None:
    add(tmp_path, "1001_DFA_ANG_XX.wav")
    with pytest.raises(ManifestError, match=r"there is no summaryTable\.csv"):
        build(tmp_path, label_source="vote_av")
    with pytest.raises(ManifestError, match=r"there is no tabulatedVotes\.csv"):
        build(tmp_path, fractions=True)
    (tmp_path / "summaryTable.csv").write_text("FileName,Vote\nx,A\n")
    with pytest.raises(ManifestError, match="has no column 'MultiModalVote'"):
        build(tmp_path, label_source="vote_av")
    header = ",A,D,F,H,N,S,fileName"
    (tmp_path / "tabulatedVotes.csv").write_text(f"{header}\n300001,a,0,0,0,0,0,1001_DFA_ANG_XX\n")
    with pytest.raises(ManifestError, match=r"tabulatedVotes\.csv, row 2: could not convert"):
        build(tmp_path, fractions=True)


def test_a_folder_without_the_corpus_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="holds no recording of CREMA-D; names like VideoFlash"):
        build(add(tmp_path, "1001_XXX_ANG_XX.wav", "a.flv"))


def test_it_is_written_and_read(corpus: Path) -> None:
    manifest = build(corpus)
    manifest.write(corpus / "lists" / "cremad.csv")
    assert Manifest.read(corpus / "lists" / "cremad.csv") == manifest


def test_real_files(shared_data: Path) -> None:
    manifest = build(shared_data / "cremad")
    assert len(manifest.clips) == 12
    assert Counter(clip.label for clip in manifest.clips) == dict.fromkeys(manifest.classes, 2)
    both = [clip for clip in manifest.clips if "video" in clip.media]
    assert len(both) == 6
    for clip in both:
        shown = list(frames(clip))
        assert shown[0].image.shape == (360, 480, 3)
        assert abs(len(sound(clip, 16000)) / 16000 - shown[-1].time) < 0.1
    voted = build(shared_data / "cremad", label_source="vote_face")
    assert sum(clip.label is None for clip in voted.clips) == 1


def test_few_clips_can_be_split_one_by_one(tmp_path: Path) -> None:
    for emotion in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"):
        (tmp_path / f"1001_DFA_{emotion}_XX.flv").write_bytes(b"")
    manifest = build(tmp_path, split="clip")
    assert all(manifest.split(split) for split in ("train", "valid", "test"))
    assert manifest.overlap
    assert any("not trained on" in note for note in manifest.notes)
    by_actor = build(tmp_path)
    assert not by_actor.split("valid")
    assert not by_actor.overlap


def test_folds_hold_whole_actors_and_both_sexes(corpus: Path) -> None:
    manifest = build(corpus)
    for index in range(5):
        tested = actors(manifest.folded(index, 5), "test")
        assert len(tested) in (18, 19)
        assert abs(sum(int(actor) % 2 for actor in tested) - len(tested) * 46 / 91) <= 1
    assert {clip.fold for clip in build(corpus, folds=3).clips} == {0, 1, 2}


def test_few_actors_have_no_folds(tmp_path: Path) -> None:
    manifest = build(add(tmp_path, *(f"AudioWAV/{a}_DFA_ANG_XX.wav" for a in ACTORS[:4])))
    assert {clip.fold for clip in manifest.clips} == {None}
