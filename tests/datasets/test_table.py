from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emocli import config
from emocli.data.manifest import Manifest
from emocli.datasets import table
from emocli.errors import ConfigError, EmocliWarning, ManifestError
from tests.datasets.empty_files import add


def build(root: Path, **settings: Any) -> Manifest:
    return table.build(root, config.build(table.Config, settings, "table"))


def write(root: Path, *lines: str, name: str = "labels.csv") -> Path:
    (root / name).write_text("\n".join([*lines, ""]))
    return root


def written(root: Path) -> Path:
    """A clip in each split."""
    rows = ("a,train,sad,ann", "b,valid,happy,bob", "c,test,sad,cat")
    return write(root, "id,split,emotion,speaker", *rows)


def test_classes(tmp_path: Path) -> None:
    write(
        tmp_path,
        "id,split,emotion,speaker,dialogue,turn,start,end,text,media.audio,group.age",
        'a,train,sad,ann,d,1,0.5,2,"well, no",sub/a.wav,old',
        "b,valid,happy,bob,,,,,,,",
        "c,test,,cat,,,,,,,",
    )
    manifest = build(tmp_path, citation="Me (2020)", licence="CC0")
    assert manifest.classes == ("happy", "sad")
    assert manifest.task == "single"
    assert (manifest.dataset, manifest.citation) == (tmp_path.name, "Me (2020)")
    first, second, third = manifest.clips
    assert (first.label, first.speaker, first.dialogue, first.turn) == ("sad", "ann", "d", 1)
    assert (first.start, first.end, first.text) == (0.5, 2, "well, no")
    assert first.media == {"audio": tmp_path / "sub" / "a.wav"}
    assert (first.groups, second.groups) == ({"age": "old"}, {})
    assert (second.label, second.split, second.start) == ("happy", "valid", None)
    assert (third.label, third.split) == (None, "test")
    assert manifest.notes == ("1 clip has no label",)
    assert build(tmp_path, classes=["sad", "calm", "happy"]).classes == ("sad", "calm", "happy")
    with pytest.raises(ManifestError, match=r"holds 'sad', which is not in table\.classes"):
        build(tmp_path, classes=["happy"])
    with pytest.raises(ManifestError, match=r"does not hold numbers; leave table\.edges out"):
        build(tmp_path, edges=[1])


def test_few_whole_numbers_are_classes(tmp_path: Path) -> None:
    write(tmp_path, "id,split,y", "a,train,2", "b,train,0", "c,valid,10", "d,test,")
    manifest = build(tmp_path)
    assert manifest.classes == ("0", "2", "10")
    assert [clip.label for clip in manifest.clips] == ["2", "0", "10", None]
    named = build(tmp_path, classes=["low", "mid", "high"])
    assert [clip.label for clip in named.clips] == ["mid", "low", "high", None]
    with pytest.raises(ManifestError, match=r"has 3 classes, table\.classes names 2"):
        build(tmp_path, classes=["low", "high"])
    write(tmp_path, "id,y", *(f"c{k},{k}" for k in range(21)))
    assert build(tmp_path).task == "intensity"


def test_numbers_are_intensities(tmp_path: Path) -> None:
    write(tmp_path, "id,split,arousal", "a,train,0.5", "b,valid,", "c,test,-1")
    manifest = build(tmp_path)
    assert (manifest.task, manifest.classes) == ("intensity", ("arousal",))
    assert [clip.labels for clip in manifest.clips] == [{"arousal": 0.5}, {}, {"arousal": -1.0}]


def test_edges_cut_numbers_into_classes(tmp_path: Path) -> None:
    write(tmp_path, "id,split,y", "a,train,0.5", "b,train,3", "c,valid,2.9", "d,test,7", "e,test,")
    manifest = build(tmp_path, edges=[3])
    assert manifest.classes == ("below 3", "3 and above")
    assert [c.label for c in manifest.clips] == [
        "below 3", "3 and above", "below 3", "3 and above", None,
    ]  # fmt: skip
    three = build(tmp_path, edges=[1, 3])
    assert three.classes == ("below 1", "1 to 3", "3 and above")
    assert [c.label for c in three.clips[:3]] == ["below 1", "3 and above", "1 to 3"]
    named = build(tmp_path, edges=[3], classes=["bad", "good"])
    assert [c.label for c in named.clips[:2]] == ["bad", "good"]
    with pytest.raises(ConfigError, match="edges must rise"):
        build(tmp_path, edges=[3, 3])


def test_splits_can_be_drawn(tmp_path: Path) -> None:
    rows = [f"c{k},train,{k % 2},s{k % 12}" for k in range(60)]
    write(tmp_path, "id,split,y,speaker", *rows)
    assert {clip.split for clip in build(tmp_path).clips} == {"train"}
    assert build(tmp_path).notes == (
        "no clip is in valid: training needs it; draw splits: table.split=new",
    )
    drawn = build(tmp_path, split="new")
    assert [len(drawn.split(split)) for split in ("train", "valid", "test")] == [40, 10, 10]
    assert not drawn.notes
    splits = {clip.speaker: clip.split for clip in drawn.clips}
    assert all(splits[clip.speaker] == clip.split for clip in drawn.clips)
    write(tmp_path, "id,y", *(f"c{k},{k % 2}" for k in range(12)))
    alone = build(tmp_path)
    assert Counter(clip.split for clip in alone.clips) == {"train": 8, "valid": 2, "test": 2}
    assert alone.notes == (
        "12 clips are split one by one: their dialogues and speakers are not known",
    )


@pytest.mark.parametrize(
    ("lines", "settings", "message"),
    [
        (["name,y", "a,1"], {}, "has no column 'id'"),
        (["id,split", "a,train"], {}, "has no column of labels"),
        (["id,y", "a,", "b,nan"], {}, "column 'y': holds no label"),
        (["id,y,id", "a,1,b"], {}, "row 1: column 'id' is there twice"),
        (["id,x,y", "a,1,2"], {}, r"may be the labels: x, y; choose one with --set table\.label"),
        (["id,valence", "a,1"], {"label": "valance"}, "no column 'valance'; did you mean 'valen"),
        (["id,turn,y", "a,first,1"], {}, "row 2, column 'turn': 'first' is not a number"),
        (["id,start,y", "a,nan,1"], {}, "row 2, column 'start': 'nan' is not a finite number"),
        (["id,split,y", "a,eval,1"], {}, "row 2, column 'split': there is no split 'eval'"),
        (
            ["id,y", "a,1", "b,3", "a,2"],
            {},
            "row 4, column 'id': id 'a' is already that of another clip; see .*row 2, column 'id'",
        ),
        (["ID,Name", "a,1"], {"label": "x"}, "has no column 'x'; there are: Name"),
        (["id,split,y", "a,train,1", "b,,2"], {}, "row 3, column 'split': is empty; .*split=new"),
        (["id y", "a 1"], {}, "has no column 'id'; .*there are: 'id y'"),
        (["id,y"], {}, r"labels\.csv: holds no clip"),
        (["id,y", "a,1,2"], {}, "row 2: has 3 cells where the header has 2"),
        (["id,y", *(f"a{k},{k / 3}" for k in range(9)), "x,NA"], {}, "row 11, column 'y': 'NA' is"),
        (["id,y", *(f"a{k},{k / 3}" for k in range(9)), "x,inf"], {}, "row 11, .*'inf' is no fin"),
        (["id,y", *(f"a{k},{k % 5}" for k in range(9)), "x,-"], {}, "row 11, .*'-' is no finite"),
        (["id,y", 'a,"1,5"', "b,1.5", "c,2.5"], {}, "row 2, column 'y': '1,5' is no finite number"),
        (["id,y", 'a,"1,234.5"', "b,3.5"], {}, "row 2, column 'y': '1,234.5' is no finite"),
        (["id,y", "a,x", "b,y"], {"task": "intensity"}, "does not hold numbers; leave table.task"),
        (
            ["id,y", *(f"a{k},name {k}" for k in range(30))],
            {},
            r"row 2, column 'y': holds 30 different labels for 30 clips, as 'name 0'",
        ),
        (["id,y,media.audio", "a,1,../b.wav"], {}, "outside the root"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, lines: list[str], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ManifestError, match=message):
        build(write(tmp_path, *lines), **settings)


def test_decimal_commas_are_understood_and_said(tmp_path: Path) -> None:
    write(tmp_path, "id;split;y", "a;train;0,822", "b;valid;-1,381", "c;test;2")
    with pytest.warns(EmocliWarning, match="semicolons"):
        manifest = build(tmp_path)
    assert [clip.labels["y"] for clip in manifest.clips] == [0.822, -1.381, 2]
    assert manifest.notes == ("labels have decimal commas: '0,822'",)


def test_numbers_are_classes_or_intensities_as_task_says(tmp_path: Path) -> None:
    write(tmp_path, "id,split,y", "a,train,1", "b,valid,01", "c,test,5.0", "d,train,nan")
    assert build(tmp_path).classes == ("1", "5")
    forced = build(tmp_path, task="intensity")
    assert (forced.task, forced.clips[2].labels) == ("intensity", {"y": 5.0})
    write(tmp_path, "id,split,y", "a,train,0.5", "b,valid,1.25", "c,test,0.50")
    assert build(tmp_path).task == "intensity"
    assert build(tmp_path, task="single").classes == ("0.5", "1.25")
    write(tmp_path, "id,split,y", "a,train,1", "b,valid,2", "c,test,NA")
    assert build(tmp_path, task="single").classes == ("1", "2", "NA")
    assert build(tmp_path, classes=["1", "2", "NA"]).classes == ("1", "2", "NA")


def test_many_names_are_classes_if_the_clips_are_many_or_it_is_said(tmp_path: Path) -> None:
    write(tmp_path, "id,y", *(f"c{k},name {k % 30}" for k in range(300)))
    assert len(build(tmp_path).classes) == 30
    write(tmp_path, "id,y", *(f"c{k},name {k}" for k in range(30)))
    assert len(build(tmp_path, task="single").classes) == 30


def test_classes_that_differ_in_case_or_blanks_alone_are_one(tmp_path: Path) -> None:
    names = ["Happy", "happy ", "HAPPY", "Happy", " so  so", "so so", "cafe\u0301", "café"]
    write(tmp_path, "id,split,y", *(f"c{k},train,{name}" for k, name in enumerate(names)))
    manifest = build(tmp_path)
    assert manifest.classes == ("Happy", "café", "so so")
    assert manifest.notes[0] == "2 labels are taken for another class: they differ in case alone"


def test_columns_are_known_in_every_case_and_others_are_said(tmp_path: Path) -> None:
    write(tmp_path, ",ID, Split ,Label,Media.Audio,age", "0, a ,Dev,sad,sub\\a.wav,7")
    manifest = build(tmp_path)
    (clip,) = manifest.clips
    assert (clip.id, clip.split, clip.label) == ("a", "valid", "sad")
    assert clip.media == {"audio": tmp_path / "sub" / "a.wav"}
    assert manifest.notes[:2] == (
        "columns left out: age",
        "1 column left out: they have no name",
    )


def test_columns_of_classes_are_votes(tmp_path: Path) -> None:
    write(
        tmp_path, "id,label,label.joy,label.fear,label.sad", "a,joy,3,1,9", "b,fear,,2,", "c,joy,,,"
    )
    manifest = build(tmp_path)
    assert [clip.labels for clip in manifest.clips] == [
        {"joy": 3, "fear": 1},
        {"joy": 0, "fear": 2},
        {},
    ]
    assert [clip.label for clip in manifest.clips] == ["joy", "fear", "joy"]
    assert "columns left out: label.sad" in manifest.notes
    for cell in ("many", "-1", "nan"):
        write(tmp_path, "id,label,label.joy", f"a,joy,{cell}", "b,fear,1")
        with pytest.raises(ManifestError, match=f"row 2, .* 'label.joy': '{cell}' is no number"):
            build(tmp_path)


def test_recordings_are_found_by_the_clips_names(tmp_path: Path) -> None:
    names = (
        "a.wav",
        "a.mp4",
        "deep/b.WAV",
        "c.jpg",
        "c.mp4",
        "sub/d.flac",
        "e.png",
        "other.wav",
        ".x/a.wav",
    )
    add(tmp_path, *names)
    write(tmp_path, "id,y", "a,1", "b,2", "c,1", "sub/d,2", "e.png,1", "f,2")
    manifest = build(tmp_path)
    assert [dict(clip.media) for clip in manifest.clips] == [
        {"audio": tmp_path / "a.wav", "video": tmp_path / "a.mp4"},
        {"audio": tmp_path / "deep" / "b.WAV"},
        {"video": tmp_path / "c.mp4"},
        {"audio": tmp_path / "sub" / "d.flac"},
        {"video": tmp_path / "e.png"},
        {},
    ]
    assert "2 recordings left out: no clip has their name" in manifest.notes
    write(tmp_path, "id,y,media.audio", "a,1,deep/b.WAV", "b,2,")
    assert [dict(clip.media) for clip in build(tmp_path).clips] == [
        {"audio": tmp_path / "deep" / "b.WAV"},
        {},
    ]


@pytest.mark.parametrize(
    ("kind", "suffixes"),
    [("audio", "caf w64 mka mp2 ac3 wma aiff"), ("video", "vob mxf m2ts asf mpg 3gp dv")],
)
def test_recordings_are_found_in_rarer_containers(tmp_path: Path, kind: str, suffixes: str) -> None:
    names = suffixes.split()
    add(tmp_path, *(f"{name}.{name.upper()}" for name in names))
    write(tmp_path, "id,y", *(f"{name},{len(name)}" for name in names))
    assert [set(clip.media) for clip in build(tmp_path).clips] == [{kind}] * len(names)


def test_turns_follow_the_times_where_the_table_has_none(tmp_path: Path) -> None:
    def turns(*rows: str) -> tuple[list[int], str]:
        write(tmp_path, "id,y,dialogue,start,media.audio", *rows)
        manifest = build(tmp_path)
        told = next((note for note in manifest.notes if "no turn" in note), "")
        return [clip.turn for clip in manifest.clips], told

    assert turns("a,1,d,9,x.wav", "b,1,d,2,x.wav", "c,1,d,5,x.wav") == ([2, 0, 1], "")
    said = "2 clips have no turn: their dialogues follow the order of the rows"
    assert turns("a,1,d,9,x.wav", "b,1,d,2,y.wav") == ([0, 1], said)
    assert turns("a,1,d,9,", "b,1,d,,", "c,1,e,3,", "e,1,,1,") == ([0, 1, 0, 0], said)
    write(tmp_path, "id,y,dialogue,turn", "a,1,d,1", "b,1,d,")
    with pytest.raises(ManifestError, match="row 3, column 'turn': is empty, though other clips"):
        build(tmp_path)


def test_people_may_be_in_two_splits_if_that_is_said(tmp_path: Path) -> None:
    write(tmp_path, "id,split,y,speaker", "a,train,1,ann", "b,valid,2,bob", "c,test,1,ann")
    with pytest.raises(ManifestError, match=r"row 4, column 'speaker': .*table\.overlap=true"):
        build(tmp_path)
    assert build(tmp_path, overlap=True).overlap
    assert not build(tmp_path, split="new").overlap


def test_decomposed_names_of_files_are_the_same_names(tmp_path: Path) -> None:
    add(tmp_path, "cafe\u0301.wav", "nai\u0308ve.wav")
    (tmp_path / "labels.csv").write_text("id,y\ncaf\u00e9,1\nnai\u0308ve,2\n", "utf-8")
    assert all(clip.media for clip in build(tmp_path).clips)


def test_several_files_of_one_name_are_named(tmp_path: Path) -> None:
    add(tmp_path, "a.wav", "deep/a.flac")
    write(tmp_path, "id,y", "b,2", "a,1")
    with pytest.raises(ManifestError, match=r"row 3: clip 'a' has several files of audio: .*a\.fl"):
        build(tmp_path)


def test_another_table_and_column(tmp_path: Path) -> None:
    write(tmp_path, "id,x,y", "a,0.5,b", name="other.csv")
    assert build(tmp_path, labels="other.csv", label="y").classes == ("b",)
    assert build(tmp_path, labels="other.csv", label="x").task == "intensity"
    with pytest.raises(ManifestError, match="there is no such file"):
        build(tmp_path)


def test_numbers_that_are_none_are_names(tmp_path: Path) -> None:
    write(tmp_path, "id,y", "a,none", "b,inf", "c,1")
    assert build(tmp_path).classes == ("1", "inf", "none")


def test_nan_is_no_label(tmp_path: Path) -> None:
    write(tmp_path, "id,y", "a,nan", "b,0.5", "c,1")
    manifest = build(tmp_path)
    assert manifest.task == "intensity"
    assert [dict(clip.labels) for clip in manifest.clips] == [{}, {"y": 0.5}, {"y": 1}]
    assert "1 clip has no label" in manifest.notes


def test_drawing_splits_is_advised_where_they_were_not_drawn(tmp_path: Path) -> None:
    write(tmp_path, "id,split,y", "a,train,x", "b,train,z")
    assert build(tmp_path).notes == (
        "no clip is in valid: training needs it; draw splits: table.split=new",
    )
    assert "no clip is in train: training needs it" in build(tmp_path, split="new").notes


def test_it_is_written_and_read(tmp_path: Path) -> None:
    write(tmp_path, "id,split,y", "a,train,0.5", "b,valid,3", "c,valid,2.9")
    for settings in ({}, {"edges": [1]}):
        manifest = build(tmp_path, **settings)
        manifest.write(tmp_path / "out.csv")
        assert Manifest.read(tmp_path / "out.csv") == manifest


def test_real_sequences(shared_data: Path) -> None:
    reviews = build(shared_data / "mmmo", edges=[3], split="new")
    assert Counter(clip.label for clip in reviews.clips) == {"3 and above": 86, "below 3": 34}
    assert build(shared_data / "mmmo").task == "intensity"
    youtube = build(shared_data / "youtube")
    assert Counter(clip.label for clip in youtube.clips) == {"1": 37, "0": 36, "2": 23}
